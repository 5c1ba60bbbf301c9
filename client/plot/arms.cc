#include "client/plot/arms.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "client/plot/series.h"
#include "common/metric.h"
#include "common/resource_name.h"
#include "common/stats/statistics.h"
#include "common/status.h"

namespace anneal::client::plot {
namespace {

using Response = v1::CompareExperimentsResponse;

// The values of a curve by epoch, and the ends of runs that diverged.
struct Samples {
  std::map<int32_t, std::vector<double>> by_epoch;
  std::vector<v1::CurveEnd> diverged;
};

// The range of a metric's values, to which bands are clipped.
struct ValueRange {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};

ValueRange ValueRangeOf(const Metric& metric) {
  ValueRange range;
  // Shares, and losses.
  if (metric.diverged != v1::MetricOptions::DIVERGED_UNSPECIFIED) range.low = 0;
  if (metric.percent) range.high = 1;
  return range;
}

void AddSample(const RecordedRun& run, const v1::Epoch& epoch, std::optional<double> value,
               Samples* samples) {
  if (!value.has_value() || run.is_duplicate) return;
  samples->by_epoch[epoch.epoch()].push_back(*value);
  const bool diverged = run.run.state() == v1::RUN_STATE_FAILED &&
                        run.run.failure().reason() == v1::FAILURE_REASON_DIVERGED;
  if (!diverged || &epoch != &run.epochs.back()) return;
  v1::CurveEnd& end = samples->diverged.emplace_back();
  end.set_epoch(epoch.epoch());
  end.set_value(*value);
}

void AddCurve(const std::string& metric, int layer, const Samples& samples, ValueRange range,
              v1::Arm* arm) {
  if (samples.by_epoch.empty()) return;
  v1::Curve* curve = arm->add_curves();
  curve->set_metric(metric);
  curve->set_layer(layer);
  for (const auto& [epoch, values] : samples.by_epoch) {
    const double mean = stats::Mean(values);
    const double deviation = values.size() < 2 ? 0 : stats::StandardDeviation(values);
    curve->add_epochs(epoch);
    curve->add_counts(static_cast<int32_t>(values.size()));
    curve->add_means(mean);
    curve->add_lows(std::max(mean - deviation, range.low));
    curve->add_highs(std::min(mean + deviation, range.high));
  }
  curve->mutable_diverged()->Assign(samples.diverged.begin(), samples.diverged.end());
}

void AddEpochCurve(const Metric& metric, const std::vector<RecordedRun>& runs, v1::Arm* arm) {
  Samples samples;
  for (const RecordedRun& run : runs) {
    for (const v1::Epoch& epoch : run.epochs) {
      AddSample(run, epoch, ValueOf(metric, epoch), &samples);
    }
  }
  AddCurve(metric.name, /*layer=*/-1, samples, ValueRangeOf(metric), arm);
}

void AddLayerCurves(const std::string& name, const google::protobuf::FieldDescriptor& field,
                    const std::vector<RecordedRun>& runs, v1::Arm* arm) {
  std::map<int, Samples> by_layer;
  for (const RecordedRun& run : runs) {
    for (const v1::Epoch& epoch : run.epochs) {
      for (int layer = 0; layer < epoch.layers_size(); ++layer) {
        AddSample(run, epoch, NumberOf(epoch.layers(layer), field), &by_layer[layer]);
      }
    }
  }
  for (const auto& [layer, samples] : by_layer) AddCurve(name, layer, samples, {}, arm);
}

void AddConfusion(v1::TestResult::Weights weights, const std::vector<RecordedRun>& runs,
                  v1::Arm* arm) {
  for (const RecordedRun& run : runs) {
    if (run.is_duplicate) continue;
    for (const v1::TestResult& result : run.run.test_results()) {
      if (result.weights() != weights) continue;
      if (arm->confusion().empty()) arm->mutable_confusion()->Resize(result.confusion_size(), 0);
      const int size = std::min(arm->confusion_size(), result.confusion_size());
      for (int i = 0; i < size; ++i) {
        arm->set_confusion(i, arm->confusion(i) + result.confusion(i));
      }
    }
  }
}

// An arm with the identity of another, and its numbers unset.
v1::Arm EmptyArm(const v1::Arm& arm) {
  v1::Arm empty;
  empty.set_name(arm.name());
  empty.set_experiment(arm.experiment());
  empty.set_preset(arm.preset());
  *empty.mutable_parameters() = arm.parameters();
  *empty.mutable_config() = arm.config();
  empty.set_evaluated_images(arm.evaluated_images());
  return empty;
}

void CountRun(v1::RunOutcome outcome, bool is_duplicate, v1::Arm* arm) {
  arm->set_total(arm->total() + 1);
  if (is_duplicate) arm->set_duplicates(arm->duplicates() + 1);
  switch (outcome) {
    case v1::RUN_OUTCOME_COLLAPSED:
      arm->set_collapsed(arm->collapsed() + 1);
      [[fallthrough]];
    case v1::RUN_OUTCOME_SUCCEEDED:
      arm->set_succeeded(arm->succeeded() + 1);
      break;
    case v1::RUN_OUTCOME_DIVERGED:
      arm->set_diverged(arm->diverged() + 1);
      break;
    default:
      arm->set_missing(arm->missing() + 1);
  }
}

// Replaces each run's arm by its new index; -1 removes the run.
void Renumber(const std::vector<int>& new_index,
              const std::function<bool(const std::string&)>& keeps, Response* comparison) {
  for (v1::ArmsOfRuns& runs : *comparison->mutable_arms_of_runs()) {
    for (int i = 0; i < runs.arms_size(); ++i) {
      const auto arm = static_cast<size_t>(runs.arms(i));
      const bool stays =
          arm < new_index.size() && keeps(absl::StrCat(runs.experiment(), "/runs/", i));
      runs.set_arms(i, stays ? new_index[arm] : -1);
    }
  }
}

// Counts the runs of the arms that lost some.
void Recount(const std::set<int>& changed, Response* comparison) {
  std::set<std::pair<int, int64_t>> seeds;
  for (v1::ArmsOfRuns& runs : *comparison->mutable_arms_of_runs()) {
    for (int i = 0; i < runs.arms_size(); ++i) {
      const int arm = runs.arms(i);
      if (!changed.contains(arm)) continue;
      // What it repeats may have been removed.
      const bool is_first = seeds.emplace(arm, runs.seeds(i)).second;
      if (is_first) runs.set_duplicates(i, false);
      CountRun(runs.outcomes(i), runs.duplicates(i), comparison->mutable_arms(arm));
    }
  }
}

absl::StatusOr<RecordedRun> FetchRun(Connection* connection, const ComparedRun& run) {
  RecordedRun recorded = {.is_duplicate = run.is_duplicate};
  ANNEAL_ASSIGN_OR_RETURN(recorded.run, connection->GetRun(run.name));
  ANNEAL_ASSIGN_OR_RETURN(recorded.epochs, connection->ListEpochs(run.name, /*limit=*/0));
  return recorded;
}

// The names on the command line, as full names.
struct Named {
  std::vector<std::string> experiments;  // of all names, without repetition
  std::set<std::string> whole;           // experiments
  std::set<std::string> runs;
};

Named Sort(const std::vector<std::string>& typed) {
  Named named;
  for (const std::string& word : typed) {
    const std::string name = ExpandName(word);
    const std::string experiment = name.substr(0, name.find("/runs/"));
    (IsRunName(name) ? named.runs : named.whole).insert(name);
    if (std::find(named.experiments.begin(), named.experiments.end(), experiment) ==
        named.experiments.end()) {
      named.experiments.push_back(experiment);
    }
  }
  return named;
}

// Returns the error for a run that does not exist.
absl::Status CheckRuns(Connection* connection, const Named& named, const Response& comparison) {
  std::set<std::string> known;
  for (const ComparedRun& run : ComparedRuns(comparison)) known.insert(run.name);
  for (const std::string& name : named.runs) {
    if (known.contains(name)) continue;
    ANNEAL_ASSIGN_OR_RETURN(const v1::Run run, connection->GetRun(name));
    return NoArmError(run);
  }
  return absl::OkStatus();
}

// The run that stands for an arm.
const ComparedRun* FirstRun(const std::vector<ComparedRun>& runs, int arm) {
  const ComparedRun* first = nullptr;
  for (const ComparedRun& run : runs) {
    if (run.arm != arm) continue;
    if (run.succeeded()) return &run;
    if (first == nullptr) first = &run;
  }
  return first;
}

}  // namespace

Response Restricted(const Response& comparison,
                    const std::function<bool(const std::string&)>& keeps,
                    std::vector<int>* changed) {
  std::vector<int> all(static_cast<size_t>(comparison.arms_size()));
  std::vector<int> kept(all.size());
  for (const ComparedRun& run : ComparedRuns(comparison)) {
    ++all[static_cast<size_t>(run.arm)];
    if (keeps(run.name)) ++kept[static_cast<size_t>(run.arm)];
  }
  Response restricted = comparison;
  restricted.clear_arms();
  std::vector<int> new_index(all.size(), -1);
  for (size_t i = 0; i < all.size(); ++i) {
    if (kept[i] == 0) continue;
    const v1::Arm& arm = comparison.arms(static_cast<int>(i));
    new_index[i] = restricted.arms_size();
    if (kept[i] < all[i]) changed->push_back(new_index[i]);
    *restricted.add_arms() = kept[i] < all[i] ? EmptyArm(arm) : arm;
  }
  Renumber(new_index, keeps, &restricted);
  Recount({changed->begin(), changed->end()}, &restricted);
  return restricted;
}

void FillArm(const v1::CompareExperimentsRequest& request, const std::vector<RecordedRun>& runs,
             v1::Arm* arm) {
  *arm->mutable_config() = runs[0].run.config();
  for (const std::string& name : request.curves()) {
    if (const auto metric = FindEpochMetric("curves", name); metric.ok()) {
      AddEpochCurve(*metric, runs, arm);
    }
    absl::string_view of_layer = name;
    if (!absl::ConsumePrefix(&of_layer, "layers.")) continue;
    const auto* field = v1::LayerMetrics::descriptor()->FindFieldByName(std::string(of_layer));
    if (field != nullptr) AddLayerCurves(name, *field, runs, arm);
  }
  if (request.confusion() != v1::TestResult::WEIGHTS_UNSPECIFIED) {
    AddConfusion(request.confusion(), runs, arm);
  }
}

absl::StatusOr<Response> FetchArms(Connection* connection, const std::vector<std::string>& names,
                                   v1::CompareExperimentsRequest request) {
  const Named named = Sort(names);
  request.mutable_names()->Assign(named.experiments.begin(), named.experiments.end());
  ANNEAL_ASSIGN_OR_RETURN(const Response compared, connection->Compare(request));
  if (named.runs.empty()) return compared;
  ANNEAL_RETURN_IF_ERROR(CheckRuns(connection, named, compared));
  const auto keeps = [&named](const std::string& run) {
    return named.runs.contains(run) || named.whole.contains(run.substr(0, run.find("/runs/")));
  };
  std::vector<int> changed;
  Response comparison = Restricted(compared, keeps, &changed);
  const std::vector<ComparedRun> runs = ComparedRuns(comparison);
  for (const int arm : changed) {
    std::vector<RecordedRun> recorded;
    for (const ComparedRun& run : runs) {
      if (run.arm != arm) continue;
      ANNEAL_ASSIGN_OR_RETURN(recorded.emplace_back(), FetchRun(connection, run));
    }
    FillArm(request, recorded, comparison.mutable_arms(arm));
  }
  return comparison;
}

absl::Status CheckRecorded(const Response& comparison, const std::vector<std::string>& names) {
  for (const v1::Arm& arm : comparison.arms()) {
    if (arm.succeeded() + arm.diverged() + arm.curves_size() > 0) return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat("no run of ", absl::StrJoin(names, ", "),
                   " has finished an epoch yet; follow them with `anneal watch`"));
}

absl::StatusOr<std::vector<LastThetas>> FetchLastThetas(Connection* connection,
                                                        const Response& comparison) {
  const std::vector<ComparedRun> runs = ComparedRuns(comparison);
  std::vector<LastThetas> all;
  for (int i = 0; i < comparison.arms_size() && all.size() < kMaxArmsWithThetas; ++i) {
    const v1::Arm& arm = comparison.arms(i);
    const ComparedRun* first = HasManyThetas(arm) ? FirstRun(runs, i) : nullptr;
    if (first == nullptr) continue;
    ANNEAL_ASSIGN_OR_RETURN(const v1::Run run, connection->GetRun(first->name));
    v1::ListThetasRequest request;
    request.set_parent(run.name());
    request.set_epoch(run.last_epoch().epoch());
    LastThetas& last = all.emplace_back(LastThetas{.arm = arm.name(), .seed = first->seed});
    ANNEAL_ASSIGN_OR_RETURN(last.layers, connection->ListThetas(request, /*limit=*/0));
  }
  return all;
}

}  // namespace anneal::client::plot
