#include "server/store/list_query.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "anneal/v1/config.pb.h"
#include "anneal/v1/resources.pb.h"
#include "common/config/field_path.h"
#include "common/enum_name.h"
#include "common/metric.h"
#include "common/status.h"
#include "google/protobuf/descriptor.h"

namespace anneal::store {
namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;

constexpr absl::string_view kLabels = "labels";
constexpr absl::string_view kConfig = "config.";

enum class Kind { kNumber, kText, kTime, kBool, kEnum };

// Where a condition on a field goes: at the place of the `$`.
struct Frame {
  std::string sql = "$";
  std::vector<Value> values;  // of its own parameters, all before the `$`
};

struct Field {
  Kind kind = Kind::kText;
  std::string sql;  // in its frame
  bool nullable = false;
  // Of kEnum, and whether the database has its full names.
  const EnumDescriptor* type = nullptr;
  bool full_names = false;
  // Of values that are in another table of the same thing: the frame is true for one without.
  Frame frame;
  // Of a run, in a list of experiments: the condition holds for one of them.
  bool of_some_run = false;
  // The value itself, outside of the frame. Empty: there is no order by it.
  std::string order_sql;
};

Field Column(Kind kind, const std::string& sql, bool nullable = false) {
  return {.kind = kind, .sql = sql, .nullable = nullable, .order_sql = sql};
}

Field EnumColumn(const std::string& sql, const EnumDescriptor* type, bool nullable = false) {
  Field field = Column(Kind::kEnum, sql, nullable);
  field.type = type;
  return field;
}

using Fields = std::map<std::string, Field, std::less<>>;

// What both lists have, of the experiment.
Fields SharedFields() {
  return {{"preset", Column(Kind::kText, "e.preset")}, {"user", Column(Kind::kText, "e.user")}};
}

const Fields& ExperimentFields() {
  static const auto& fields = *[] {
    auto* all = new Fields(SharedFields());
    (*all)["id"] = Column(Kind::kText, "e.id");
    (*all)["state"] = EnumColumn("e.state", v1::RunState_descriptor());
    (*all)["note"] = Column(Kind::kText, "note_of(e.submission)");
    (*all)["priority"] = Column(Kind::kNumber, "e.priority");
    (*all)["create_time"] = Column(Kind::kTime, "e.created");
    (*all)["delete_time"] = Column(Kind::kTime, "e.deleted", /*nullable=*/true);
    const auto* counts = v1::RunCounts::descriptor();
    std::vector<std::string> columns;
    for (int i = 0; i < counts->field_count(); ++i) {
      const std::string& name = counts->field(i)->name();
      if (name == "total") continue;
      columns.push_back("e." + name);
      (*all)["run_counts." + name] = Column(Kind::kNumber, columns.back());
    }
    (*all)["run_counts.total"] =
        Column(Kind::kNumber, absl::StrCat("(", absl::StrJoin(columns, " + "), ")"));
    return all;
  }();
  return fields;
}

const Fields& RunFields() {
  static const auto& fields = *[] {
    auto* all = new Fields(SharedFields());
    (*all)["experiment"] = Column(Kind::kText, "e.id");
    (*all)["run"] = Column(Kind::kNumber, "r.ordinal");
    (*all)["state"] = EnumColumn("r.state", v1::RunState_descriptor());
    (*all)["failure.reason"] =
        EnumColumn("r.failure_reason", v1::FailureReason_descriptor(), /*nullable=*/true);
    (*all)["seed"] = Column(Kind::kNumber, "r.seed");
    (*all)["priority"] = Column(Kind::kNumber, "r.priority");
    (*all)["attempts"] = Column(Kind::kNumber, "r.attempts");
    (*all)["epochs_done"] = Column(Kind::kNumber, "r.epochs_done");
    (*all)["epochs_total"] = Column(Kind::kNumber, "r.epochs_total");
    (*all)["engine"] = Column(Kind::kText, "r.engine", /*nullable=*/true);
    (*all)["create_time"] = Column(Kind::kTime, "r.created");
    (*all)["start_time"] = Column(Kind::kTime, "r.started", /*nullable=*/true);
    (*all)["end_time"] = Column(Kind::kTime, "r.ended", /*nullable=*/true);
    return all;
  }();
  return fields;
}

Field LabelField(absl::string_view key) {
  return {.kind = Kind::kText,
          .sql = "l.value",
          .frame = {.sql = "e.experiment_id IN (SELECT l.experiment_id FROM labels l"
                           " WHERE l.key = ? AND $)",
                    .values = {std::string(key)}}};
}

// `$.network.layers[0].conv.filters`
std::string JsonPath(absl::string_view path) {
  std::string json = "$";
  for (const absl::string_view part : absl::StrSplit(path, '.')) {
    int index = 0;
    absl::StrAppend(&json, absl::SimpleAtoi(part, &index) ? absl::StrCat("[", index, "]")
                                                          : absl::StrCat(".", part));
  }
  return json;
}

std::optional<Field> ConfigField(absl::string_view path) {
  const FieldDescriptor* descriptor = config::FindField(*v1::TrainingConfig::descriptor(), path);
  if (descriptor == nullptr || descriptor->is_repeated()) return std::nullopt;
  Field field{.nullable = true};
  field.sql = absl::StrCat("json_extract(c.json, '", JsonPath(path), "')");
  switch (descriptor->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT64:  // a text in JSON
      field.sql = absl::StrCat("CAST(", field.sql, " AS INTEGER)");
      field.kind = Kind::kNumber;
      break;
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_DOUBLE:
      field.kind = Kind::kNumber;
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      field.kind = Kind::kBool;
      break;
    case FieldDescriptor::CPPTYPE_ENUM:
      field.kind = Kind::kEnum;
      field.type = descriptor->enum_type();
      field.full_names = true;
      break;
    case FieldDescriptor::CPPTYPE_STRING:
      field.kind = Kind::kText;
      break;
    default:
      return std::nullopt;
  }
  // Looks at each config once, not at each run.
  field.frame.sql = "r.config_id IN (SELECT c.config_id FROM configs c WHERE $)";
  field.order_sql =
      absl::StrCat("(SELECT ", field.sql, " FROM configs c WHERE c.config_id = r.config_id)");
  return field;
}

std::optional<Field> MetricField(absl::string_view name) {
  // Of these runs have a copy (migrations/0004_metrics_of_runs.sql).
  static const auto& kept = *new std::set<std::string, std::less<>>(
      {"train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "test_loss",
       "test_accuracy", "best_test_loss", "best_test_accuracy"});
  if (kept.contains(name)) {
    return Column(Kind::kNumber, absl::StrCat("r.", name), /*nullable=*/true);
  }
  const auto metric = FindRunMetric("", name);
  if (!metric.ok()) return std::nullopt;
  const auto test = [&](absl::string_view weights) {
    return Column(Kind::kNumber,
                  absl::StrCat("(SELECT t.", metric->column,
                               " FROM test_results t WHERE t.run_id = r.run_id AND t.weights = '",
                               weights, "')"),
                  /*nullable=*/true);
  };
  switch (metric->source) {
    case Metric::Source::kLogLossArea:
      return std::nullopt;
    case Metric::Source::kLastTest:
      return test("LAST");
    case Metric::Source::kBestTest:
      return test("BEST");
    default:
      return Column(Kind::kNumber,
                    absl::StrCat("(SELECT m.", metric->column,
                                 " FROM epochs m WHERE m.run_id ="
                                 " r.run_id AND m.epoch = r.epochs_done)"),
                    /*nullable=*/true);
  }
}

std::optional<Field> RunField(absl::string_view name) {
  const auto own = RunFields().find(name);
  if (own != RunFields().end()) return own->second;
  absl::string_view path = name;
  absl::ConsumePrefix(&path, kConfig);
  if (auto field = ConfigField(path); field.has_value()) return field;
  return MetricField(name);
}

absl::Status UnknownField(Listed listed, absl::string_view in, absl::string_view name) {
  std::vector<std::string> names = config::FieldPaths(*v1::TrainingConfig::descriptor());
  for (const std::string& metric : RunMetricNames()) names.push_back(metric);
  for (const auto& [own, field] : RunFields()) names.push_back(own);
  if (listed == Listed::kExperiments) {
    for (const auto& [own, field] : ExperimentFields()) names.push_back(own);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return InvalidField(
      in, absl::StrCat("has the field ", Quoted(name), ", which there is not; near it are ",
                       config::NearNames(name.substr(0, 64), names)));
}

absl::StatusOr<Field> FindListed(Listed listed, absl::string_view in, absl::string_view name) {
  absl::string_view key = name;
  if (absl::ConsumePrefix(&key, kLabels) && absl::ConsumePrefix(&key, ".")) return LabelField(key);
  if (listed == Listed::kExperiments) {
    const auto own = ExperimentFields().find(name);
    if (own != ExperimentFields().end()) return own->second;
  }
  std::optional<Field> field = RunField(name);
  if (!field.has_value()) return UnknownField(listed, in, name);
  field->of_some_run = listed == Listed::kExperiments;
  return *std::move(field);
}

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

// A pattern of GLOB in which only stars at the ends are more than themselves; nothing where there
// are none.
std::optional<std::string> Pattern(absl::string_view text) {
  const bool before = absl::ConsumePrefix(&text, "*");
  const bool after = absl::ConsumeSuffix(&text, "*");
  if (!before && !after) return std::nullopt;
  return absl::StrCat(before ? "*" : "",
                      absl::StrReplaceAll(text, {{"[", "[[]"}, {"*", "[*]"}, {"?", "[?]"}}),
                      after ? "*" : "");
}

// Any text that has it, in any case.
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

// The comparison with what is inside the field's frame. `!=` is compiled as `=`.
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

Condition Framed(const Frame& frame, Condition inside) {
  Condition framed{.sql = absl::StrReplaceAll(frame.sql, {{"$", inside.sql}}),
                   .values = frame.values};
  framed.values.insert(framed.values.end(), std::make_move_iterator(inside.values.begin()),
                       std::make_move_iterator(inside.values.end()));
  return framed;
}

absl::StatusOr<Condition> CompileComparison(Listed listed, const Filter& filter) {
  if (filter.field == kLabels && filter.comparator == Comparator::kHas) {
    return Framed(LabelField(filter.value).frame, {.sql = "TRUE"});
  }
  ANNEAL_ASSIGN_OR_RETURN(const Field field, FindListed(listed, "filter", filter.field));
  ANNEAL_ASSIGN_OR_RETURN(Condition condition, Compare(filter, field));
  // What is not there compares as false, so that its negation is true. A comparison of its own is
  // what SQLite finds an index for.
  if (field.nullable) absl::StrAppend(&condition.sql, " AND ", field.sql, " IS NOT NULL");
  condition = Framed(field.frame, std::move(condition));
  if (filter.comparator == Comparator::kNotEqual) {
    condition.sql = absl::StrCat("NOT (", condition.sql, ")");
  }
  if (!field.of_some_run) return condition;
  return Framed({.sql = "EXISTS (SELECT 1 FROM runs r WHERE r.experiment_id = e.experiment_id"
                        " AND $)"},
                std::move(condition));
}

}  // namespace

absl::StatusOr<Condition> CompileFilter(Listed listed, const Filter& filter) {
  if (filter.kind == Filter::Kind::kComparison) return CompileComparison(listed, filter);
  if (filter.operands.empty()) return Condition();
  std::vector<std::string> parts;
  Condition joined;
  for (const Filter& operand : filter.operands) {
    ANNEAL_ASSIGN_OR_RETURN(Condition condition, CompileFilter(listed, operand));
    parts.push_back(absl::StrCat("(", condition.sql, ")"));
    joined.values.insert(joined.values.end(), std::make_move_iterator(condition.values.begin()),
                         std::make_move_iterator(condition.values.end()));
  }
  if (filter.kind == Filter::Kind::kNot) {
    joined.sql = absl::StrCat("NOT ", parts[0]);
  } else {
    joined.sql = absl::StrJoin(parts, filter.kind == Filter::Kind::kAll ? " AND " : " OR ");
  }
  return joined;
}

absl::StatusOr<std::vector<OrderTerm>> CompileOrder(Listed listed,
                                                    const std::vector<OrderField>& fields) {
  std::vector<OrderTerm> terms;
  for (const OrderField& wanted : fields) {
    ANNEAL_ASSIGN_OR_RETURN(const Field field, FindListed(listed, "order_by", wanted.field));
    if (field.order_sql.empty() || field.of_some_run) {
      return InvalidField("order_by",
                          absl::StrCat("has ", wanted.field, ", which such lists cannot be ordered",
                                       " by", field.of_some_run ? "; list runs instead" : ""));
    }
    if (field.nullable) {
      terms.push_back({.sql = absl::StrCat("(", field.order_sql, " IS NULL)"), .sorts = false});
    }
    terms.push_back({.sql = field.order_sql, .descending = wanted.descending});
  }
  return terms;
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
