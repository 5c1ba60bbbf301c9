// `Statement` is one use of a prepared statement: bind, step through rows, reset on destruction.
//
// The first error sticks: later calls do nothing, and status() or Run() returns it, so that a query
// needs one check. Not thread-safe.

#ifndef ANNEAL_SERVER_STORE_STATEMENT_H_
#define ANNEAL_SERVER_STORE_STATEMENT_H_

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

struct sqlite3_stmt;

namespace anneal::store {

// The value of a column or parameter whose type is known only at run time. monostate is NULL.
using Value = std::variant<std::monostate, int64_t, double, std::string>;

// Bytes to bind as a BLOB. Borrowed until the statement is destroyed.
struct Blob {
  absl::string_view bytes;
};

class Statement {
 public:
  enum class Kept { kByConnection, kNot };

  // The destructor resets a statement that the connection caches, and finalises others.
  explicit Statement(sqlite3_stmt* statement, Kept kept = Kept::kByConnection)
      : statement_(statement), kept_(kept) {}
  explicit Statement(absl::Status error) : status_(std::move(error)) {}
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  // Binds all parameters in order, from ?1. Strings are borrowed until the statement is destroyed.
  // FAILED_PRECONDITION: a double is NaN, which SQLite would store as NULL.
  template <typename... Values>
  Statement& Bind(const Values&... values) {
    int index = 0;
    (BindOne(++index, values), ...);
    return *this;
  }

  // Binds the parameter with this number, from 1; otherwise as Bind.
  template <typename Value>
  Statement& BindAt(int index, const Value& value) {
    BindOne(index, value);
    return *this;
  }

  // The same for values; borrowed until the statement is destroyed.
  Statement& BindValues(const std::vector<Value>& values);

  // Moves to the next row; false at the end and on errors, which status() tells apart.
  bool Next();
  const absl::Status& status() const { return status_; }

  // Makes the statement ready for other parameters and another pass over its rows.
  void Reset();

  // Steps to the end and returns the status.
  absl::Status Run();

  // Return a column of the current row, counted from 0. NULL reads as 0, 0.0 and "".
  int64_t Int(int column) const;
  double Real(int column) const;
  std::string Text(int column) const;
  // The view is valid until the next call of Next or the statement's destruction.
  absl::string_view Bytes(int column) const;
  bool IsNull(int column) const;
  // BLOBs read as text.
  Value ValueAt(int column) const;

 private:
  template <std::integral Integer>
  void BindOne(int index, Integer value) {
    BindInt(index, static_cast<int64_t>(value));
  }
  void BindOne(int index, double value) { BindReal(index, value); }
  void BindOne(int index, absl::string_view value) { BindText(index, value); }
  void BindOne(int index, const std::string& value) { BindText(index, value); }
  void BindOne(int index, const char* value) { BindText(index, value); }
  void BindOne(int index, Blob value) { BindBlob(index, value); }
  void BindOne(int index, std::monostate) { BindNull(index); }
  template <typename Value>
  void BindOne(int index, const std::optional<Value>& value) {
    if (value.has_value()) {
      BindOne(index, *value);
    } else {
      BindNull(index);
    }
  }

  void BindInt(int index, int64_t value);
  void BindReal(int index, double value);
  void BindText(int index, absl::string_view value);
  void BindBlob(int index, Blob value);
  void BindNull(int index);
  void Check(int code);

  sqlite3_stmt* statement_ = nullptr;
  Kept kept_ = Kept::kByConnection;
  absl::Status status_;
};

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_STATEMENT_H_
