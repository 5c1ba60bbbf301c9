// Which rows and columns of a table are shown. Pure.

#ifndef ANNEAL_CLIENT_RENDER_SELECTION_H_
#define ANNEAL_CLIENT_RENDER_SELECTION_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/render/table.h"

namespace anneal::client::render {

// Numbers of the rows that `filter` holds for, in the order that `order` asks for and otherwise as
// they are. Both as for lists of the daemon (common/filter.h), on the keys of the columns. Cells
// are compared as numbers where both sides are; an empty cell is an absent value, for which no
// comparison holds, and which comes last. INVALID_ARGUMENT naming `--filter` or `--sort`.
absl::StatusOr<std::vector<size_t>> SelectRows(const Table& table, absl::string_view filter,
                                               absl::string_view order);

// The table with these rows only, by number.
Table WithRows(const Table& table, const std::vector<size_t>& rows);

// The table with these columns only, by key, in this order. Columns that it does not have come from
// `more`, which has the same rows; null: there are no more. INVALID_ARGUMENT naming `--columns`.
absl::StatusOr<Table> WithColumns(const Table& table, const Table* more,
                                  const std::vector<std::string>& keys);

}  // namespace anneal::client::render

#endif  // ANNEAL_CLIENT_RENDER_SELECTION_H_
