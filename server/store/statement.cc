#include "server/store/statement.h"

#include <sqlite3.h>

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/store/sqlite_status.h"

namespace anneal::store {

Statement::Statement(Statement&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)),
      kept_(other.kept_),
      status_(std::move(other.status_)) {}

Statement::~Statement() {
  if (statement_ == nullptr) return;
  if (kept_ == Kept::kNot) {
    sqlite3_finalize(statement_);
    return;
  }
  Reset();
}

void Statement::Check(int code) {
  if (code == SQLITE_OK || !status_.ok()) return;
  status_ = StatusFromSqlite(sqlite3_db_handle(statement_), code, sqlite3_sql(statement_));
}

bool Statement::Next() {
  if (!status_.ok()) return false;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) Check(code);
  return false;
}

void Statement::Reset() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

absl::Status Statement::Run() {
  while (Next()) {
  }
  return status_;
}

int64_t Statement::Int(int column) const { return sqlite3_column_int64(statement_, column); }

double Statement::Real(int column) const { return sqlite3_column_double(statement_, column); }

std::string Statement::Text(int column) const { return std::string(Bytes(column)); }

absl::string_view Statement::Bytes(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  if (bytes == nullptr) return "";
  return {static_cast<const char*>(bytes), static_cast<size_t>(size)};
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

Value Statement::ValueAt(int column) const {
  switch (sqlite3_column_type(statement_, column)) {
    case SQLITE_NULL:
      return {};
    case SQLITE_INTEGER:
      return Int(column);
    case SQLITE_FLOAT:
      return Real(column);
    default:
      return Text(column);
  }
}

Statement& Statement::BindValues(const std::vector<Value>& values) {
  for (size_t i = 0; i < values.size(); ++i) {
    std::visit([&](const auto& value) { BindOne(static_cast<int>(i) + 1, value); }, values[i]);
  }
  return *this;
}

void Statement::BindInt(int index, int64_t value) {
  if (status_.ok()) Check(sqlite3_bind_int64(statement_, index, value));
}

void Statement::BindReal(int index, double value) {
  if (status_.ok() && std::isnan(value)) {
    status_ = absl::FailedPreconditionError(absl::StrCat(
        "parameter ", index,
        " is not a number, which SQLite would store as NULL, in: ", sqlite3_sql(statement_)));
  }
  if (status_.ok()) Check(sqlite3_bind_double(statement_, index, value));
}

void Statement::BindText(int index, absl::string_view value) {
  if (!status_.ok()) return;
  // A null pointer would bind NULL instead of an empty text.
  const char* data = value.data() == nullptr ? "" : value.data();
  Check(sqlite3_bind_text64(statement_, index, data, value.size(), SQLITE_STATIC, SQLITE_UTF8));
}

void Statement::BindBlob(int index, Blob value) {
  if (!status_.ok()) return;
  const char* data = value.bytes.data() == nullptr ? "" : value.bytes.data();
  Check(sqlite3_bind_blob64(statement_, index, data, value.bytes.size(), SQLITE_STATIC));
}

void Statement::BindNull(int index) {
  if (status_.ok()) Check(sqlite3_bind_null(statement_, index));
}

}  // namespace anneal::store
