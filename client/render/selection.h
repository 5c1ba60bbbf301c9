// These functions select and order the rows and columns of a table. Pure.

#ifndef ANNEAL_CLIENT_RENDER_SELECTION_H_
#define ANNEAL_CLIENT_RENDER_SELECTION_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/render/table.h"

namespace anneal::client::render {

// Returns the indices of the rows that match `filter`, sorted by `order` (stable). Both use the
// syntax of the daemon's lists (common/filter.h), with the column keys as fields. Cells compare as
// numbers if both sides are numbers; an empty cell is an absent value, which matches no comparison
// and sorts last. INVALID_ARGUMENT naming `--filter` or `--sort`.
absl::StatusOr<std::vector<size_t>> SelectRows(const Table& table, absl::string_view filter,
                                               absl::string_view order);

// Returns the table with only the rows at these indices.
Table WithRows(const Table& table, const std::vector<size_t>& rows);

// Returns the table with only these columns, by key, in this order. Columns that it lacks are taken
// from `more`, which has the same rows; null: none. INVALID_ARGUMENT naming `--columns`.
absl::StatusOr<Table> WithColumns(const Table& table, const Table* more,
                                  const std::vector<std::string>& keys);

}  // namespace anneal::client::render

#endif  // ANNEAL_CLIENT_RENDER_SELECTION_H_
