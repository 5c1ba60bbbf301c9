// `ComparisonTest` stores experiments whose runs have ended as a test says, and compares them.

#ifndef ANNEAL_TESTS_UNIT_ANALYSIS_COMPARISON_FIXTURE_H_
#define ANNEAL_TESTS_UNIT_ANALYSIS_COMPARISON_FIXTURE_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "server/analysis/comparison.h"
#include "server/store/test_result_store.h"
#include "tests/unit/common/test_util.h"
#include "tests/unit/store/store_test_util.h"

namespace anneal::analysis {

enum class End { kPending, kRunning, kSucceeded, kDiverged, kCancelled, kLost };

// A run of a stored experiment.
struct StoredRun {
  int64_t seed = 0;
  std::string rate;  // the sweep value of optimizer.learning_rate; empty: not swept
  End end = End::kPending;
  std::optional<double> accuracy;  // of the test; a run with one has succeeded
  // Of each epoch. The validation accuracy is 1 - loss, unless given.
  std::vector<double> validation_losses = {1, 0.5};
  std::vector<double> validation_accuracies = {};
  bool collapsed = false;
  std::string dataset_sha256 = "data";
  std::string engine = "fused";
};

class ComparisonTest : public store::StoreTest {
 protected:
  using Change = std::function<void(v1::TrainingConfig*)>;

  // Two classes: the largest has 3 of 5 training images, 3 of 10 validation images of four classes
  // (0.3, the chance that the tests' numbers contain), and 3 of 4 test images.
  static v1::SplitSummary Split() {
    v1::SplitSummary split;
    for (const int64_t images : {3, 2}) split.add_train(images);
    for (const int64_t images : {3, 3, 2, 2}) split.add_validation(images);
    for (const int64_t images : {1, 3}) split.add_test(images);
    return split;
  }

  void AddExperiment(const std::string& id, const std::vector<StoredRun>& runs,
                     const std::string& preset = "",
                     v1::ThetaPolicy policy = v1::THETA_POLICY_FIXED) {
    AddChanged(
        id, runs,
        [policy](v1::TrainingConfig* config) { config->mutable_theta()->set_policy(policy); },
        preset);
  }

  // As AddExperiment, with `change` applied to the config of every run.
  void AddChanged(const std::string& id, const std::vector<StoredRun>& runs, const Change& change,
                  const std::string& preset = "") {
    store::NewExperiment experiment;
    experiment.id = id;
    experiment.submission.set_preset(preset);
    experiment.time_micros = store::kNow;
    for (const StoredRun& run : runs) {
      v1::TrainingConfig config;
      config.set_epochs(3);
      change(&config);
      std::map<std::string, std::string> parameters;
      if (!run.rate.empty()) {
        config.mutable_optimizer()->set_learning_rate(std::stod(run.rate));
        parameters = {{"optimizer.learning_rate", run.rate}};
      }
      experiment.cells.emplace_back(parameters, config::ResolveConfig(config),
                                    std::vector<int64_t>{run.seed});
    }
    Insert(experiment);
    for (size_t i = 0; i < runs.size(); ++i) {
      Finish(RunKeyOf(id, static_cast<int64_t>(i)), runs[i]);
    }
  }

  void Finish(int64_t key, const StoredRun& run) {
    const bool succeeded = run.end == End::kSucceeded || run.accuracy.has_value();
    if (!succeeded && run.end == End::kPending) return;
    Begin(key, run);
    if (succeeded) {
      Succeed(key, run);
    } else if (run.end == End::kDiverged) {
      Fail(key, v1::FAILURE_REASON_DIVERGED);
    } else if (run.end == End::kLost) {
      Fail(key, v1::FAILURE_REASON_WORKER_LOST);
    } else if (run.end == End::kCancelled) {
      ASSERT_TRUE(StoreTest::Change(key, v1::RUN_STATE_CANCELLED).ok());
    }
  }

  void Succeed(int64_t key, const StoredRun& run) {
    if (run.accuracy.has_value()) {
      v1::TestResult result;
      result.set_weights(v1::TestResult::WEIGHTS_LAST);
      result.set_epoch(static_cast<int32_t>(run.validation_losses.size()));
      result.set_run_epochs(result.epoch());
      result.set_accuracy(*run.accuracy);
      for (const int64_t images : {1, 0, 1, 2}) result.add_confusion(images);
      ASSERT_TRUE(Write([&](store::Transaction& transaction) {
                    return store::InsertTestResult(transaction, key, result);
                  }).ok());
    }
    ASSERT_TRUE(StoreTest::Change(key, v1::RUN_STATE_SUCCEEDED).ok());
  }

  void Fail(int64_t key, v1::FailureReason reason) {
    v1::Failure failure;
    failure.set_reason(reason);
    failure.set_message("it failed");
    ASSERT_TRUE(StoreTest::Change(key, v1::RUN_STATE_FAILED, store::kNow, failure).ok());
  }

  void Begin(int64_t key, const StoredRun& run) {
    ASSERT_TRUE(StoreTest::Change(key, v1::RUN_STATE_RUNNING).ok());
    v1::RunStarted started;
    started.set_dataset_sha256(run.dataset_sha256);
    started.set_engine(run.engine);
    *started.mutable_split() = Split();
    ASSERT_TRUE(Write([&](store::Transaction& transaction) {
                  return store::RecordStart(transaction, key, started);
                }).ok());
    for (size_t i = 0; i < run.validation_losses.size(); ++i) RecordOne(key, run, i);
  }

  void RecordOne(int64_t key, const StoredRun& run, size_t index) {
    v1::EpochReport report;
    v1::Epoch* epoch = report.mutable_epoch();
    epoch->set_epoch(static_cast<int32_t>(index) + 1);
    epoch->set_epoch_seconds(2);
    epoch->set_elapsed_seconds(2 * (static_cast<double>(index) + 1));
    epoch->set_validation_loss(run.validation_losses[index]);
    epoch->set_validation_relu_loss(2 * run.validation_losses[index]);
    epoch->set_validation_accuracy(run.validation_accuracies.empty()
                                       ? 1 - run.validation_losses[index]
                                       : run.validation_accuracies[index]);
    epoch->set_validation_predicted_classes(run.collapsed ? 1 : 4);
    epoch->set_eligible(true);
    epoch->add_layers()->set_gradient_norm(static_cast<double>(index));
    epoch->add_layers()->set_gradient_norm(10);
    ASSERT_TRUE(Record(key, report).ok());
  }

  absl::StatusOr<v1::CompareExperimentsResponse> TryCompare(const std::string& request) {
    return Compare(store_.get(), FromText<v1::CompareExperimentsRequest>(request));
  }
  // Compares experiments of these ids.
  v1::CompareExperimentsResponse Compared(const std::vector<std::string>& ids,
                                          const std::string& rest = "") {
    std::string request = rest;
    for (const std::string& id : ids) absl::StrAppend(&request, " names: 'experiments/", id, "'");
    const auto response = TryCompare(request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.value_or(v1::CompareExperimentsResponse());
  }
  static std::vector<std::string> Names(const v1::CompareExperimentsResponse& response) {
    std::vector<std::string> names;
    for (const v1::Arm& arm : response.arms()) names.push_back(arm.name());
    return names;
  }
};

}  // namespace anneal::analysis

#endif  // ANNEAL_TESTS_UNIT_ANALYSIS_COMPARISON_FIXTURE_H_
