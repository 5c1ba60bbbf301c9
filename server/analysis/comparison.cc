#include "server/analysis/comparison.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/config/field_path.h"
#include "common/config/sweep.h"
#include "common/metric.h"
#include "common/number_text.h"
#include "common/resource_name.h"
#include "common/stats/comparison.h"
#include "common/stats/statistics.h"
#include "common/status.h"
#include "server/store/epoch_store.h"
#include "server/store/experiment_store.h"
#include "server/store/run_store.h"

namespace anneal::analysis {
namespace {

constexpr int kMaxNames = 1000;
constexpr int kMaxGroupBy = 16;
constexpr char kExperiment[] = "experiment";
constexpr char kPreset[] = "preset";

using Sample = std::vector<double>;
using Parameters = std::map<std::string, std::string>;

// A request with its names resolved.
struct Question {
  std::vector<std::string> ids;  // of the experiments, without repetition
  Metric metric;
  std::vector<std::string> group_by;
  std::string baseline;
  std::optional<double> threshold;
  Metric threshold_metric;
};

// The samples of an arm, collected run by run.
struct ArmSamples {
  int32_t index = 0;  // in the order of the arms
  Parameters parameters;
  std::set<std::string> experiments;
  std::set<std::string> presets;
  int32_t total = 0;
  Sample validation_accuracy;
  Sample validation_relu_accuracy;
  Sample test_accuracy;
  Sample theta;
  Sample epoch_seconds;
  Sample values;
  std::map<int64_t, Sample> values_by_seed;
  std::vector<stats::TimeToEvent> epochs_to_threshold;
  std::vector<stats::TimeToEvent> seconds_to_threshold;
};

// A run with its experiment and preset.
struct Member {
  int64_t key = 0;
  v1::Run run;
  std::string experiment;  // its id
  std::string preset;
};

class Comparer {
 public:
  Comparer(store::Connection* db, const Question& question) : db_(db), question_(question) {}

  absl::Status AddExperiment(const std::string& id);
  absl::StatusOr<v1::CompareExperimentsResponse> Answer() const;

 private:
  absl::StatusOr<ArmSamples*> ArmOf(const Member& member, const v1::TrainingConfig& config);
  absl::StatusOr<Parameters> Group(const Member& member, const v1::TrainingConfig& config);
  absl::Status AddRun(const Member& member, ArmSamples* arm);
  absl::Status AddTimes(const Member& member, ArmSamples* arm);
  absl::StatusOr<std::optional<double>> Measure(const Member& member);
  absl::StatusOr<size_t> Baseline() const;

