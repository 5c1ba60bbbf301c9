// `StatusFromSqlite` converts SQLite errors to absl::Status.

#ifndef ANNEAL_SERVER_STORE_SQLITE_STATUS_H_
#define ANNEAL_SERVER_STORE_SQLITE_STATUS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

struct sqlite3;

namespace anneal::store {

// RESOURCE_EXHAUSTED: the disk is full, or a disk quota or file size limit is reached. DATA_LOSS:
// corrupt, or not a database. PERMISSION_DENIED: read-only or no access. ALREADY_EXISTS: a
// uniqueness constraint. FAILED_PRECONDITION: another constraint. UNAVAILABLE: locked. INTERNAL:
// anything else. `what` names the operation.
absl::Status StatusFromSqlite(sqlite3* handle, int code, absl::string_view what);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_SQLITE_STATUS_H_
