#include "server/store/list_query.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status.h"
#include "server/store/list_fields.h"

namespace anneal::store {
namespace {

void AddTestMetric(absl::string_view field, std::vector<std::string>* names) {
  const std::optional<Metric> metric = FindListMetric(field);
  if (!metric.has_value() || !metric->is_of_test()) return;
  if (std::find(names->begin(), names->end(), metric->name) == names->end()) {
    names->push_back(metric->name);
  }
}

void AddTestMetrics(const Filter& filter, std::vector<std::string>* names) {
  if (filter.kind == Filter::Kind::kComparison) return AddTestMetric(filter.field, names);
  for (const Filter& operand : filter.operands) AddTestMetrics(operand, names);
}

}  // namespace

absl::StatusOr<std::vector<OrderTerm>> CompileOrder(Listed listed,
                                                    const std::vector<OrderField>& fields) {
  std::vector<OrderTerm> terms;
  FieldViolations violations;
  for (const OrderField& wanted : fields) {
    const auto field = FindListField(listed, "order_by", wanted.field);
    violations.AddUnder("", field.status());
    if (!field.ok()) continue;
    if (field->order_sql.empty() || field->of_some_run) {
      violations.Add("order_by",
                     absl::StrCat("has ", wanted.field, ", which such lists cannot be ordered by",
                                  field->of_some_run ? "; list runs instead" : ""));
    }
    if (field->nullable) {
      terms.push_back({.sql = absl::StrCat("(", field->order_sql, " IS NULL)"), .sorts = false});
    }
    terms.push_back({.sql = field->order_sql, .descending = wanted.descending});
  }
  ANNEAL_RETURN_IF_ERROR(violations.ToStatus());
  return terms;
}

std::vector<std::string> TestMetricsIn(const Filter& filter, const std::vector<OrderField>& order) {
  std::vector<std::string> names;
  AddTestMetrics(filter, &names);
  for (const OrderField& field : order) AddTestMetric(field.field, &names);
  return names;
}

Condition After(const std::vector<OrderTerm>& terms, const std::vector<Value>& place) {
  // (a > ?) OR (a IS ? AND b > ?) OR ...
  Condition after;
  std::vector<std::string> alternatives;
  for (size_t last = 0; last < terms.size(); ++last) {
    std::string alternative;
    for (size_t i = 0; i < last; ++i) {
      absl::StrAppend(&alternative, terms[i].sql, " IS ? AND ");
      after.values.push_back(place[i]);
    }
    absl::StrAppend(&alternative, terms[last].sql, terms[last].descending ? " < ?" : " > ?");
    after.values.push_back(place[last]);
    alternatives.push_back(absl::StrCat("(", alternative, ")"));
  }
  after.sql = absl::StrJoin(alternatives, " OR ");
  return after;
}

ListStatement MakeListStatement(const std::string& columns, int column_count,
                                const std::string& from, const std::vector<Condition>& conditions,
                                const std::vector<OrderTerm>& own_order, const ListQuery& query) {
  ListStatement statement{.is_fixed = query.filter.sql.empty() && query.order.empty()};
  std::vector<OrderTerm> order = query.order;
  order.insert(order.end(), own_order.begin(), own_order.end());
  std::vector<std::string> wheres;
  const auto add = [&](const Condition& condition) {
    if (condition.sql.empty()) return;
    wheres.push_back(absl::StrCat("(", condition.sql, ")"));
    statement.values.insert(statement.values.end(), condition.values.begin(),
                            condition.values.end());
  };
  for (const Condition& condition : conditions) add(condition);
  add(query.filter);
  if (!query.after.empty()) add(After(order, query.after));
  std::vector<std::string> sorts;
  std::string places;
  for (const OrderTerm& term : order) {
    absl::StrAppend(&places, ", ", term.sql);
    if (!term.sorts) continue;
    sorts.push_back(absl::StrCat(term.sql, term.descending ? " DESC" : "", " NULLS LAST"));
  }
  statement.sql = absl::StrCat("SELECT ", columns, places, " FROM ", from,
                               wheres.empty() ? "" : " WHERE ", absl::StrJoin(wheres, " AND "),
                               " ORDER BY ", absl::StrJoin(sorts, ", "), " LIMIT ?");
  statement.values.emplace_back(int64_t{query.limit});
  statement.place_column = column_count;
  statement.place_size = static_cast<int>(order.size());
  return statement;
}

std::vector<Value> PlaceOf(const Statement& row, const ListStatement& list) {
  std::vector<Value> place;
  for (int i = 0; i < list.place_size; ++i) place.push_back(row.ValueAt(list.place_column + i));
  return place;
}

}  // namespace anneal::store
