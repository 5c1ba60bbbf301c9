#include "server/store/sqlite_status.h"

#include <sqlite3.h>

#include <cerrno>

#include "absl/strings/str_cat.h"

namespace anneal::store {
namespace {

bool IsOutOfRoom(int error) { return error == ENOSPC || error == EDQUOT || error == EFBIG; }

// Returns the last error of the WAL file, which SQLite does not consult when a COMMIT fails.
int LastErrorOfWal(sqlite3* handle) {
  sqlite3_file* wal = nullptr;
  int error = 0;
  if (sqlite3_file_control(handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal) == SQLITE_OK &&
      wal != nullptr && wal->pMethods != nullptr) {
    wal->pMethods->xFileControl(wal, SQLITE_FCNTL_LAST_ERRNO, &error);
  }
  return error;
}

// SQLite reports FULL for a full file system only; quotas and size limits are mapped to the same
// code.
bool IsOutOfRoom(sqlite3* handle, int code) {
  if (handle == nullptr) return false;
  return IsOutOfRoom(sqlite3_system_errno(handle)) ||
         (code == SQLITE_IOERR_WRITE && IsOutOfRoom(LastErrorOfWal(handle)));
}

absl::StatusCode CodeFromSqlite(sqlite3* handle, int code) {
  switch (code & 0xff) {
    case SQLITE_IOERR:
      return IsOutOfRoom(handle, code) ? absl::StatusCode::kResourceExhausted
                                       : absl::StatusCode::kInternal;
    case SQLITE_FULL:
      return absl::StatusCode::kResourceExhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::StatusCode::kDataLoss;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
      return absl::StatusCode::kPermissionDenied;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::StatusCode::kUnavailable;
    case SQLITE_CONSTRAINT:
      return code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ||
                     code == SQLITE_CONSTRAINT_ROWID
                 ? absl::StatusCode::kAlreadyExists
                 : absl::StatusCode::kFailedPrecondition;
    default:
      return absl::StatusCode::kInternal;
  }
}

}  // namespace

absl::Status StatusFromSqlite(sqlite3* handle, int code, absl::string_view what) {
  const char* message = handle == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle);
  return absl::Status(CodeFromSqlite(handle, code),
                      absl::StrCat("SQLite: ", message, " (code ", code, ") in: ", what));
}

}  // namespace anneal::store
