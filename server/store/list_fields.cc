#include "server/store/list_fields.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "anneal/v1/config.pb.h"
#include "anneal/v1/resources.pb.h"
#include "common/config/field_path.h"
#include "common/status.h"
#include "server/store/extreme_store.h"

namespace anneal::store {
namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;

constexpr absl::string_view kLabels = "labels";
constexpr absl::string_view kConfig = "config.";

Field Column(Field::Kind kind, const std::string& sql, bool nullable = false) {
  return {.kind = kind, .sql = sql, .nullable = nullable, .order_sql = sql};
}

Field EnumColumn(const std::string& sql, const EnumDescriptor* type, bool nullable = false) {
  Field field = Column(Field::Kind::kEnum, sql, nullable);
  field.type = type;
  return field;
}

using Fields = std::map<std::string, Field, std::less<>>;

// The fields of the experiment that both lists have.
Fields SharedFields() {
  return {{"preset", Column(Field::Kind::kText, "e.preset")},
          {"user", Column(Field::Kind::kText, "e.user")}};
}

const Fields& ExperimentFields() {
  static const auto& fields = *[] {
    auto* all = new Fields(SharedFields());
    (*all)["id"] = Column(Field::Kind::kText, "e.id");
    (*all)["state"] = EnumColumn("e.state", v1::RunState_descriptor());
    (*all)["note"] = Column(Field::Kind::kText, "note_of(e.submission)");
    (*all)["priority"] = Column(Field::Kind::kNumber, "e.priority");
    (*all)["create_time"] = Column(Field::Kind::kTime, "e.created");
    (*all)["delete_time"] = Column(Field::Kind::kTime, "e.deleted", /*nullable=*/true);
    const auto* counts = v1::RunCounts::descriptor();
    std::vector<std::string> columns;
    for (int i = 0; i < counts->field_count(); ++i) {
      const std::string& name = counts->field(i)->name();
      if (name == "total") continue;
      (*all)["run_counts." + name] = Column(Field::Kind::kNumber, "e." + name);
      if (name != "diverged") columns.push_back("e." + name);  // those are part of `failed`
    }
    (*all)["run_counts.total"] =
        Column(Field::Kind::kNumber, absl::StrCat("(", absl::StrJoin(columns, " + "), ")"));
    return all;
  }();
  return fields;
}

const Fields& RunFields() {
  static const auto& fields = *[] {
    auto* all = new Fields(SharedFields());
    (*all)["experiment"] = Column(Field::Kind::kText, "e.id");
    (*all)["run"] = Column(Field::Kind::kNumber, "r.ordinal");
    (*all)["state"] = EnumColumn("r.state", v1::RunState_descriptor());
    (*all)["failure.reason"] =
        EnumColumn("r.failure_reason", v1::FailureReason_descriptor(), /*nullable=*/true);
    (*all)["seed"] = Column(Field::Kind::kNumber, "r.seed");
    (*all)["priority"] = Column(Field::Kind::kNumber, "r.priority");
    (*all)["attempts"] = Column(Field::Kind::kNumber, "r.attempts");
    (*all)["epochs_done"] = Column(Field::Kind::kNumber, "r.epochs_done");
    (*all)["epochs_total"] = Column(Field::Kind::kNumber, "r.epochs_total");
    (*all)["engine"] = Column(Field::Kind::kText, "r.engine", /*nullable=*/true);
    (*all)["create_time"] = Column(Field::Kind::kTime, "r.created");
    (*all)["start_time"] = Column(Field::Kind::kTime, "r.started", /*nullable=*/true);
    (*all)["end_time"] = Column(Field::Kind::kTime, "r.ended", /*nullable=*/true);
    (*all)["note"] = Column(Field::Kind::kText, "r.note");
    (*all)["collapsed"] = Column(Field::Kind::kBool, "r.collapsed");
    return all;
  }();
  return fields;
}

// Returns the path in SQLite's notation, such as `$.network.layers[0].conv.filters`.
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
    case FieldDescriptor::CPPTYPE_INT64:  // JSON has it as text
      field.sql = absl::StrCat("CAST(", field.sql, " AS INTEGER)");
      field.kind = Field::Kind::kNumber;
      break;
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_DOUBLE:
      field.kind = Field::Kind::kNumber;
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      field.kind = Field::Kind::kBool;
      break;
    case FieldDescriptor::CPPTYPE_ENUM:
      field.kind = Field::Kind::kEnum;
      field.type = descriptor->enum_type();
      field.full_names = true;
      break;
    case FieldDescriptor::CPPTYPE_STRING:
      field.kind = Field::Kind::kText;
      break;
    default:
      return std::nullopt;
  }
  // Evaluates the condition once for each config, not for each run.
  field.frame.sql = "r.config_id IN (SELECT c.config_id FROM configs c WHERE $)";
  field.order_sql =
      absl::StrCat("(SELECT ", field.sql, " FROM configs c WHERE c.config_id = r.config_id)");
  return field;
}

