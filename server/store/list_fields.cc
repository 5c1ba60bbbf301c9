#include "server/store/list_fields.h"

#include <algorithm>
#include <iterator>
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
#include "common/metric.h"
#include "common/status.h"

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
      columns.push_back("e." + name);
      (*all)["run_counts." + name] = Column(Field::Kind::kNumber, columns.back());
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

std::optional<Field> MetricField(absl::string_view name) {
  // Rows of runs hold copies of these (migrations/0004_metrics_of_runs.sql).
  static const auto& kept = *new std::set<std::string, std::less<>>(
      {"train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "test_loss",
       "test_accuracy", "best_test_loss", "best_test_accuracy"});
  if (kept.contains(name)) {
    return Column(Field::Kind::kNumber, absl::StrCat("r.", name), /*nullable=*/true);
  }
  const auto metric = FindRunMetric("", name);
  if (!metric.ok()) return std::nullopt;
  const auto test = [&](absl::string_view weights) {
    return Column(Field::Kind::kNumber,
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
      return Column(Field::Kind::kNumber,
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

absl::Status UnknownField(Listed listed, absl::string_view request_field, absl::string_view name) {
  std::vector<std::string> names = config::FieldPaths(*v1::TrainingConfig::descriptor());
  for (const std::string& metric : RunMetricNames()) names.push_back(metric);
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
  if (absl::ConsumePrefix(&key, kLabels) && absl::ConsumePrefix(&key, ".")) return LabelField(key);
  if (listed == Listed::kExperiments) {
    const auto own = ExperimentFields().find(name);
    if (own != ExperimentFields().end()) return own->second;
  }
  std::optional<Field> field = RunField(name);
  if (!field.has_value()) return UnknownField(listed, request_field, name);
  field->of_some_run = listed == Listed::kExperiments;
  return *std::move(field);
}

Field LabelField(absl::string_view key) {
  return {.kind = Field::Kind::kText,
          .sql = "l.value",
          .frame = {.sql = "e.experiment_id IN (SELECT l.experiment_id FROM labels l"
                           " WHERE l.key = ? AND $)",
                    .values = {std::string(key)}}};
}

Condition MakeCondition(std::string sql, std::vector<Value> values) {
  return {.sql = std::move(sql), .values = std::move(values)};
}

Condition Framed(const Condition& frame, Condition inside) {
  Condition framed{.sql = absl::StrReplaceAll(frame.sql, {{"$", inside.sql}}),
                   .values = frame.values};
  framed.values.insert(framed.values.end(), std::make_move_iterator(inside.values.begin()),
                       std::make_move_iterator(inside.values.end()));
  return framed;
}

}  // namespace anneal::store
