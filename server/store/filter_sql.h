// `CompileFilter` compiles filters of lists to SQL conditions. Pure; thread-safe.
//
// Users' values are only ever bound. User-written text becomes SQL only as the name of a field that
// list_fields.h or the schema of TrainingConfig knows.

#ifndef ANNEAL_SERVER_STORE_FILTER_SQL_H_
#define ANNEAL_SERVER_STORE_FILTER_SQL_H_

#include "absl/status/statusor.h"
#include "common/filter.h"
#include "server/store/list_fields.h"

namespace anneal::store {

// INVALID_ARGUMENT naming `filter`: an unknown field, with similar names; a value that is not of
// the field's type; or a comparison that the type does not have.
absl::StatusOr<Condition> CompileFilter(Listed listed, const Filter& filter);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_FILTER_SQL_H_
