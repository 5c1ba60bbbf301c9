// `Connection` owns one SQLite connection and caches its prepared statements. Not thread-safe; it
// may move between threads.

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

  // Opens the file and applies this project's pragmas. Errors of StatusFromSqlite.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const std::string& path, Mode mode);
  ~Connection();

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Returns a statement for the single command in `sql`, compiled once and cached. At most one
  // Statement of the same text may be alive. Errors are in the Statement's status.
  Statement Prepare(absl::string_view sql);

  // The same without the cache, for commands that depend on a user's filter or order.
  Statement PrepareOnce(absl::string_view sql);

  // Runs any number of commands and ignores their rows.
  absl::Status Execute(absl::string_view sql);

  // Returns the value of a pragma or query that yields one integer.
  absl::StatusOr<int64_t> QueryInt(absl::string_view sql);

  // Copies the committed state, page by page, into a new file, without blocking the writer. (VACUUM
  // INTO fails on generated columns in SQLite 3.40.)
  absl::Status CopyTo(const std::string& path);

  int64_t last_insert_rowid() const;
  // Returns the number of rows that the last statement changed.
  int64_t changes() const;
  // Returns whether a transaction is open. SQLite rolls one back on its own when the disk is full.
  bool in_transaction() const;

 private:
  explicit Connection(sqlite3* handle) : handle_(handle) {}

  sqlite3* const handle_;
  absl::flat_hash_map<std::string, sqlite3_stmt*> statements_;
};

// Prepends the file's path to an error's message.
absl::Status WithPath(const absl::Status& status, absl::string_view path);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_CONNECTION_H_
