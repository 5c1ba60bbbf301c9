#include "client/render/selection.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/config/field_path.h"
#include "common/filter.h"
#include "common/status.h"

namespace anneal::client::render {
namespace {

constexpr size_t kNowhere = static_cast<size_t>(-1);

size_t FindColumn(const Table& table, absl::string_view key) {
  for (size_t c = 0; c < table.columns().size(); ++c) {
    if (table.columns()[c].key == key) return c;
  }
  return kNowhere;
}

absl::Status NoSuchColumn(absl::string_view option, const std::string& key,
                          const std::vector<std::string>& keys) {
  return InvalidField(option, absl::StrCat("has the unknown column ", Quoted(key),
                                           "; did you mean ", config::NearNames(key, keys), "?"));
}

// Returns a negative value, 0 or a positive value if `a` is less than, equal to or greater than
// `b`.
int Compared(const std::string& a, const std::string& b) {
  double x = 0;
  double y = 0;
  if (absl::SimpleAtod(a, &x) && absl::SimpleAtod(b, &y)) return x < y ? -1 : (x > y ? 1 : 0);
  return a.compare(b);
}

bool Holds(const Filter& comparison, const std::string& cell) {
  if (cell.empty()) return false;
  const int compared = Compared(cell, comparison.value);
  switch (comparison.comparator) {
    case Comparator::kEqual:
      return compared == 0;
    case Comparator::kNotEqual:
      return compared != 0;
    case Comparator::kLess:
      return compared < 0;
    case Comparator::kLessEqual:
      return compared <= 0;
    case Comparator::kGreater:
      return compared > 0;
    case Comparator::kGreaterEqual:
      return compared >= 0;
    case Comparator::kHas:
      return (comparison.value == "*" && !comparison.quoted) ||
             absl::StrContains(cell, comparison.value);
  }
  return false;
}

// Evaluates filters whose fields are columns of the table.
bool Holds(const Filter& filter, const Table& table, const std::vector<std::string>& row) {
  const auto holds = [&](const Filter& operand) { return Holds(operand, table, row); };
  switch (filter.kind) {
    case Filter::Kind::kAll:
      return std::all_of(filter.operands.begin(), filter.operands.end(), holds);
    case Filter::Kind::kAny:
      return std::any_of(filter.operands.begin(), filter.operands.end(), holds);
    case Filter::Kind::kNot:
      return !holds(filter.operands.front());
    case Filter::Kind::kComparison:
      return Holds(filter, row[FindColumn(table, filter.field)]);
  }
  return false;
}

absl::Status CheckFields(const Filter& filter, const Table& table) {
  if (filter.kind == Filter::Kind::kComparison && FindColumn(table, filter.field) == kNowhere) {
    return NoSuchColumn("--filter", filter.field, table.keys());
  }
  for (const Filter& operand : filter.operands) {
    ANNEAL_RETURN_IF_ERROR(CheckFields(operand, table));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<size_t>> SelectRows(const Table& table, absl::string_view filter,
                                               absl::string_view order) {
  ANNEAL_ASSIGN_OR_RETURN(const Filter parsed, ParseFilter(filter));
  ANNEAL_RETURN_IF_ERROR(CheckFields(parsed, table));
  ANNEAL_ASSIGN_OR_RETURN(const std::vector<OrderField> fields, ParseOrder(order));
  std::vector<std::pair<size_t, bool>> keys;  // column index, descending
  for (const OrderField& field : fields) {
    const size_t column = FindColumn(table, field.field);
    if (column == kNowhere) return NoSuchColumn("--sort", field.field, table.keys());
    keys.emplace_back(column, field.descending);
  }
  std::vector<size_t> rows;
  for (size_t r = 0; r < table.rows().size(); ++r) {
    if (Holds(parsed, table, table.rows()[r])) rows.push_back(r);
  }
  std::stable_sort(rows.begin(), rows.end(), [&](size_t a, size_t b) {
    for (const auto& [column, descending] : keys) {
      const std::string& x = table.rows()[a][column];
      const std::string& y = table.rows()[b][column];
      if (x.empty() != y.empty()) return y.empty();
      const int compared = Compared(x, y);
      if (compared != 0) return descending ? compared > 0 : compared < 0;
    }
    return false;
  });
  return rows;
}

Table WithRows(const Table& table, const std::vector<size_t>& rows) {
  Table some(table.columns());
  for (const size_t r : rows) some.AddRow(table.rows()[r]);
  return some;
}

absl::StatusOr<Table> WithColumns(const Table& table, const Table* more,
                                  const std::vector<std::string>& keys) {
  std::vector<std::pair<const Table*, size_t>> sources;
  std::vector<Table::Column> columns;
  for (const std::string& key : keys) {
    const Table* source = &table;
    size_t column = FindColumn(table, key);
    if (column == kNowhere && more != nullptr) {
      source = more;
      column = FindColumn(*more, key);
    }
    if (column == kNowhere) {
      std::vector<std::string> all = table.keys();
      for (const std::string& other : more == nullptr ? all : more->keys()) {
        if (FindColumn(table, other) == kNowhere) all.push_back(other);
      }
      return NoSuchColumn("--columns", key, all);
    }
    sources.emplace_back(source, column);
    columns.push_back(source->columns()[column]);
    columns.back().rank = 0;  // explicitly requested
  }
  Table some(std::move(columns));
  for (size_t r = 0; r < table.rows().size(); ++r) {
    std::vector<std::string> row;
    for (const auto& [source, column] : sources) row.push_back(source->rows()[r][column]);
    some.AddRow(std::move(row));
  }
  return some;
}

}  // namespace anneal::client::render
