#include "server/store/connection.h"

#include <sqlite3.h>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "server/store/functions.h"
#include "server/store/sqlite_status.h"

namespace anneal::store {
namespace {

// WAL with synchronous=FULL: a commit is durable when it returns. Savepoints are journalled in
// memory; a file for them took half the time of a submission. The other pragmas are those that
// SQLite recommends against damaged or hostile files.
constexpr absl::string_view kSettings =
    "PRAGMA busy_timeout = 5000;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA foreign_keys = ON;"
    "PRAGMA trusted_schema = OFF;"
    "PRAGMA cell_size_check = ON;"
    "PRAGMA mmap_size = 0;";

absl::Status Configure(sqlite3* handle, Connection::Mode mode, Connection* connection) {
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  if (const int code = AddFunctions(handle); code != SQLITE_OK) {
    return StatusFromSqlite(handle, code, "add functions");
  }
  ANNEAL_RETURN_IF_ERROR(connection->Execute(kSettings));
  if (mode == Connection::Mode::kReadWrite) {
    return connection->Execute("PRAGMA journal_mode = WAL;");
  }
  sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  return connection->Execute("PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0;");
}

}  // namespace

absl::Status WithPath(const absl::Status& status, absl::string_view path) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const std::string& path, Mode mode) {
  const int flags = (mode == Mode::kReadWrite ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                                              : SQLITE_OPEN_READONLY) |
                    SQLITE_OPEN_NOMUTEX;
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  // The handle exists even after a failure and must be closed.
  std::unique_ptr<Connection> connection(new Connection(handle));
  if (code != SQLITE_OK) return StatusFromSqlite(handle, code, absl::StrCat("open ", path));
  ANNEAL_RETURN_IF_ERROR(Configure(handle, mode, connection.get()));
  return connection;
}

absl::Status Connection::CopyTo(const std::string& path) {
  sqlite3* handle = nullptr;
  int code =
      sqlite3_open_v2(path.c_str(), &handle,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  const absl::Cleanup close = [&handle] { sqlite3_close(handle); };
  if (code != SQLITE_OK) return StatusFromSqlite(handle, code, "open");
  sqlite3_backup* copy = sqlite3_backup_init(handle, "main", handle_, "main");
  if (copy != nullptr) {
    sqlite3_backup_step(copy, /*all pages*/ -1);
    sqlite3_backup_finish(copy);
  }
  code = sqlite3_errcode(handle);
  return code == SQLITE_OK ? absl::OkStatus() : StatusFromSqlite(handle, code, "copy");
}

Connection::~Connection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

Statement Connection::Prepare(absl::string_view sql) {
  sqlite3_stmt*& statement = statements_[sql];
  if (statement == nullptr) {
    const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) return Statement(StatusFromSqlite(handle_, code, sql));
  }
  if (sqlite3_stmt_busy(statement)) {
    return Statement(absl::InternalError(absl::StrCat("statement is already in use: ", sql)));
  }
  return Statement(statement);
}

Statement Connection::PrepareOnce(absl::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), 0, &statement, nullptr);
  if (code != SQLITE_OK) return Statement(StatusFromSqlite(handle_, code, sql));
  return Statement(statement, Statement::Kept::kNot);
}

absl::Status Connection::Execute(absl::string_view sql) {
  const int code = sqlite3_exec(handle_, std::string(sql).c_str(), nullptr, nullptr, nullptr);
  // Scripts are truncated in messages.
  constexpr size_t kMostBytes = 120;
  return code == SQLITE_OK ? absl::OkStatus()
                           : StatusFromSqlite(handle_, code, OneLine(sql.substr(0, kMostBytes)));
}

absl::StatusOr<int64_t> Connection::QueryInt(absl::string_view sql) {
  Statement query = Prepare(sql);
  const bool found = query.Next();
  ANNEAL_RETURN_IF_ERROR(query.status());
  if (!found) return absl::NotFoundError(absl::StrCat("no row from: ", sql));
  return query.Int(0);
}

int64_t Connection::last_insert_rowid() const { return sqlite3_last_insert_rowid(handle_); }

int64_t Connection::changes() const { return sqlite3_changes64(handle_); }

bool Connection::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

}  // namespace anneal::store
