// One SQLite connection and its prepared statements. Not thread-safe; may move between threads.

#ifndef ANNEAL_SERVER_STORE_CONNECTION_H_
#define ANNEAL_SERVER_STORE_CONNECTION_H_

#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/store/statement.h"

struct sqlite3;

namespace anneal::store {

class Connection {
 public:
  enum class Mode {
    kReadWrite,  // creates the file if it is missing; checkpoints the WAL
    kReadOnly,   // never checkpoints (see migrations/README.md on why only one connection may)
  };

  // Opens the file with this project's settings. Errors as StatusFromSqlite.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const std::string& path, Mode mode);
  ~Connection();

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // A statement for the one command in `sql`, compiled once and kept. At most one Statement of the
  // same text may be alive. Errors show in the Statement's status.
  Statement Prepare(absl::string_view sql);

  // The same for a command that users put together: compiled for this use, and not kept.
  Statement PrepareOnce(absl::string_view sql);

  // Runs any number of commands and ignores their rows.
  absl::Status Execute(absl::string_view sql);

  // Value of a pragma or query of a single integer.
  absl::StatusOr<int64_t> QueryInt(absl::string_view sql);

  // Copies what is committed now, page by page, into a new file. Nobody waits for it. (VACUUM INTO
  // does not get along with generated columns in SQLite 3.40.)
  absl::Status CopyTo(const std::string& path);

  int64_t last_insert_rowid() const;
  // Rows changed by the last statement that ran.
  int64_t changes() const;
  // Whether a transaction is open: SQLite may have rolled one back on its own, on a full disk.
  bool in_transaction() const;

 private:
  explicit Connection(sqlite3* handle) : handle_(handle) {}

  sqlite3* const handle_;
  absl::flat_hash_map<std::string, sqlite3_stmt*> statements_;
};

// An error with the file's path before its message.
absl::Status WithPath(const absl::Status& status, absl::string_view path);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_CONNECTION_H_
