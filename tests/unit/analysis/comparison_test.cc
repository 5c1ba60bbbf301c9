// Comparisons of stored runs: arms and their names, the baseline, metrics, thresholds, errors.

#include "common/stats/comparison.h"

#include <map>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "tests/unit/analysis/comparison_fixture.h"

namespace anneal::analysis {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

TEST_F(ComparisonTest, CellsOfASweepAreArmsInTheOrderOfTheirFirstRuns) {
  AddExperiment("plain", {{.seed = 0}});
  AddExperiment("swept", {{.seed = 1, .rate = "0.1"},
                          {.seed = 2, .rate = "0.1"},
                          {.seed = 1, .rate = "0.01"},
                          {.seed = 2, .rate = "0.01"}});
  const auto response = Compared({"swept", "plain"});
  EXPECT_THAT(Names(response), ElementsAre("swept,optimizer.learning_rate=0.1",
                                           "swept,optimizer.learning_rate=0.01", "plain"));
  EXPECT_EQ(response.arms(0).experiment(), "experiments/swept");
  EXPECT_EQ(response.arms(0).parameters().at("optimizer.learning_rate"), "0.1");
  EXPECT_EQ(response.arms(0).total(), 2);
  EXPECT_EQ(response.baseline(), "swept,optimizer.learning_rate=0.1");
  EXPECT_EQ(response.metric(), "validation_accuracy") << "test results are asked for by name";
  EXPECT_TRUE(response.higher_is_better());
}

TEST_F(ComparisonTest, EveryRunIsAssignedToItsArm) {
  AddExperiment("plain", {{.seed = 0}});
  AddExperiment("swept", {{.seed = 1, .rate = "0.1"},
                          {.seed = 1, .rate = "0.01"},
                          {.seed = 2, .rate = "0.1", .end = End::kDiverged}});
  const auto response = Compared({"plain", "swept"}, "run_metrics: 'min.validation_loss'");
  ASSERT_THAT(response.arms_of_runs(), SizeIs(2));
  EXPECT_EQ(response.arms_of_runs(0).experiment(), "experiments/plain");
  EXPECT_THAT(response.arms_of_runs(0).arms(), ElementsAre(0));
  const v1::ArmsOfRuns& swept = response.arms_of_runs(1);
  EXPECT_THAT(swept.arms(), ElementsAre(1, 2, 1));
  EXPECT_THAT(swept.seeds(), ElementsAre(1, 1, 2));
  EXPECT_THAT(swept.outcomes(), ElementsAre(v1::RUN_OUTCOME_MISSING, v1::RUN_OUTCOME_MISSING,
                                            v1::RUN_OUTCOME_DIVERGED));
  EXPECT_THAT(swept.values(0).values(),
              ElementsAre(testing::IsNan(), testing::IsNan(), testing::IsNan()))
      << "a loss of a run that diverged has no value that could be shown";
}

TEST_F(ComparisonTest, RunsAreGroupedByFieldsExperimentsAndPresets) {
  AddExperiment("one", {{.seed = 0, .rate = "0.1"}}, "baseline");
  AddExperiment("two", {{.seed = 0, .rate = "0.1"}, {.seed = 1, .rate = "0.2"}});
  AddExperiment("three", {{.seed = 0, .rate = "0.2"}}, "", v1::THETA_POLICY_TRAINABLE);
  const std::vector<std::string> ids = {"one", "two", "three"};
  const auto by_policy = Compared(ids, "group_by: 'theta.policy'");
  EXPECT_THAT(Names(by_policy), ElementsAre("theta.policy=FIXED", "theta.policy=TRAINABLE"));
  EXPECT_EQ(by_policy.arms(0).total(), 3);
  EXPECT_EQ(by_policy.arms(0).experiment(), "") << "its runs are of two";
  EXPECT_EQ(by_policy.arms(1).experiment(), "experiments/three");
  EXPECT_THAT(Names(Compared(ids, "group_by: 'preset'")),
              ElementsAre("preset=baseline", "preset=-"));
  EXPECT_THAT(Names(Compared(ids, "group_by: 'experiment'")),
              ElementsAre("experiment=one", "experiment=two", "experiment=three"));
  // Fields are named alphabetically, independently of the order in the request.
  EXPECT_THAT(Names(Compared(ids, "group_by: 'optimizer.learning_rate' group_by: 'experiment'")),
              ElementsAre("experiment=one,optimizer.learning_rate=0.1",
                          "experiment=two,optimizer.learning_rate=0.1",
                          "experiment=two,optimizer.learning_rate=0.2",
                          "experiment=three,optimizer.learning_rate=0.2"));
}

TEST_F(ComparisonTest, ExperimentThatIsNamedTwiceCountsOnce) {
  AddExperiment("e", {{.seed = 0}, {.seed = 1}});
  const auto response = Compared({"e", "e"});
  ASSERT_THAT(response.arms(), SizeIs(1));
  EXPECT_EQ(response.arms(0).total(), 2);
  EXPECT_THAT(response.arms_of_runs(), SizeIs(1));
}

TEST_F(ComparisonTest, FieldsThatOtherProgramsReadKeepTheirMeaning) {
  AddExperiment("e", {{.seed = 0, .accuracy = 0.5}, {.seed = 1, .accuracy = 0.75}});
  const v1::Arm arm = Compared({"e"}, "metric: 'test_accuracy'").arms(0);
  EXPECT_DOUBLE_EQ(arm.test_accuracy().mean(), 0.625);
  EXPECT_DOUBLE_EQ(arm.value().mean(), 0.625);
  EXPECT_EQ(arm.theta().count(), 2);
  EXPECT_EQ(v1::Arm::descriptor()->FindFieldByNumber(9)->name(), "test_accuracy");
  EXPECT_EQ(v1::Arm::descriptor()->FindFieldByNumber(10)->name(), "theta");
  EXPECT_EQ(v1::Arm::descriptor()->FindFieldByNumber(12)->name(), "value");
  EXPECT_DOUBLE_EQ(arm.epoch_seconds().mean(), 2);
}

TEST_F(ComparisonTest, ArmWithoutValuesHasNoInterval) {
  AddExperiment("e", {{.seed = 0}});
  const v1::Arm arm = Compared({"e"}).arms(0);
  EXPECT_EQ(arm.total(), 1);
  EXPECT_EQ(arm.succeeded(), 0);
  EXPECT_EQ(arm.missing(), 1);
  EXPECT_FALSE(arm.has_value());
  EXPECT_FALSE(arm.has_value_interval());
}

TEST_F(ComparisonTest, NamedBaselineIsUsedAndCorrectionCountsTheOtherArms) {
  for (const auto& [id, accuracy] : std::map<std::string, double>{{"a", 0.5}, {"b", 0.6}}) {
    AddExperiment(id, {{.seed = 1, .accuracy = accuracy}, {.seed = 2, .accuracy = accuracy}});
  }
  AddExperiment("c", {{.seed = 1, .accuracy = 0.9}, {.seed = 2, .accuracy = 0.8}});
  const auto response = Compared({"a", "b", "c"}, "metric: 'test_accuracy' baseline: 'c'");
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
  const auto response = Compared({"high", "low"}, "metric: 'validation_loss'");
  EXPECT_FALSE(response.higher_is_better());
  EXPECT_EQ(response.arms(1).comparison().difference(), -0.5);
  EXPECT_EQ(response.arms(1).comparison().probability_of_improvement(), 1);
}

TEST_F(ComparisonTest, AreaUnderTheLogLossIsAtThetaZeroForScheduledArms) {
  const StoredRun run = {.seed = 1, .end = End::kSucceeded, .validation_losses = {4, 2, 1}};
  AddExperiment("fixed", {run});
  AddExperiment("scheduled", {run}, "", v1::THETA_POLICY_SCHEDULED);
  const auto response = Compared({"fixed", "scheduled"}, "metric: 'log_loss_area'");
  EXPECT_DOUBLE_EQ(response.arms(0).value().mean(), stats::LogLossArea({4, 2, 1}));
  EXPECT_DOUBLE_EQ(response.arms(1).value().mean(), stats::LogLossArea({8, 4, 2}));
  const auto named = Compared({"scheduled"}, "metric: 'log_loss_area.validation_loss'");
  EXPECT_DOUBLE_EQ(named.arms(0).value().mean(), stats::LogLossArea({4, 2, 1}));
}

TEST_F(ComparisonTest, RunsThatDivergedNeverReachAThreshold) {
  AddExperiment("e", {{.seed = 1, .end = End::kSucceeded, .validation_losses = {0.9, 0.4, 0.2}},
                      {.seed = 2, .end = End::kSucceeded, .validation_losses = {0.3, 0.2, 0.1}},
                      {.seed = 3, .end = End::kSucceeded, .validation_losses = {0.9, 0.9, 0.9}},
                      {.seed = 4, .end = End::kDiverged, .validation_losses = {0.1}},
                      {.seed = 5, .end = End::kCancelled, .validation_losses = {0.1}}});
  const auto response = Compared({"e"}, "threshold: 0.5");
  EXPECT_EQ(response.threshold_metric(), "validation_accuracy");
  const v1::TimeToThreshold& times = response.arms(0).time_to_threshold();
  EXPECT_EQ(times.reached(), 2);
  EXPECT_EQ(times.never(), 1);
  EXPECT_EQ(times.diverged(), 1) << "although it had reached the threshold before";
  // Half of the four have reached it after 2 epochs, and by the same rule after 4 seconds.
  EXPECT_EQ(times.median_epochs(), 2);
  EXPECT_EQ(times.median_seconds(), 4);
  // Losses reach a threshold from above: one of four is fewer than half.
  const auto loss = Compared({"e"}, "threshold: 0.1 threshold_metric: 'validation_loss'");
  EXPECT_EQ(loss.arms(0).time_to_threshold().reached(), 1);
  EXPECT_FALSE(loss.arms(0).time_to_threshold().has_median_epochs());
  EXPECT_FALSE(loss.arms(0).time_to_threshold().has_median_seconds());
  EXPECT_FALSE(Compared({"e"}).arms(0).has_time_to_threshold());
}

TEST_F(ComparisonTest, ConfusionMatricesOfAnArmAreSummed) {
  AddExperiment("e", {{.seed = 1, .accuracy = 0.5}, {.seed = 2, .accuracy = 0.5}, {.seed = 3}});
  EXPECT_THAT(Compared({"e"}, "confusion: WEIGHTS_LAST").arms(0).confusion(),
              ElementsAre(2, 0, 2, 4));
  EXPECT_THAT(Compared({"e"}).arms(0).confusion(), SizeIs(0));
}

TEST_F(ComparisonTest, InvalidRequestsAreRejectedWithTheAlternatives) {
  AddExperiment("e", {{.seed = 0}});
  const auto message = [&](const std::string& rest) {
    const absl::Status status = TryCompare("names: 'experiments/e' " + rest).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << rest;
    return std::string(status.message());
  };
  EXPECT_TRUE(Mentions(message("metric: 'accuracy'"), {"metric", "test_accuracy", "best."}));
  EXPECT_TRUE(Mentions(message("metric: 'best.theta_mean'"), {"metric", "theta_mean", "min."}));
  EXPECT_TRUE(Mentions(message("metric: 'log_loss_area.train_f1'"), {"metric", "not a loss"}));
  EXPECT_TRUE(Mentions(message("threshold_metric: 'test_loss'"), {"validation_accuracy"}));
  EXPECT_TRUE(Mentions(message("group_by: 'theta.polcy'"), {"theta.policy"}));
  EXPECT_TRUE(Mentions(message("within: 'experiment'"), {"within", "not a field of the config"}));
  EXPECT_TRUE(Mentions(message("curves: 'layers.f1'"), {"curves", "layers.linear_gap"}));
  EXPECT_TRUE(Mentions(message("run_metrics: 'f1'"), {"run_metrics"}));
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
