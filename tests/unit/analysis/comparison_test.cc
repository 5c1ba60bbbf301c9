// Comparisons of stored runs: arms and their names, pairs by seed, the baseline, errors.

#include "server/analysis/comparison.h"

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/stats/comparison.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/store/test_result_store.h"
#include "tests/unit/common/test_util.h"
#include "tests/unit/store/store_test_util.h"

namespace anneal::analysis {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A run of a stored experiment. Runs with a value have succeeded with it as their test accuracy.
struct StoredRun {
  int64_t seed = 0;
  std::string rate;  // the sweep value of optimizer.learning_rate; empty: not swept
  std::optional<double> accuracy;
  std::vector<double> validation_losses = {1, 0.5};
};

class ComparisonTest : public store::StoreTest {
 protected:
  void AddExperiment(const std::string& id, const std::vector<StoredRun>& runs,
                     const std::string& preset = "",
                     v1::ThetaPolicy policy = v1::THETA_POLICY_FIXED) {
    store::NewExperiment experiment;
    experiment.id = id;
    experiment.submission.set_preset(preset);
    experiment.time_micros = store::kNow;
    for (const StoredRun& run : runs) {
      v1::TrainingConfig config;
      config.mutable_theta()->set_policy(policy);
      config.set_epochs(3);
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
      if (runs[i].accuracy.has_value()) Succeed(RunKeyOf(id, static_cast<int64_t>(i)), runs[i]);
    }
  }

  void Succeed(int64_t key, const StoredRun& run) {
    Begin(key, run);
    v1::TestResult result;
    result.set_weights(v1::TestResult::WEIGHTS_LAST);
    result.set_epoch(static_cast<int32_t>(run.validation_losses.size()));
    result.set_accuracy(*run.accuracy);
    ASSERT_TRUE(Write([&](store::Transaction& transaction) {
                  return store::InsertTestResult(transaction, key, result);
                }).ok());
    ASSERT_TRUE(Change(key, v1::RUN_STATE_SUCCEEDED).ok());
  }

  void Begin(int64_t key, const StoredRun& run) {
    ASSERT_TRUE(Change(key, v1::RUN_STATE_RUNNING).ok());
    for (size_t i = 0; i < run.validation_losses.size(); ++i) {
      v1::EpochReport report;
      report.mutable_epoch()->set_epoch(static_cast<int32_t>(i) + 1);
      report.mutable_epoch()->set_epoch_seconds(2);
      report.mutable_epoch()->set_elapsed_seconds(2 * (static_cast<double>(i) + 1));
      report.mutable_epoch()->set_validation_loss(run.validation_losses[i]);
      report.mutable_epoch()->set_validation_accuracy(1 - run.validation_losses[i]);
      ASSERT_TRUE(Record(key, report).ok());
    }
  }