  store::Connection* const db_;
  const Question& question_;
  // In the order of their first runs.
  std::vector<std::string> names_;
  // The arm of each run, as an index of names_.
  std::vector<v1::ArmsOfRuns> arms_of_runs_;
  std::map<std::string, ArmSamples> arms_;
  store::SharedConfigs configs_;
  // Runs of one cell share their config.
  std::map<const v1::TrainingConfig*, Parameters> fields_of_config_;
};

std::string ArmName(const std::string& first, const Parameters& parameters) {
  std::vector<std::string> parts;
  if (!first.empty()) parts.push_back(first);
  for (const auto& [key, value] : parameters) parts.push_back(absl::StrCat(key, "=", value));
  return absl::StrJoin(parts, ",");
}

absl::Status Comparer::AddExperiment(const std::string& id) {
  ANNEAL_ASSIGN_OR_RETURN(const v1::Experiment experiment, store::GetExperiment(*db_, id));
  ANNEAL_ASSIGN_OR_RETURN(const int64_t key, store::ExperimentKey(*db_, id));
  ANNEAL_ASSIGN_OR_RETURN(
      std::vector<store::ListedRun> runs,
      store::ListRuns(*db_,
                      {.experiment_key = key, .list = {.limit = config::kMaxRunsPerExperiment}}));
  ANNEAL_ASSIGN_OR_RETURN(const auto configs, store::ListRunConfigs(*db_, key, &configs_));
  v1::ArmsOfRuns& arms_of_runs = arms_of_runs_.emplace_back();
  arms_of_runs.set_experiment(ExperimentName(id));
  for (size_t i = 0; i < runs.size(); ++i) {
    const Member member = {.key = configs[i].key,
                           .run = std::move(runs[i].run),
                           .experiment = id,
                           .preset = experiment.preset()};
    ANNEAL_ASSIGN_OR_RETURN(ArmSamples* const arm, ArmOf(member, *configs[i].config));
    arms_of_runs.add_arms(arm->index);
    ANNEAL_RETURN_IF_ERROR(AddRun(member, arm));
  }
  return absl::OkStatus();
}

absl::StatusOr<ArmSamples*> Comparer::ArmOf(const Member& member,
                                            const v1::TrainingConfig& config) {
  Parameters parameters;
  std::string name;
  if (question_.group_by.empty()) {
    parameters = {member.run.parameters().begin(), member.run.parameters().end()};
    name = ArmName(member.experiment, parameters);
  } else {
    ANNEAL_ASSIGN_OR_RETURN(parameters, Group(member, config));
    name = ArmName("", parameters);
  }
  const auto [found, is_new] = arms_.try_emplace(name);
  ArmSamples& arm = found->second;
  if (is_new) {
    arm.index = static_cast<int32_t>(names_.size());
    names_.push_back(name);
  }
  arm.parameters = std::move(parameters);
  arm.experiments.insert(member.experiment);
  arm.presets.insert(member.preset);
  return &arm;
}

absl::StatusOr<Parameters> Comparer::Group(const Member& member, const v1::TrainingConfig& config) {
  const auto [found, is_new] = fields_of_config_.try_emplace(&config);
  if (is_new) {
    for (const std::string& field : question_.group_by) {
      if (field == kExperiment || field == kPreset) continue;
      ANNEAL_ASSIGN_OR_RETURN(found->second[field], config::GetField(config, field));
    }
  }
  Parameters group = found->second;
  for (const std::string& field : question_.group_by) {
    if (field == kExperiment) group[field] = member.experiment;
    if (field == kPreset) group[field] = member.preset.empty() ? "-" : member.preset;
  }
  return group;
}

absl::StatusOr<std::optional<double>> Comparer::Measure(const Member& member) {
  if (question_.metric.source != Metric::Source::kLogLossArea) {
    return ValueOf(question_.metric, member.run);
  }
  ANNEAL_ASSIGN_OR_RETURN(const Metric validation_loss,
                          FindEpochMetric("metric", "validation_loss"));
  ANNEAL_ASSIGN_OR_RETURN(const auto curve,
                          store::ListCurve(*db_, member.key, validation_loss.column));
  Sample losses;
  for (const store::CurvePoint& point : curve) losses.push_back(point.value);
  if (losses.empty()) return std::optional<double>();
  return stats::LogLossArea(losses);
}

absl::Status Comparer::AddRun(const Member& member, ArmSamples* arm) {
  ++arm->total;
  const v1::Run& run = member.run;
  const bool succeeded = run.state() == v1::RUN_STATE_SUCCEEDED;
  const bool diverged = run.failure().reason() == v1::FAILURE_REASON_DIVERGED;
  if (question_.threshold.has_value() && (succeeded || diverged)) {
    ANNEAL_RETURN_IF_ERROR(AddTimes(member, arm));
  }
  if (!succeeded) return absl::OkStatus();
  const v1::Epoch& last = run.last_epoch();
  arm->validation_accuracy.push_back(last.validation_accuracy());
  arm->validation_relu_accuracy.push_back(last.validation_relu_accuracy());
  arm->theta.push_back(last.theta().mean());
  arm->epoch_seconds.push_back(last.elapsed_seconds() / last.epoch());
  for (const v1::TestResult& result : run.test_results()) {
    if (result.weights() != v1::TestResult::WEIGHTS_LAST) continue;
    arm->test_accuracy.push_back(result.accuracy());
  }
  ANNEAL_ASSIGN_OR_RETURN(const std::optional<double> value, Measure(member));
  if (!value.has_value()) return absl::OkStatus();
  arm->values.push_back(*value);
  arm->values_by_seed[run.seed()].push_back(*value);
  return absl::OkStatus();
}

absl::Status Comparer::AddTimes(const Member& member, ArmSamples* arm) {
  const Metric& metric = question_.threshold_metric;
  ANNEAL_ASSIGN_OR_RETURN(const auto curve, store::ListCurve(*db_, member.key, metric.column));
  stats::TimeToEvent epochs;
  stats::TimeToEvent seconds;
  for (const store::CurvePoint& point : curve) {
    const bool reached = metric.higher_is_better() ? point.value >= *question_.threshold
                                                   : point.value <= *question_.threshold;
    epochs = {.time = static_cast<double>(point.epoch), .reached = reached};
    seconds = {.time = point.elapsed_seconds, .reached = reached};
    if (reached) break;
  }
  arm->epochs_to_threshold.push_back(epochs);
  arm->seconds_to_threshold.push_back(seconds);
  return absl::OkStatus();
}

void Set(const Sample& sample, v1::Statistic* statistic) {
  statistic->set_count(static_cast<int32_t>(sample.size()));
  if (sample.empty()) return;
  statistic->set_mean(stats::Mean(sample));
  if (sample.size() > 1) statistic->set_standard_deviation(stats::StandardDeviation(sample));
}

void SetTimes(const ArmSamples& samples, v1::TimeToThreshold* times) {
  for (const stats::TimeToEvent& time : samples.epochs_to_threshold) {
    if (time.reached) {
      times->set_reached(times->reached() + 1);
    } else {
      times->set_censored(times->censored() + 1);
    }
  }
  if (const auto median = stats::MedianTimeToEvent(samples.epochs_to_threshold)) {
    times->set_median_epochs(*median);
  }
  if (const auto median = stats::MedianTimeToEvent(samples.seconds_to_threshold)) {
    times->set_median_seconds(*median);
  }
}

v1::Arm ShowArm(const std::string& name, const ArmSamples& samples, const Question& question) {
  v1::Arm arm;
  arm.set_name(name);
  if (samples.experiments.size() == 1)
    arm.set_experiment(ExperimentName(*samples.experiments.begin()));
  if (samples.presets.size() == 1) arm.set_preset(*samples.presets.begin());
  for (const auto& [key, value] : samples.parameters) (*arm.mutable_parameters())[key] = value;
  arm.set_total(samples.total);
  arm.set_succeeded(static_cast<int32_t>(samples.epoch_seconds.size()));
  if (question.threshold.has_value()) SetTimes(samples, arm.mutable_time_to_threshold());
  if (samples.epoch_seconds.empty()) return arm;
  Set(samples.validation_accuracy, arm.mutable_validation_accuracy());
  Set(samples.validation_relu_accuracy, arm.mutable_validation_relu_accuracy());
  Set(samples.test_accuracy, arm.mutable_test_accuracy());
  Set(samples.theta, arm.mutable_theta());
  Set(samples.epoch_seconds, arm.mutable_epoch_seconds());
  Set(samples.values, arm.mutable_value());
  if (!samples.values.empty()) {
    const stats::Interval interval = stats::BootstrapInterval(samples.values);
    arm.mutable_value_interval()->set_low(interval.low);
    arm.mutable_value_interval()->set_high(interval.high);
  }
  return arm;
}

// Returns nothing if the two arms have no seed in common.
std::optional<v1::Comparison> CompareTwo(const ArmSamples& arm, const ArmSamples& baseline,
                                         bool higher_is_better) {
  Sample differences;
  for (const auto& [seed, values] : arm.values_by_seed) {
    const auto pair = baseline.values_by_seed.find(seed);
    if (pair == baseline.values_by_seed.end()) continue;
    differences.push_back(stats::Mean(values) - stats::Mean(pair->second));
  }
  if (differences.empty()) return std::nullopt;
  const stats::Interval interval = stats::BootstrapInterval(differences);
  v1::Comparison comparison;
  comparison.set_pairs(static_cast<int32_t>(differences.size()));
  comparison.set_difference(stats::Mean(differences));
  comparison.set_difference_low(interval.low);
  comparison.set_difference_high(interval.high);
  comparison.set_probability_of_improvement(
      stats::ProbabilityOfImprovement(arm.values, baseline.values, higher_is_better));
  comparison.set_p_value(stats::SignFlipPValue(differences));
  return comparison;
}

void CorrectForBeingSeveral(v1::CompareExperimentsResponse* response) {
  std::vector<v1::Comparison*> comparisons;
  Sample p_values;
  for (v1::Arm& arm : *response->mutable_arms()) {
    if (!arm.has_comparison()) continue;
    comparisons.push_back(arm.mutable_comparison());
    p_values.push_back(arm.comparison().p_value());
  }
  const Sample corrected = stats::HolmCorrection(p_values);
  for (size_t i = 0; i < corrected.size(); ++i) comparisons[i]->set_holm_p_value(corrected[i]);
}

absl::StatusOr<size_t> Comparer::Baseline() const {
  if (question_.baseline.empty()) return 0;
  const auto found = std::find(names_.begin(), names_.end(), question_.baseline);
  if (found != names_.end()) return static_cast<size_t>(found - names_.begin());
  return InvalidField("baseline", absl::StrCat("is ", Quoted(question_.baseline), "; the arms are ",
                                               absl::StrJoin(names_, ", ")));
}

absl::StatusOr<v1::CompareExperimentsResponse> Comparer::Answer() const {
  v1::CompareExperimentsResponse response;
  response.set_metric(question_.metric.name);
  response.set_higher_is_better(question_.metric.higher_is_better());
  ANNEAL_ASSIGN_OR_RETURN(const size_t baseline, Baseline());
  response.set_baseline(names_[baseline]);
  if (question_.threshold.has_value()) {
    response.set_threshold_metric(question_.threshold_metric.name);
  }
  response.mutable_arms_of_runs()->Assign(arms_of_runs_.begin(), arms_of_runs_.end());
  for (size_t i = 0; i < names_.size(); ++i) {
    const ArmSamples& samples = arms_.at(names_[i]);
    v1::Arm* arm = response.add_arms();
    *arm = ShowArm(names_[i], samples, question_);
    if (i == baseline) continue;
    auto comparison =
        CompareTwo(samples, arms_.at(names_[baseline]), question_.metric.higher_is_better());
    if (comparison.has_value()) *arm->mutable_comparison() = *std::move(comparison);
  }
  CorrectForBeingSeveral(&response);
  return response;
}

absl::StatusOr<Question> Understand(const v1::CompareExperimentsRequest& request) {
  Question question;
  FieldViolations violations;
  if (request.names().empty() || request.names_size() > kMaxNames) {
    violations.Add(
        "names", absl::StrCat("has ", request.names_size(), " entries; allowed is 1..", kMaxNames));
  } else {
    for (const std::string& name : request.names()) {
      const auto id = ParseExperimentName("names", name);
      violations.AddUnder("", id.status());
      // An experiment named twice is counted once.
      if (id.ok() && !absl::c_linear_search(question.ids, *id)) question.ids.push_back(*id);
    }
  }
  const std::string name = request.metric().empty() ? "test_accuracy" : request.metric();
  const auto metric = FindRunMetric("metric", name);
  violations.AddUnder("", metric.status());
  if (metric.ok()) question.metric = *metric;
  if (request.group_by_size() > kMaxGroupBy) {
    violations.Add("group_by", absl::StrCat("has ", request.group_by_size(),
                                            " entries; allowed is 0..", kMaxGroupBy));
  } else {
    const auto known = config::FieldPaths(*v1::TrainingConfig::descriptor());
    for (const std::string& field : request.group_by()) {
      if (field != kExperiment && field != kPreset &&
          !config::GetField(v1::TrainingConfig(), field).ok()) {
        violations.Add("group_by", absl::StrCat("has ", Quoted(field),
                                                ", which is not a field of the config; did you "
                                                "mean ",
                                                config::NearNames(field, known), "?"));
      }
      question.group_by.push_back(field);
    }
  }
  const std::string threshold_name =
      request.threshold_metric().empty() ? "validation_accuracy" : request.threshold_metric();
  const auto threshold_metric = FindEpochMetric("threshold_metric", threshold_name);
  violations.AddUnder("", threshold_metric.status());
  if (threshold_metric.ok()) question.threshold_metric = *threshold_metric;
  if (request.has_threshold()) {
    question.threshold = request.threshold();
    if (!std::isfinite(request.threshold())) {
      violations.Add("threshold",
                     absl::StrCat("is ", NumberText(request.threshold()), "; must be finite"));
    }
  }
  question.baseline = request.baseline();
  ANNEAL_RETURN_IF_ERROR(violations.ToStatus());
  return question;
}

}  // namespace

absl::StatusOr<v1::CompareExperimentsResponse> Compare(
    store::Store* store, const v1::CompareExperimentsRequest& request) {
  ANNEAL_ASSIGN_OR_RETURN(const Question question, Understand(request));
  return store->Read([&](store::Connection& db) -> absl::StatusOr<v1::CompareExperimentsResponse> {
    Comparer comparer(&db, question);
    for (const std::string& id : question.ids) {
      ANNEAL_RETURN_IF_ERROR(comparer.AddExperiment(id));
    }
    return comparer.Answer();
  });
}

}  // namespace anneal::analysis
