#include "server/rpc/summary.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/resource_name.h"
#include "common/statistics.h"
#include "common/status.h"
#include "common/sweep.h"
#include "server/store/experiment_store.h"
#include "server/store/run_store.h"

namespace anneal::rpc {
namespace {

constexpr int kMaxNames = 1000;

// What is averaged, gathered run by run.
struct Samples {
  int32_t total = 0;
  std::vector<double> validation_accuracy;
  std::vector<double> validation_relu_accuracy;
  std::vector<double> test_accuracy;
  std::vector<double> theta;
  std::vector<double> epoch_seconds;
};

void Add(const v1::Run& run, Samples* samples) {
  ++samples->total;
  if (run.state() != v1::RUN_STATE_SUCCEEDED) return;
  const v1::Epoch& last = run.last_epoch();
  samples->validation_accuracy.push_back(last.validation_accuracy());
  samples->validation_relu_accuracy.push_back(last.validation_relu_accuracy());
  samples->theta.push_back(last.theta().mean());
  samples->epoch_seconds.push_back(last.elapsed_seconds() / last.epoch());
  for (const v1::TestResult& result : run.test_results()) {
    if (result.weights() == v1::TestResult::WEIGHTS_LAST) {
      samples->test_accuracy.push_back(result.accuracy());
    }
  }
}

void Set(const std::vector<double>& sample, v1::Statistic* statistic) {
  statistic->set_count(static_cast<int32_t>(sample.size()));
  if (sample.empty()) return;
  statistic->set_mean(Mean(sample));
  if (sample.size() > 1) statistic->set_standard_deviation(StandardDeviation(sample));
}

void Fill(const Samples& samples, v1::Arm* arm) {
  arm->set_total(samples.total);
  arm->set_succeeded(static_cast<int32_t>(samples.epoch_seconds.size()));
  if (samples.epoch_seconds.empty()) return;
  Set(samples.validation_accuracy, arm->mutable_validation_accuracy());
  Set(samples.validation_relu_accuracy, arm->mutable_validation_relu_accuracy());
  Set(samples.test_accuracy, arm->mutable_test_accuracy());
  Set(samples.theta, arm->mutable_theta());
  Set(samples.epoch_seconds, arm->mutable_epoch_seconds());
}

// Runs are numbered cell by cell, the seed varying fastest.
absl::Status SummarizeOne(store::Connection& db, const std::string& id,
                          v1::SummarizeExperimentsResponse* response) {
  ANNEAL_ASSIGN_OR_RETURN(const v1::Experiment experiment, store::GetExperiment(db, id));
  ANNEAL_ASSIGN_OR_RETURN(const int64_t key, store::ExperimentKey(db, id));
  ANNEAL_ASSIGN_OR_RETURN(
      const std::vector<v1::Run> runs,
      store::ListRuns(db, key, id, 0, kMaxRunsPerExperiment, v1::RUN_VIEW_BASIC));
  const size_t seeds = SeedsOf(experiment).size();
  for (size_t cell = 0; cell < runs.size(); cell += seeds) {
    v1::Arm* arm = response->add_arms();
    arm->set_experiment(ExperimentName(id));
    arm->set_preset(experiment.preset());
    *arm->mutable_parameters() = runs[cell].parameters();
    Samples samples;
    for (size_t i = cell; i < cell + seeds; ++i) Add(runs[i], &samples);
    Fill(samples, arm);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::SummarizeExperimentsResponse> Summarize(
    store::Store* store, const v1::SummarizeExperimentsRequest& request) {
  if (request.names().empty() || request.names_size() > kMaxNames) {
    return InvalidField(
        "names", absl::StrCat("has ", request.names_size(), " entries; allowed is 1..", kMaxNames));
  }
  v1::SummarizeExperimentsResponse response;
  const absl::Status status = store->Read([&](store::Connection& db) -> absl::Status {
    for (const std::string& name : request.names()) {
      ANNEAL_ASSIGN_OR_RETURN(const std::string id, ParseExperimentName("names", name));
      ANNEAL_RETURN_IF_ERROR(SummarizeOne(db, id, &response));
    }
    return absl::OkStatus();
  });
  ANNEAL_RETURN_IF_ERROR(status);
  return response;
}

}  // namespace anneal::rpc
