#include "server/analysis/comparison.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/config/field_path.h"
#include "common/message_limits.h"
#include "common/resource_name.h"
#include "common/stats/comparison.h"
#include "common/stats/statistics.h"
#include "common/status.h"
#include "server/analysis/epoch_scan.h"
#include "server/analysis/members.h"
#include "server/analysis/notes.h"
#include "server/analysis/pairing.h"
#include "server/analysis/question.h"
#include "server/store/comparison_reader.h"
#include "server/store/experiment_store.h"

namespace anneal::analysis {
namespace {

constexpr double kAlpha = 0.05;
// Bounds the memory of a comparison.
constexpr size_t kMaxRuns = 100'000;

using Parameters = std::map<std::string, std::string>;

// The metrics of every member, by their index; those of run_metrics follow.
enum Column : size_t {
  kValue,
  kValidationAccuracy,
  kReluAccuracy,
  kTestAccuracy,
  kTheta,
  kElapsedSeconds,
  kFirstRunMetric
};

std::vector<Metric> MetricsOf(const Question& question) {
  std::vector<Metric> metrics = {question.metric,
                                 RunMetric("validation_accuracy"),
                                 RunMetric("validation_relu_accuracy"),
                                 RunMetric("test_accuracy"),
                                 RunMetric("theta_mean"),
                                 RunMetric("elapsed_seconds")};
  metrics.insert(metrics.end(), question.run_metrics.begin(), question.run_metrics.end());
  return metrics;
}

// A group of runs.
struct ArmOfMembers {
  std::string name;
  Parameters parameters;
  std::set<std::string> experiments;
  std::set<std::string> presets;
  std::vector<const Member*> members;
};

// What members share, numbered.
struct Shared {
  Numbering observations;
  Numbering pairings;
  Numbering strata;
  std::vector<PairingFields> pairing_fields;  // by number
};

// What is computed from a config once, however many runs share it.
struct ConfigFacts {
  Parameters group;  // the values of group_by
  std::string result_text;
  std::string stratum_text;
};

class Comparer {
 public:
  Comparer(store::Connection* db, const Question& question)
      : db_(db), question_(question), metrics_(MetricsOf(question)) {}

  absl::Status AddExperiment(const std::string& id);
  // Sorts the members into their arms, and reads their epochs where they are needed.
  absl::Status Finish();
  absl::StatusOr<v1::CompareExperimentsResponse> Answer() const;

 private:
  absl::StatusOr<const ConfigFacts*> FactsOf(const v1::TrainingConfig& config);
  int ArmOf(const Parameters& run_parameters, const ConfigFacts& facts, const std::string& id,
            const std::string& preset);
  Member MemberOf(const store::ComparedRow& row, const v1::TrainingConfig& config,
                  const ConfigFacts& facts);
  absl::StatusOr<size_t> Baseline() const;
  std::vector<const PairingFields*> PairingsOf(const ArmOfMembers& arm) const;
  std::set<std::string> ExemptFields(const ArmOfMembers& arm, const ArmOfMembers& baseline) const;
  SeedValues Values(const ArmOfMembers& arm, size_t column) const {
    return ValuesBySeed(arm.members, column, question_.excludes_diverged);
  }
  v1::Statistic Summary(const ArmOfMembers& arm, size_t column) const;
  void SetValue(const ArmOfMembers& arm, v1::Arm* to) const;
  void SetTimes(const ArmOfMembers& arm, v1::TimeToThreshold* times) const;
  v1::Arm ShowArm(size_t index) const;
  void SetValueFacts(const ArmOfMembers& arm, ArmFacts* facts) const;
  void Pair(size_t index, size_t baseline, v1::Arm* arm) const;
  void SetRuns(v1::CompareExperimentsResponse* response) const;
  absl::Status SumConfusions(v1::CompareExperimentsResponse* response) const;

