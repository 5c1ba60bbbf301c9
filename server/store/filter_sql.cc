#include "server/store/filter_sql.h"

#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "common/config/field_path.h"
#include "common/enum_name.h"
#include "common/status.h"

namespace anneal::store {
namespace {

using Kind = Field::Kind;

absl::Status BadValue(const Filter& filter, absl::string_view wanted) {
  return InvalidField("filter", absl::StrCat("compares ", filter.field, " with ",
                                             Quoted(filter.value), "; expected ", wanted));
}

absl::StatusOr<Value> ParseTime(const Filter& filter) {
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, filter.value, &time, &error) &&
      !absl::ParseTime("%Y-%m-%d", filter.value, absl::UTCTimeZone(), &time, &error)) {
    return BadValue(filter, "a time such as 2026-11-23T10:00:00Z, or a date");
  }
  return absl::ToUnixMicros(time);
}

absl::StatusOr<Value> ParseValue(const Filter& filter, const Field& field) {
  switch (field.kind) {
    case Kind::kNumber: {
      int64_t whole = 0;
      double number = 0;
      if (absl::SimpleAtoi(filter.value, &whole)) return whole;
      if (!config::ParseReal(filter.value, &number) || number != number) {
        return BadValue(filter, "a number");
      }
      return number;
    }
    case Kind::kBool: {
      bool flag = false;
      if (!absl::SimpleAtob(filter.value, &flag)) return BadValue(filter, "true or false");
      return static_cast<int64_t>(flag);
    }
    case Kind::kTime:
      return ParseTime(filter);
    case Kind::kEnum: {
      const auto* value = FindEnumValue(*field.type, filter.value);
      if (value == nullptr) {
        return BadValue(filter, absl::StrCat("one of ", EnumChoices(*field.type)));
      }
      return field.full_names ? value->name() : ShortName(*value);
    }
    case Kind::kText:
      break;
  }
  return filter.value;
}

// Returns a GLOB pattern in which only leading and trailing stars are wildcards, or nothing if
// there are none.
std::optional<std::string> Pattern(absl::string_view text) {
  const bool before = absl::ConsumePrefix(&text, "*");
  const bool after = absl::ConsumeSuffix(&text, "*");
  if (!before && !after) return std::nullopt;
  return absl::StrCat(before ? "*" : "",
                      absl::StrReplaceAll(text, {{"[", "[[]"}, {"*", "[*]"}, {"?", "[?]"}}),
                      after ? "*" : "");
}

// Returns a LIKE pattern for texts that contain `text`, in any case.
std::string HasPattern(absl::string_view text) {
  return absl::StrCat("%", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"%", "\\%"}, {"_", "\\_"}}),
                      "%");
}

absl::string_view Operator(Comparator comparator) {
  switch (comparator) {
    case Comparator::kLess:
      return " < ";
    case Comparator::kLessEqual:
      return " <= ";
    case Comparator::kGreater:
      return " > ";
    case Comparator::kGreaterEqual:
      return " >= ";
    default:
      return " = ";
  }
}

// Compiles the comparison inside of the field's frame. `!=` is compiled as `=`.
absl::StatusOr<Condition> Compare(const Filter& filter, const Field& field) {
  const bool has = filter.comparator == Comparator::kHas;
  if (has && filter.value == "*" && !filter.quoted) {
    return Condition{.sql = absl::StrCat(field.sql, " IS NOT NULL")};
  }
  const bool ordered = !has && Operator(filter.comparator) != " = ";
  if (ordered && (field.kind == Kind::kEnum || field.kind == Kind::kBool)) {
    return InvalidField("filter", absl::StrCat("compares ", filter.field,
                                               " with < or >; it has no order: use = or !="));
  }
  ANNEAL_ASSIGN_OR_RETURN(Value value, ParseValue(filter, field));
  if (field.kind == Kind::kText && has) {
    return Condition{.sql = absl::StrCat(field.sql, " LIKE ? ESCAPE '\\'"),
                     .values = {HasPattern(filter.value)}};
  }
  if (field.kind == Kind::kText && !ordered) {
    if (auto pattern = Pattern(filter.value); pattern.has_value()) {
      return Condition{.sql = absl::StrCat(field.sql, " GLOB ?"), .values = {*std::move(pattern)}};
    }
  }
  return Condition{.sql = absl::StrCat(field.sql, Operator(filter.comparator), "?"),
                   .values = {std::move(value)}};
}

absl::StatusOr<Condition> CompileComparison(Listed listed, const Filter& filter) {
  if (filter.field == "labels" && filter.comparator == Comparator::kHas) {
    return Framed(LabelField(listed, filter.value).frame, {.sql = "TRUE"});
  }
  ANNEAL_ASSIGN_OR_RETURN(const Field field, FindListField(listed, "filter", filter.field));
  ANNEAL_ASSIGN_OR_RETURN(Condition condition, Compare(filter, field));
  // A missing value compares as false, so that the negation is true. IS NOT NULL is a separate
  // condition, because SQLite then uses an index for the comparison.
  if (field.nullable) absl::StrAppend(&condition.sql, " AND ", field.sql, " IS NOT NULL");
  condition = Framed(field.frame, condition);
  if (filter.comparator == Comparator::kNotEqual) {
    condition.sql = absl::StrCat("NOT (", condition.sql, ")");
  }
  if (!field.of_some_run) return condition;
  return Framed({.sql = "EXISTS (SELECT 1 FROM runs r WHERE r.experiment_id = e.experiment_id"
                        " AND $)"},
                condition);
}

}  // namespace

absl::StatusOr<Condition> CompileFilter(Listed listed, const Filter& filter) {
  if (filter.kind == Filter::Kind::kComparison) return CompileComparison(listed, filter);
  if (filter.operands.empty()) return Condition();
  std::vector<std::string> parts;
  Condition joined;
  FieldViolations violations;
  for (const Filter& operand : filter.operands) {
    absl::StatusOr<Condition> condition = CompileFilter(listed, operand);
    violations.AddUnder("", condition.status());
    if (!condition.ok()) continue;
    parts.push_back(absl::StrCat("(", condition->sql, ")"));
    joined.values.insert(joined.values.end(), std::make_move_iterator(condition->values.begin()),
                         std::make_move_iterator(condition->values.end()));
  }
  ANNEAL_RETURN_IF_ERROR(violations.ToStatus());
  if (filter.kind == Filter::Kind::kNot) {
    joined.sql = absl::StrCat("NOT ", parts[0]);
  } else {
    joined.sql = absl::StrJoin(parts, filter.kind == Filter::Kind::kAll ? " AND " : " OR ");
  }
  return joined;
}

}  // namespace anneal::store
