// Errors of SQLite as absl::Status.

#ifndef ANNEAL_SERVER_STORE_SQLITE_STATUS_H_
#define ANNEAL_SERVER_STORE_SQLITE_STATUS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

struct sqlite3;

namespace anneal::store {

// RESOURCE_EXHAUSTED: the disk is full, or a quota or limit of file sizes is reached. DATA_LOSS:
// corrupt, or not a database. PERMISSION_DENIED: read-only or not ours. ALREADY_EXISTS: a
// uniqueness constraint. FAILED_PRECONDITION: another constraint. UNAVAILABLE: locked. INTERNAL:
// anything else. `what` names what was attempted.
absl::Status StatusFromSqlite(sqlite3* handle, int code, absl::string_view what);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_SQLITE_STATUS_H_