  store::Connection* const db_;
  const Question& question_;
  const std::vector<Metric> metrics_;
  // The experiments with the number of their first member, in order.
  struct AddedExperiment {
    std::string id;
    int64_t key = 0;
    size_t first_member = 0;
    int64_t looks = 0;
  };
  std::vector<AddedExperiment> experiments_;
  std::vector<Member> members_;
  std::vector<int32_t> epochs_;  // done, of the members
  // In the order of their first runs.
  std::vector<ArmOfMembers> arms_;
  std::map<std::string, int> arm_of_name_;
  Shared shared_;
  store::SharedConfigs configs_;
  std::map<const v1::TrainingConfig*, ConfigFacts> facts_;
  std::map<int64_t, v1::SplitSummary> splits_;
  std::map<int64_t, ChanceScores> chance_;
  std::unique_ptr<EpochScan> scan_;
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
  ANNEAL_ASSIGN_OR_RETURN(const auto rows, store::ListComparedRows(*db_, key, metrics_));
  if (members_.size() + rows.size() > kMaxRuns) {
    return InvalidField(
        "names", absl::StrCat("have more than ", kMaxRuns, " runs; compare fewer experiments"));
  }
  ANNEAL_RETURN_IF_ERROR(store::ReadConfigs(*db_, key, &configs_));
  ANNEAL_RETURN_IF_ERROR(store::ReadSplits(*db_, key, &splits_));
  for (const auto& [split_key, split] : splits_) {
    if (!chance_.contains(split_key)) chance_[split_key] = ChanceScoresOf(split);
  }
  experiments_.push_back(
      {.id = id, .key = key, .first_member = members_.size(), .looks = experiment.looks()});
  for (const store::ComparedRow& row : rows) {
    const v1::TrainingConfig& config = configs_.at(row.config_key);
    ANNEAL_ASSIGN_OR_RETURN(const ConfigFacts* const facts, FactsOf(config));
    Member member = MemberOf(row, config, *facts);
    member.arm = ArmOf(row.parameters, *facts, id, experiment.preset());
    members_.push_back(std::move(member));
    epochs_.push_back(row.epochs_done);
  }
  return absl::OkStatus();
}

absl::StatusOr<const ConfigFacts*> Comparer::FactsOf(const v1::TrainingConfig& config) {
  const auto [found, is_new] = facts_.try_emplace(&config);
  ConfigFacts& facts = found->second;
  if (!is_new) return &facts;
  for (const std::string& field : question_.group_by) {
    if (field == kExperimentField || field == kPresetField) continue;
    ANNEAL_ASSIGN_OR_RETURN(facts.group[field], config::GetField(config, field));
  }
  for (const std::string& field : question_.within) {
    ANNEAL_ASSIGN_OR_RETURN(const std::string value, config::GetField(config, field));
    absl::StrAppend(&facts.stratum_text, field, "=", value, "\n");
  }
  facts.result_text = ResultText(config);
  return &facts;
}

int Comparer::ArmOf(const Parameters& run_parameters, const ConfigFacts& facts,
                    const std::string& id, const std::string& preset) {
  Parameters parameters = question_.group_by.empty() ? run_parameters : facts.group;
  for (const std::string& field : question_.group_by) {
    if (field == kExperimentField) parameters[field] = id;
    if (field == kPresetField) parameters[field] = preset.empty() ? "-" : preset;
  }
  const std::string name = ArmName(question_.group_by.empty() ? id : "", parameters);
  const auto [found, is_new] = arm_of_name_.try_emplace(name, static_cast<int>(arms_.size()));
  if (is_new) arms_.push_back({.name = name, .parameters = std::move(parameters)});
  ArmOfMembers& arm = arms_[static_cast<size_t>(found->second)];
  arm.experiments.insert(id);
  arm.presets.insert(preset);
  return found->second;
}

Member Comparer::MemberOf(const store::ComparedRow& row, const v1::TrainingConfig& config,
                          const ConfigFacts& facts) {
  Member member = {.key = row.key,
                   .seed = row.seed,
                   .outcome = OutcomeOf(row.state, row.failure, row.collapsed),
                   .config = &config};
  const auto split = splits_.find(row.split_key);
  if (split != splits_.end()) member.split = &split->second;
  const auto chance = chance_.find(row.split_key);
  for (size_t i = 0; i < metrics_.size(); ++i) {
    // A run that would not have been tested has no test result that chance could stand in for.
    const bool is_untested =
        metrics_[i].is_of_test() && config.evaluation().has_test() && !config.evaluation().test();
    member.values.push_back(
        member.diverged() && !is_untested
            ? ValueOfDiverged(metrics_[i], chance == chance_.end() ? nullptr : &chance->second)
            : row.values[i].value_or(std::nan("")));
  }
  if (member.outcome == v1::RUN_OUTCOME_MISSING) return member;
  if (!std::isnan(member.values[kElapsedSeconds])) {
    member.values[kElapsedSeconds] /= std::max(1, row.epochs_done);
  }
  member.observation = shared_.observations.Of(
      absl::StrCat(row.dataset_sha256, "\n", row.engine, "\n", facts.result_text));
  PairingFields pairing = PairingFieldsOf(config, row.dataset_sha256);
  member.pairing = shared_.pairings.Of(PairingText(pairing));
  if (static_cast<size_t>(member.pairing) == shared_.pairing_fields.size()) {
    shared_.pairing_fields.push_back(std::move(pairing));
  }
  member.stratum = shared_.strata.Of(facts.stratum_text);
  return member;
}

absl::Status Comparer::Finish() {
  MarkDuplicates(absl::MakeSpan(members_));
  for (const Member& member : members_) {
    arms_[static_cast<size_t>(member.arm)].members.push_back(&member);
  }
  scan_ = std::make_unique<EpochScan>(db_, &question_, metrics_, &members_, epochs_, arms_.size());
  if (!scan_->is_needed()) return absl::OkStatus();
  for (const AddedExperiment& experiment : experiments_) {
    ANNEAL_RETURN_IF_ERROR(scan_->Read(experiment.key));
  }
  return absl::OkStatus();
}

std::vector<const PairingFields*> Comparer::PairingsOf(const ArmOfMembers& arm) const {
  std::set<int> numbers;
  for (const Member* member : arm.members) {
    if (member->succeeded() || (member->diverged() && !question_.excludes_diverged)) {
      numbers.insert(member->pairing);
    }
  }
  std::vector<const PairingFields*> fields;
  for (const int number : numbers) {
    fields.push_back(&shared_.pairing_fields[static_cast<size_t>(number)]);
  }
  return fields;
}

// What both arms are grouped by may differ, and what they are compared within.
std::set<std::string> Comparer::ExemptFields(const ArmOfMembers& arm,
                                             const ArmOfMembers& baseline) const {
  std::set<std::string> exempt(question_.within.begin(), question_.within.end());
  for (const auto& [field, value] : arm.parameters) {
    if (baseline.parameters.contains(field)) exempt.insert(field);
  }
  return exempt;
}

v1::Statistic Comparer::Summary(const ArmOfMembers& arm, size_t column) const {
  v1::Statistic statistic;
  std::vector<double> all;       // with infinite ones
  std::vector<double> measured;  // without them
  for (const auto& [seed, strata] : Values(arm, column)) {
    const std::optional<double> value = MeanOverStrata(strata);
    if (!value.has_value() || !std::isfinite(*value)) {
      statistic.set_left_out(statistic.left_out() + 1);
    } else {
      measured.push_back(*value);
    }
    if (value.has_value()) all.push_back(*value);
  }
  statistic.set_count(static_cast<int32_t>(measured.size()));
  if (!all.empty() && std::isfinite(stats::Median(all))) {
    statistic.set_median(stats::Median(all));
  }
  if (measured.empty()) return statistic;
  statistic.set_mean(stats::Mean(measured));
  statistic.set_interquartile_mean(stats::InterquartileMean(measured));
  if (measured.size() > 1) statistic.set_standard_deviation(stats::StandardDeviation(measured));
  return statistic;
}

// Returns the number of images that the metric is of, of the first run that says so.
int64_t EvaluatedImages(const Metric& metric, const v1::SplitSummary& split) {
  const auto& counts = metric.split == v1::MetricOptions::SPLIT_TRAIN  ? split.train()
                       : metric.split == v1::MetricOptions::SPLIT_TEST ? split.test()
                                                                       : split.validation();
  int64_t images = 0;
  for (const int64_t count : counts) images += count;
  return images;
}

void Comparer::SetValue(const ArmOfMembers& arm, v1::Arm* to) const {
  *to->mutable_value() = Summary(arm, kValue);
  std::vector<double> values;
  for (const auto& [seed, strata] : Values(arm, kValue)) {
    const std::optional<double> value = MeanOverStrata(strata);
    if (value.has_value() && std::isfinite(*value)) values.push_back(*value);
  }
  if (const auto interval = stats::MeanInterval(values)) {
    v1::Interval* shown = to->mutable_value_interval();
    shown->set_low(interval->low);
    shown->set_high(interval->high);
    shown->set_degenerate(interval->degenerate);
    shown->set_method(interval->method == stats::Interval::Method::kT ? v1::Interval::METHOD_T
                                                                      : v1::Interval::METHOD_BCA);
  }
  const bool is_accuracy = question_.metric.diverged == v1::MetricOptions::DIVERGED_ACCURACY;
  if (!is_accuracy || to->evaluated_images() == 0 || values.empty()) return;
  to->set_binomial_standard_error(
      stats::BinomialStandardError(to->value().mean(), to->evaluated_images()));
}

void Comparer::SetTimes(const ArmOfMembers& arm, v1::TimeToThreshold* times) const {
  std::vector<double> epochs;
  std::vector<double> seconds;
  for (const Member* member : arm.members) {
    const bool is_left_out = member->diverged() && question_.excludes_diverged;
    if (member->outcome == v1::RUN_OUTCOME_MISSING || member->is_duplicate || is_left_out) continue;
    const TimeReached& time = scan_->TimeOf(static_cast<size_t>(member - members_.data()));
    epochs.push_back(time.epochs);
    seconds.push_back(time.seconds);
    if (member->diverged()) {
      times->set_diverged(times->diverged() + 1);
    } else if (std::isfinite(time.epochs)) {
      times->set_reached(times->reached() + 1);
    } else {
      times->set_never(times->never() + 1);
    }
  }
  if (const auto median = stats::MedianTime(epochs)) times->set_median_epochs(*median);
  if (const auto median = stats::MedianTime(seconds)) times->set_median_seconds(*median);
}

void CountOutcomes(const ArmOfMembers& arm, v1::Arm* to) {
  to->set_total(static_cast<int32_t>(arm.members.size()));
  for (const Member* member : arm.members) {
    if (member->succeeded()) to->set_succeeded(to->succeeded() + 1);
    if (member->diverged()) to->set_diverged(to->diverged() + 1);
    if (member->outcome == v1::RUN_OUTCOME_COLLAPSED) to->set_collapsed(to->collapsed() + 1);
    if (member->outcome == v1::RUN_OUTCOME_MISSING) to->set_missing(to->missing() + 1);
    if (member->is_duplicate) to->set_duplicates(to->duplicates() + 1);
  }
}

v1::Arm Comparer::ShowArm(size_t index) const {
  const ArmOfMembers& from = arms_[index];
  v1::Arm arm;
  arm.set_name(from.name);
  if (from.experiments.size() == 1) arm.set_experiment(ExperimentName(*from.experiments.begin()));
  if (from.presets.size() == 1) arm.set_preset(*from.presets.begin());
  for (const auto& [key, value] : from.parameters) (*arm.mutable_parameters())[key] = value;
  CountOutcomes(from, &arm);
  if (question_.threshold.has_value()) SetTimes(from, arm.mutable_time_to_threshold());
  if (question_.configs) *arm.mutable_config() = *from.members[0]->config;
  scan_->FillCurves(static_cast<int>(index), &arm);
  const bool has_values =
      arm.succeeded() > 0 || (arm.diverged() > 0 && !question_.excludes_diverged);
  if (!has_values) return arm;
  *arm.mutable_validation_accuracy() = Summary(from, kValidationAccuracy);
  *arm.mutable_validation_relu_accuracy() = Summary(from, kReluAccuracy);
  *arm.mutable_test_accuracy() = Summary(from, kTestAccuracy);
  *arm.mutable_theta() = Summary(from, kTheta);
  *arm.mutable_epoch_seconds() = Summary(from, kElapsedSeconds);
  for (const Member* member : from.members) {
    if (arm.evaluated_images() > 0 || member->split == nullptr) continue;
    arm.set_evaluated_images(EvaluatedImages(question_.metric, *member->split));
  }
  SetValue(from, &arm);
  return arm;
}

bool HasValue(const SeedValues& values) {
  return std::any_of(values.begin(), values.end(),
                     [](const auto& seed) { return MeanOverStrata(seed.second).has_value(); });
}

void Comparer::SetValueFacts(const ArmOfMembers& arm, ArmFacts* facts) const {
  const SeedValues values = Values(arm, kValue);
  facts->has_value = HasValue(values);
  for (const auto& [seed, strata] : values) {
    for (const auto& [stratum, value] : strata) {
      facts->runs_of_a_seed = std::max(facts->runs_of_a_seed, value.count);
    }
  }
  for (const Member* member : arm.members) {
    const bool has_none = std::isnan(member->values[kValue]);
    if (member->succeeded() && !member->is_duplicate && has_none) ++facts->without_value;
  }
}

void Comparer::Pair(size_t index, size_t baseline, v1::Arm* arm) const {
  const ArmOfMembers& own = arms_[index];
  const ArmOfMembers& other = arms_[baseline];
  ArmFacts facts = {.is_baseline = index == baseline};
  const std::set<std::string> within(question_.within.begin(), question_.within.end());
  std::vector<const PairingFields*> pairings = PairingsOf(own);
  if (!pairings.empty()) facts.own_differences = DifferingFields(pairings, within);
  if (!facts.is_baseline) {
    const auto others = PairingsOf(other);
    pairings.insert(pairings.end(), others.begin(), others.end());
    if (!pairings.empty()) facts.differences = DifferingFields(pairings, ExemptFields(own, other));
    for (const auto& [field, values] : facts.differences) arm->add_unpaired_fields(field);
    facts.may_pair_within = !facts.own_differences.empty() ||
                            (!others.empty() && !DifferingFields(others, within).empty());
  }
  if (!facts.is_baseline && facts.differences.empty()) {
    auto paired =
        CompareTwo(Values(own, kValue), Values(other, kValue), question_.metric.higher_is_better());
    facts.has_common_seed = paired.has_value();
    if (paired.has_value()) {
      facts.uneven_pairs = paired->uneven;
      *arm->mutable_comparison() = std::move(paired->comparison);
    }
  }
  SetValueFacts(own, &facts);
  facts.baseline_has_value = HasValue(Values(other, kValue));
  const auto notes = ArmNotesOf(*arm, facts, question_.metric.name, kAlpha);
  arm->mutable_notes()->Assign(notes.begin(), notes.end());
}

void CorrectForBeingSeveral(v1::CompareExperimentsResponse* response) {
  std::vector<v1::Comparison*> comparisons;
  std::vector<double> p_values;
  for (v1::Arm& arm : *response->mutable_arms()) {
    if (!arm.comparison().has_p_value()) continue;
    comparisons.push_back(arm.mutable_comparison());
    p_values.push_back(arm.comparison().p_value());
  }
  const std::vector<double> corrected = stats::HolmCorrection(p_values);
  for (size_t i = 0; i < corrected.size(); ++i) comparisons[i]->set_holm_p_value(corrected[i]);
}

absl::StatusOr<size_t> Comparer::Baseline() const {
  if (question_.baseline.empty()) return 0;
  const auto found = arm_of_name_.find(question_.baseline);
  if (found != arm_of_name_.end()) return static_cast<size_t>(found->second);
  constexpr size_t kShown = 20;
  std::vector<std::string> names;
  for (const ArmOfMembers& arm : arms_) {
    if (names.size() == kShown) break;
    names.push_back(arm.name);
  }
  const size_t others = arms_.size() - names.size();
  return InvalidField(
      "baseline",
      absl::StrCat("is ", Quoted(question_.baseline), "; the arms are ", absl::StrJoin(names, ", "),
                   others == 0 ? "" : absl::StrCat(" and ", others, " more")));
}

void Comparer::SetRuns(v1::CompareExperimentsResponse* response) const {
  for (size_t e = 0; e < experiments_.size(); ++e) {
    v1::ArmsOfRuns* runs = response->add_arms_of_runs();
    runs->set_experiment(ExperimentName(experiments_[e].id));
    for (const Metric& metric : question_.run_metrics) runs->add_values()->set_metric(metric.name);
    const size_t end =
        e + 1 < experiments_.size() ? experiments_[e + 1].first_member : members_.size();
    for (size_t i = experiments_[e].first_member; i < end; ++i) {
      const Member& member = members_[i];
      runs->add_arms(member.arm);
      runs->add_seeds(member.seed);
      runs->add_outcomes(member.outcome);
      runs->add_duplicates(member.is_duplicate);
      for (int m = 0; m < runs->values_size(); ++m) {
        const double value = member.values[kFirstRunMetric + static_cast<size_t>(m)];
        runs->mutable_values(m)->add_values(std::isfinite(value) ? value : std::nan(""));
      }
    }
  }
}

absl::Status Comparer::SumConfusions(v1::CompareExperimentsResponse* response) const {
  if (question_.confusion == v1::TestResult::WEIGHTS_UNSPECIFIED) return absl::OkStatus();
  std::map<int64_t, const Member*> of_run;
  for (const Member& member : members_) of_run[member.key] = &member;
  std::map<int, std::map<std::pair<int, int>, int64_t>> sums;
  const auto add = [&](int64_t run, int actual, int predicted, int64_t images) {
    const auto member = of_run.find(run);
    if (member == of_run.end() || member->second->is_duplicate) return;
    sums[member->second->arm][{actual, predicted}] += images;
  };
  for (const AddedExperiment& experiment : experiments_) {
    ANNEAL_RETURN_IF_ERROR(store::SumConfusions(*db_, experiment.key, question_.confusion, add));
  }
  // Keys are in the order of rows and columns, and every cell is stored.
  for (const auto& [arm, cells] : sums) {
    for (const auto& [cell, images] : cells) {
      response->mutable_arms(arm)->add_confusion(images);
    }
  }
  return absl::OkStatus();
}

// Refuses an answer that no response can hold.
absl::Status CheckSize(const v1::CompareExperimentsResponse& response) {
  const size_t bytes = response.ByteSizeLong();
  if (bytes <= size_t{kMaxResponseBytes}) return absl::OkStatus();
  return InvalidField(
      "group_by",
      absl::StrFormat("makes %d arms, whose answer takes %.1f MiB; allowed are %d MiB. Group by "
                      "fewer fields, or compare fewer experiments",
                      response.arms_size(), static_cast<double>(bytes) / (1 << 20),
                      kMaxResponseBytes >> 20));
}

absl::StatusOr<v1::CompareExperimentsResponse> Comparer::Answer() const {
  v1::CompareExperimentsResponse response;
  response.set_metric(question_.metric.name);
  response.set_higher_is_better(question_.metric.higher_is_better());
  ANNEAL_ASSIGN_OR_RETURN(const size_t baseline, Baseline());
  response.set_baseline(arms_[baseline].name);
  if (question_.threshold.has_value()) {
    response.set_threshold_metric(question_.threshold_metric.name);
  }
  response.set_diverged(question_.excludes_diverged ? v1::DIVERGED_RUNS_EXCLUDE
                                                    : v1::DIVERGED_RUNS_IMPUTE);
  response.mutable_within()->Assign(question_.within.begin(), question_.within.end());
  response.set_alpha(kAlpha);
  int64_t looks = 0;
  for (const AddedExperiment& experiment : experiments_) looks += experiment.looks;
  response.set_looks(static_cast<int32_t>(looks));
  SetRuns(&response);
  for (size_t i = 0; i < arms_.size(); ++i) {
    v1::Arm* arm = response.add_arms();
    *arm = ShowArm(i);
    Pair(i, baseline, arm);
  }
  CorrectForBeingSeveral(&response);
  ANNEAL_RETURN_IF_ERROR(SumConfusions(&response));
  const auto notes = NotesOf(response, question_.metric);
  response.mutable_notes()->Assign(notes.begin(), notes.end());
  ANNEAL_RETURN_IF_ERROR(CheckSize(response));
  return response;
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
    ANNEAL_RETURN_IF_ERROR(comparer.Finish());
    return comparer.Answer();
  });
}

}  // namespace anneal::analysis