  absl::StatusOr<v1::CompareExperimentsResponse> TryCompare(const std::string& request) {
    return Compare(store_.get(), FromText<v1::CompareExperimentsRequest>(request));
  }
  v1::CompareExperimentsResponse Compared(const std::string& request) {
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

TEST_F(ComparisonTest, CellsOfASweepAreArmsInTheOrderOfTheirFirstRuns) {
  AddExperiment("plain", {{.seed = 0}});
  AddExperiment("swept", {{.seed = 1, .rate = "0.1"},
                          {.seed = 2, .rate = "0.1"},
                          {.seed = 1, .rate = "0.01"},
                          {.seed = 2, .rate = "0.01"}});
  const auto response = Compared("names: 'experiments/swept' names: 'experiments/plain'");
  EXPECT_THAT(Names(response), ElementsAre("swept,optimizer.learning_rate=0.1",
                                           "swept,optimizer.learning_rate=0.01", "plain"));
  EXPECT_EQ(response.arms(0).experiment(), "experiments/swept");
  EXPECT_EQ(response.arms(0).parameters().at("optimizer.learning_rate"), "0.1");
  EXPECT_EQ(response.arms(0).total(), 2);
  EXPECT_EQ(response.baseline(), "swept,optimizer.learning_rate=0.1");
  EXPECT_EQ(response.metric(), "test_accuracy");
  EXPECT_TRUE(response.higher_is_better());
}

TEST_F(ComparisonTest, EveryRunIsAssignedToItsArm) {
  AddExperiment("plain", {{.seed = 0}});
  AddExperiment(
      "swept",
      {{.seed = 1, .rate = "0.1"}, {.seed = 1, .rate = "0.01"}, {.seed = 2, .rate = "0.1"}});
  const auto response = Compared("names: 'experiments/plain' names: 'experiments/swept'");
  ASSERT_THAT(response.arms_of_runs(), SizeIs(2));
  EXPECT_EQ(response.arms_of_runs(0).experiment(), "experiments/plain");
  EXPECT_THAT(response.arms_of_runs(0).arms(), ElementsAre(0));
  EXPECT_EQ(response.arms_of_runs(1).experiment(), "experiments/swept");
  EXPECT_THAT(response.arms_of_runs(1).arms(), ElementsAre(1, 2, 1));
}

TEST_F(ComparisonTest, RunsAreGroupedByFieldsExperimentsAndPresets) {
  AddExperiment("one", {{.seed = 0, .rate = "0.1"}}, "baseline");
  AddExperiment("two", {{.seed = 0, .rate = "0.1"}, {.seed = 1, .rate = "0.2"}});
  AddExperiment("three", {{.seed = 0, .rate = "0.2"}}, "", v1::THETA_POLICY_TRAINABLE);
  const std::string names =
      "names: 'experiments/one' names: 'experiments/two' names: 'experiments/three' ";
  const auto by_policy = Compared(names + "group_by: 'theta.policy'");
  EXPECT_THAT(Names(by_policy), ElementsAre("theta.policy=FIXED", "theta.policy=TRAINABLE"));
  EXPECT_EQ(by_policy.arms(0).total(), 3);
  EXPECT_EQ(by_policy.arms(0).experiment(), "") << "its runs are of two";
  EXPECT_EQ(by_policy.arms(1).experiment(), "experiments/three");
  EXPECT_THAT(Names(Compared(names + "group_by: 'preset'")),
              ElementsAre("preset=baseline", "preset=-"));
  EXPECT_THAT(Names(Compared(names + "group_by: 'experiment'")),
              ElementsAre("experiment=one", "experiment=two", "experiment=three"));
  // Fields are named alphabetically, independently of the order in the request.
  EXPECT_THAT(Names(Compared(names + "group_by: 'optimizer.learning_rate' group_by: 'experiment'")),
              ElementsAre("experiment=one,optimizer.learning_rate=0.1",
                          "experiment=two,optimizer.learning_rate=0.1",
                          "experiment=two,optimizer.learning_rate=0.2",
                          "experiment=three,optimizer.learning_rate=0.2"));
}

TEST_F(ComparisonTest, ExperimentThatIsNamedTwiceCountsOnce) {
  AddExperiment("e", {{.seed = 0}, {.seed = 1}});
  const auto response = Compared("names: 'experiments/e' names: 'experiments/e'");
  ASSERT_THAT(response.arms(), SizeIs(1));
  EXPECT_EQ(response.arms(0).total(), 2);
  EXPECT_THAT(response.arms_of_runs(), SizeIs(1));
}

TEST_F(ComparisonTest, FiguresAreOverRunsThatSucceeded) {
  AddExperiment("e", {{.seed = 0, .accuracy = 0.5}, {.seed = 1, .accuracy = 0.75}, {.seed = 2}});
  Begin(RunKeyOf("e", 2), {.seed = 2});
  const v1::Arm arm = Compared("names: 'experiments/e'").arms(0);
  EXPECT_EQ(arm.total(), 3);
  EXPECT_EQ(arm.succeeded(), 2);
  EXPECT_EQ(arm.value().count(), 2);
  EXPECT_DOUBLE_EQ(arm.value().mean(), 0.625);
  EXPECT_DOUBLE_EQ(arm.test_accuracy().mean(), 0.625);
  EXPECT_DOUBLE_EQ(arm.validation_accuracy().mean(), 0.5);
  EXPECT_DOUBLE_EQ(arm.epoch_seconds().mean(), 2);
  const stats::Interval interval = stats::BootstrapInterval({0.5, 0.75});
  EXPECT_EQ(arm.value_interval().low(), interval.low);
  EXPECT_EQ(arm.value_interval().high(), interval.high);
}

TEST_F(ComparisonTest, ArmWithoutValuesHasNoInterval) {
  AddExperiment("e", {{.seed = 0}});
  const v1::Arm arm = Compared("names: 'experiments/e'").arms(0);
  EXPECT_EQ(arm.total(), 1);
  EXPECT_EQ(arm.succeeded(), 0);
  EXPECT_FALSE(arm.has_value());
  EXPECT_FALSE(arm.has_value_interval());
}

TEST_F(ComparisonTest, RunsArePairedBySeed) {
  AddExperiment(
      "base",
      {{.seed = 1, .accuracy = 0.5}, {.seed = 2, .accuracy = 0.25}, {.seed = 9, .accuracy = 1}});
  // Two runs of seed 1, which are averaged first; none of seed 9.
  AddExperiment("other", {{.seed = 1, .accuracy = 0.5},
                          {.seed = 1, .accuracy = 1},
                          {.seed = 2, .accuracy = 0.75},
                          {.seed = 7, .accuracy = 0}});
  const auto response = Compared("names: 'experiments/base' names: 'experiments/other'");
  ASSERT_THAT(response.arms(), SizeIs(2));
  EXPECT_FALSE(response.arms(0).has_comparison()) << "the baseline itself";
  const v1::Comparison& comparison = response.arms(1).comparison();
  const std::vector<double> differences = {0.25, 0.5};
  EXPECT_EQ(comparison.pairs(), 2);
  EXPECT_DOUBLE_EQ(comparison.difference(), 0.375);
  EXPECT_EQ(comparison.difference_low(), stats::BootstrapInterval(differences).low);
  EXPECT_EQ(comparison.difference_high(), stats::BootstrapInterval(differences).high);
  EXPECT_EQ(comparison.p_value(), stats::SignFlipPValue(differences));
  EXPECT_EQ(comparison.probability_of_improvement(),
            stats::ProbabilityOfImprovement({0.5, 1, 0.75, 0}, {0.5, 0.25, 1}, true));
}

TEST_F(ComparisonTest, ArmsWithoutACommonSeedAreNotCompared) {
  AddExperiment("base", {{.seed = 1, .accuracy = 0.5}});
  AddExperiment("other", {{.seed = 2, .accuracy = 0.5}});
  const auto response = Compared("names: 'experiments/base' names: 'experiments/other'");
  EXPECT_FALSE(response.arms(1).has_comparison());
}

TEST_F(ComparisonTest, NamedBaselineIsUsedAndCorrectionCountsTheOtherArms) {
  for (const auto& [id, accuracy] : std::map<std::string, double>{{"a", 0.5}, {"b", 0.6}}) {
    AddExperiment(id, {{.seed = 1, .accuracy = accuracy}, {.seed = 2, .accuracy = accuracy}});
  }
  AddExperiment("c", {{.seed = 1, .accuracy = 0.9}, {.seed = 2, .accuracy = 0.8}});
  const auto response = Compared(
      "names: 'experiments/a' names: 'experiments/b' names: 'experiments/c' baseline: 'c'");
  EXPECT_EQ(response.baseline(), "c");
  EXPECT_FALSE(response.arms(2).has_comparison());
  EXPECT_NEAR(response.arms(0).comparison().difference(), -0.35, 1e-12);
  // Two p-values of 1/2 each, corrected for two comparisons.
  for (int arm = 0; arm < 2; ++arm) {
    EXPECT_EQ(response.arms(arm).comparison().p_value(), 0.5);
    EXPECT_EQ(response.arms(arm).comparison().holm_p_value(), 1);
  }
}

TEST_F(ComparisonTest, MetricDeterminesTheBetterDirection) {
  AddExperiment("low", {{.seed = 1, .accuracy = 0.5, .validation_losses = {0.25}}});
  AddExperiment("high", {{.seed = 1, .accuracy = 0.5, .validation_losses = {0.75}}});
  const auto response =
      Compared("names: 'experiments/high' names: 'experiments/low' metric: 'validation_loss'");
  EXPECT_FALSE(response.higher_is_better());
  EXPECT_EQ(response.arms(1).comparison().difference(), -0.5);
  EXPECT_EQ(response.arms(1).comparison().probability_of_improvement(), 1);
}

TEST_F(ComparisonTest, AreaUnderTheLogLossTakesAllEpochs) {
  AddExperiment("e", {{.seed = 1, .accuracy = 0.5, .validation_losses = {4, 2, 1}}});
  const v1::Arm arm = Compared("names: 'experiments/e' metric: 'log_loss_area'").arms(0);
  EXPECT_DOUBLE_EQ(arm.value().mean(), stats::LogLossArea({4, 2, 1}));
}

TEST_F(ComparisonTest, TimesToAThresholdCountRunsThatNeverReachIt) {
  AddExperiment("e", {{.seed = 1, .accuracy = 0.5, .validation_losses = {0.9, 0.4, 0.2}},
                      {.seed = 2, .accuracy = 0.5, .validation_losses = {0.3, 0.2, 0.1}},
                      {.seed = 3, .accuracy = 0.5, .validation_losses = {0.9, 0.9, 0.9}}});
  const auto response = Compared("names: 'experiments/e' threshold: 0.5");
  EXPECT_EQ(response.threshold_metric(), "validation_accuracy");
  const v1::TimeToThreshold& times = response.arms(0).time_to_threshold();
  EXPECT_EQ(times.reached(), 2);
  EXPECT_EQ(times.censored(), 1);
  EXPECT_EQ(times.median_epochs(), 2);
  EXPECT_EQ(times.median_seconds(), 4);
  // Losses reach a threshold from above.
  EXPECT_EQ(Compared("names: 'experiments/e' threshold: 0.1 threshold_metric: 'validation_loss'")
                .arms(0)
                .time_to_threshold()
                .reached(),
            1);
  EXPECT_FALSE(Compared("names: 'experiments/e'").arms(0).has_time_to_threshold());
}

TEST_F(ComparisonTest, InvalidRequestsAreRejectedWithTheAlternatives) {
  AddExperiment("e", {{.seed = 0}});
  const auto message = [&](const std::string& rest) {
    const absl::Status status = TryCompare("names: 'experiments/e' " + rest).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << rest;
    return std::string(status.message());
  };
  EXPECT_TRUE(Mentions(message("metric: 'accuracy'"), {"metric", "test_accuracy"}));
  EXPECT_TRUE(Mentions(message("threshold_metric: 'test_loss'"), {"validation_accuracy"}));
  EXPECT_TRUE(Mentions(message("group_by: 'theta.polcy'"), {"theta.policy"}));
  EXPECT_TRUE(Mentions(message("baseline: 'other'"), {"baseline", "the arms are e"}));
  std::string many;
  for (int i = 0; i < 17; ++i) many += "group_by: 'epochs' ";
  EXPECT_TRUE(Mentions(message(many), {"group_by", "17", "0..16"}));
  EXPECT_TRUE(Mentions(TryCompare("").status().message(), {"names", "1..1000"}));
  EXPECT_EQ(TryCompare("names: 'e'").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(TryCompare("names: 'experiments/unknown'").status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace anneal::analysis
