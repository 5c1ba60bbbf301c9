#include "server/analysis/question.h"

#include <cmath>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/config/field_path.h"
#include "common/number_text.h"
#include "common/resource_name.h"
#include "common/status.h"

namespace anneal::analysis {
namespace {

constexpr int kMaxNames = 1000;
constexpr int kMaxFields = 16;
constexpr int kMaxCurves = 64;
constexpr int kMaxRunMetrics = 16;
constexpr absl::string_view kDefaultMetric = "validation_accuracy";
constexpr absl::string_view kLayers = "layers.";

std::string OrDefault(const std::string& name) {
  return name.empty() ? std::string(kDefaultMetric) : name;
}

// Adds a violation and returns false if the list is longer than `most`.
template <typename List>
bool CheckSize(absl::string_view field, const List& list, int most, FieldViolations* violations) {
  if (list.size() <= most) return true;
  violations->Add(field, absl::StrCat("has ", list.size(), " entries; allowed is 0..", most));
  return false;
}

void ParseNames(const v1::CompareExperimentsRequest& request, Question* question,
                FieldViolations* violations) {
  if (request.names().empty() || request.names_size() > kMaxNames) {
    violations->Add(
        "names", absl::StrCat("has ", request.names_size(), " entries; allowed is 1..", kMaxNames));
    return;
  }
  for (const std::string& name : request.names()) {
    const auto id = ParseExperimentName("names", name);
    violations->AddUnder("", id.status());
    // An experiment named twice is counted once.
    if (id.ok() && !absl::c_linear_search(question->ids, *id)) question->ids.push_back(*id);
  }
}

using Names = google::protobuf::RepeatedPtrField<std::string>;

// `own` are names beside the fields of the config.
std::vector<std::string> ParseFields(absl::string_view request_field, const Names& names,
                                     const std::vector<absl::string_view>& own,
                                     FieldViolations* violations) {
  std::vector<std::string> fields;
  if (!CheckSize(request_field, names, kMaxFields, violations)) return fields;
  for (const std::string& name : names) {
    if (!absl::c_linear_search(own, name) && !config::GetField(v1::TrainingConfig(), name).ok()) {
      const auto known = config::FieldPaths(*v1::TrainingConfig::descriptor());
      violations->Add(request_field, absl::StrCat("has ", Quoted(name),
                                                  ", which is not a field of the config; did you "
                                                  "mean ",
                                                  config::NearNames(name, known), "?"));
    }
    if (!absl::c_linear_search(fields, name)) fields.push_back(name);
  }
  return fields;
}

absl::StatusOr<WantedCurve> ParseCurve(const std::string& name) {
  absl::string_view rest = name;
  if (!absl::ConsumePrefix(&rest, kLayers)) {
    ANNEAL_ASSIGN_OR_RETURN(const Metric metric, FindEpochMetric("curves", name));
    WantedCurve curve = {.name = name, .column = metric.column};
    // Shares, and losses.
    if (metric.diverged != v1::MetricOptions::DIVERGED_UNSPECIFIED) curve.low = 0;
    if (metric.percent) curve.high = 1;
    return curve;
  }
  std::string known;
  for (const auto* field : MetricFields(*v1::LayerMetrics::descriptor())) {
    if (field->name() == rest) {
      return WantedCurve{.name = name, .column = ColumnOf(*field), .of_layers = true};
    }
    absl::StrAppend(&known, known.empty() ? "" : ", ", kLayers, field->name());
  }
  return InvalidField("curves",
                      absl::StrCat("has ", Quoted(name), "; of layers there are ", known));
}

void ParseCurves(const Names& names, Question* question, FieldViolations* violations) {
  if (!CheckSize("curves", names, kMaxCurves, violations)) return;
  for (const std::string& name : names) {
    const auto curve = ParseCurve(name);
    violations->AddUnder("", curve.status());
    if (curve.ok()) question->curves.push_back(*curve);
  }
}

void ParseRunMetrics(const Names& names, Question* question, FieldViolations* violations) {
  if (!CheckSize("run_metrics", names, kMaxRunMetrics, violations)) return;
  for (const std::string& name : names) {
    const auto metric = FindRunMetric("run_metrics", name);
    violations->AddUnder("", metric.status());
    if (metric.ok()) question->run_metrics.push_back(*metric);
  }
}

void ParseThreshold(const v1::CompareExperimentsRequest& request, Question* question,
                    FieldViolations* violations) {
  const auto metric = FindEpochMetric("threshold_metric", OrDefault(request.threshold_metric()));
  violations->AddUnder("", metric.status());
  if (metric.ok()) question->threshold_metric = *metric;
  if (!request.has_threshold()) return;
  question->threshold = request.threshold();
  if (!std::isfinite(request.threshold())) {
    violations->Add("threshold",
                    absl::StrCat("is ", NumberText(request.threshold()), "; must be finite"));
  }
}

}  // namespace

absl::StatusOr<Question> Understand(const v1::CompareExperimentsRequest& request) {
  Question question;
  FieldViolations violations;
  ParseNames(request, &question, &violations);
  const auto metric = FindRunMetric("metric", OrDefault(request.metric()));
  violations.AddUnder("", metric.status());
  if (metric.ok()) question.metric = *metric;
  question.group_by =
      ParseFields("group_by", request.group_by(), {kExperimentField, kPresetField}, &violations);
  ParseThreshold(request, &question, &violations);
  question.within = ParseFields("within", request.within(), {}, &violations);
  question.excludes_diverged = request.diverged() == v1::DIVERGED_RUNS_EXCLUDE;
  ParseCurves(request.curves(), &question, &violations);
  ParseRunMetrics(request.run_metrics(), &question, &violations);
  question.baseline = request.baseline();
  question.confusion = request.confusion();
  question.configs = request.configs();
  ANNEAL_RETURN_IF_ERROR(violations.ToStatus());
  return question;
}

std::optional<std::string> TestMetricOf(const v1::CompareExperimentsRequest& request) {
  std::vector<std::string> names = {OrDefault(request.metric())};
  names.insert(names.end(), request.run_metrics().begin(), request.run_metrics().end());
  for (const std::string& name : names) {
    const auto metric = FindRunMetric("metric", name);
    if (metric.ok() && metric->is_of_test()) return name;
  }
  if (request.confusion() != v1::TestResult::WEIGHTS_UNSPECIFIED) return "confusion";
  return std::nullopt;
}

}  // namespace anneal::analysis