// Returns the column of runs that holds a copy of the metric (migrations/0004_metrics_of_runs.sql,
// 0006_honest_numbers.sql); nothing if there is none.
std::optional<std::string> CopyOf(const Metric& metric) {
  static const auto& kept = *new std::set<std::string, std::less<>>(
      {"train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "test_loss",
       "test_accuracy", "best_test_loss", "best_test_accuracy", "best.validation_accuracy",
       "max.validation_accuracy", "min.validation_loss", "best.validation_loss",
       "best.validation_relu_accuracy"});
  if (!kept.contains(metric.name)) return std::nullopt;
  return absl::StrCat("r.", absl::StrReplaceAll(metric.name, {{".", "_"}}));
}

// Returns the SQL of a metric of the run `r`.
std::string MetricSql(const Metric& metric) {
  if (auto copy = CopyOf(metric); copy.has_value()) return *std::move(copy);
  if (metric.pick != Metric::Pick::kLast) {
    return absl::StrCat("(SELECT x.", ExtremeColumn(metric),
                        " FROM run_extremes x WHERE x.run_id = r.run_id)");
  }
  if (metric.is_of_epochs()) {
    return absl::StrCat("(SELECT m.", metric.column,
                        " FROM epochs m WHERE m.run_id = r.run_id AND m.epoch = r.epochs_done)");
  }
  return absl::StrCat("(SELECT t.", metric.column,
                      " FROM test_results t WHERE t.run_id = r.run_id AND t.weights = '",
                      metric.source == Metric::Source::kLastTest ? "LAST" : "BEST", "')");
}

// Returns a field of runs or of their config, which precede metrics of the same name.
std::optional<Field> RunOrConfigField(absl::string_view name) {
  const auto own = RunFields().find(name);
  if (own != RunFields().end()) return own->second;
  absl::ConsumePrefix(&name, kConfig);
  return ConfigField(name);
}

std::optional<Metric> ListMetric(absl::string_view name) {
  auto metric = FindRunMetric("", name);
  // Those that take all epochs of a run would be computed for every run.
  if (!metric.ok() || metric->source == Metric::Source::kLogLossArea ||
      metric->pick == Metric::Pick::kMean) {
    return std::nullopt;
  }
  return *std::move(metric);
}

std::optional<Field> RunField(absl::string_view name) {
  if (auto field = RunOrConfigField(name); field.has_value()) return field;
  const std::optional<Metric> metric = ListMetric(name);
  if (!metric.has_value()) return std::nullopt;
  return Column(Field::Kind::kNumber, MetricSql(*metric), /*nullable=*/true);
}

absl::Status UnknownField(Listed listed, absl::string_view request_field, absl::string_view name) {
  std::vector<std::string> names = config::FieldPaths(*v1::TrainingConfig::descriptor());
  for (const std::string& metric : RunMetricNames()) names.push_back(metric);
  for (const Metric& metric : ExtremeMetrics()) names.push_back(metric.name);
  for (const auto& [own, field] : RunFields()) names.push_back(own);
  if (listed == Listed::kExperiments) {
    for (const auto& [own, field] : ExperimentFields()) names.push_back(own);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return InvalidField(request_field,
                      absl::StrCat("has the field ", Quoted(name),
                                   ", which this list does not have; did you mean one of ",
                                   config::NearNames(name.substr(0, 64), names), "?"));
}

}  // namespace

absl::StatusOr<Field> FindListField(Listed listed, absl::string_view request_field,
                                    absl::string_view name) {
  absl::string_view key = name;
  if (absl::ConsumePrefix(&key, kLabels) && absl::ConsumePrefix(&key, ".")) {
    return LabelField(listed, key);
  }
  if (listed == Listed::kExperiments) {
    const auto own = ExperimentFields().find(name);
    if (own != ExperimentFields().end()) return own->second;
  }
  std::optional<Field> field = RunField(name);
  if (!field.has_value()) return UnknownField(listed, request_field, name);
  field->of_some_run = listed == Listed::kExperiments;
  return *std::move(field);
}

Field LabelField(Listed listed, absl::string_view key) {
  constexpr absl::string_view kOfExperiment =
      "e.experiment_id IN (SELECT l.experiment_id FROM labels l WHERE l.key = ? AND $)";
  Field field = {.kind = Field::Kind::kText, .sql = "l.value"};
  const std::string bound(key);
  if (listed == Listed::kExperiments) {
    field.frame = {.sql = std::string(kOfExperiment), .values = {bound}};
    return field;
  }
  field.frame = {
      .sql = absl::StrCat("(r.run_id IN (SELECT l.run_id FROM run_labels l WHERE l.key = ? AND $)"
                          " OR (",
                          kOfExperiment,
                          " AND r.run_id NOT IN"
                          " (SELECT l.run_id FROM run_labels l WHERE l.key = ?)))"),
      .values = {bound, bound, bound}};
  return field;
}

Condition MakeCondition(std::string sql, std::vector<Value> values) {
  return {.sql = std::move(sql), .values = std::move(values)};
}

Condition Framed(const Condition& frame, const Condition& inside) {
  Condition framed;
  auto own = frame.values.begin();
  for (const char c : frame.sql) {
    if (c == '$') {
      framed.sql += inside.sql;
      framed.values.insert(framed.values.end(), inside.values.begin(), inside.values.end());
      continue;
    }
    if (c == '?') framed.values.push_back(*own++);
    framed.sql += c;
  }
  return framed;
}

std::optional<Metric> FindListMetric(absl::string_view name) {
  return RunOrConfigField(name).has_value() ? std::nullopt : ListMetric(name);
}

}  // namespace anneal::store
