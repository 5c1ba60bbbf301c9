// Tests the arms of single runs: which runs are left, and that their curves are those the server
// would send.

#include "client/plot/arms.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "client/plot/series.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anneal::client::plot {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Response = v1::CompareExperimentsResponse;

// Five runs of `x` in three arms.
Response FiveRuns() {
  Response response;
  for (const char* name : {"a", "b", "c"}) {
    v1::Arm* arm = response.add_arms();
    arm->set_name(name);
    arm->mutable_value()->set_mean(1);
  }
  v1::ArmsOfRuns* runs = response.add_arms_of_runs();
  runs->set_experiment("experiments/x");
  for (const int arm : {0, 1, 1, 1, 2}) runs->add_arms(arm);
  for (const int seed : {0, 0, 1, 1, 0}) runs->add_seeds(seed);
  for (int i = 0; i < 5; ++i) {
    runs->add_outcomes(i == 2 ? v1::RUN_OUTCOME_COLLAPSED : v1::RUN_OUTCOME_SUCCEEDED);
    runs->add_duplicates(i == 3);  // of the one before
  }
  v1::RunValues* values = runs->add_values();
  values->set_metric("train_loss");
  for (int i = 0; i < 5; ++i) values->add_values(i);
  return response;
}

std::vector<std::string> NamesOf(const std::vector<ComparedRun>& runs) {
  std::vector<std::string> names;
  for (const ComparedRun& run : runs) names.push_back(run.name);
  return names;
}

TEST(ComparedRunsTest, HaveTheirNumbersArmsAndValues) {
  const std::vector<ComparedRun> runs = ComparedRuns(FiveRuns());
  ASSERT_THAT(runs, SizeIs(5));
  EXPECT_EQ(runs[3].name, "experiments/x/runs/3");
  EXPECT_EQ(runs[3].arm, 1);
  EXPECT_EQ(runs[3].seed, 1);
  EXPECT_TRUE(runs[3].is_duplicate);
  EXPECT_EQ(runs[3].ValueOf("train_loss"), 3);
  EXPECT_TRUE(std::isnan(runs[3].ValueOf("validation_loss")));
  EXPECT_EQ(runs[2].outcome, v1::RUN_OUTCOME_COLLAPSED);
  EXPECT_TRUE(runs[2].succeeded());
}

TEST(ComparedRunsTest, OmitRunsWithoutAnArm) {
  Response response = FiveRuns();
  response.mutable_arms_of_runs(0)->set_arms(0, -1);
  response.mutable_arms_of_runs(0)->set_arms(4, 3);
  EXPECT_THAT(NamesOf(ComparedRuns(response)),
              ElementsAre("experiments/x/runs/1", "experiments/x/runs/2", "experiments/x/runs/3"));
}

TEST(ArmsTest, RestrictedArmsCountTheRunsThatAreLeft) {
  std::vector<int> changed;
  const Response response = Restricted(
      FiveRuns(),
      [](const std::string& run) {
        return run == "experiments/x/runs/2" || run == "experiments/x/runs/4";
      },
      &changed);
  ASSERT_THAT(response.arms(), SizeIs(2));
  EXPECT_EQ(response.arms(0).name(), "b");
  EXPECT_EQ(response.arms(0).total(), 1);
  EXPECT_EQ(response.arms(0).succeeded(), 1);
  EXPECT_EQ(response.arms(0).collapsed(), 1);
  EXPECT_FALSE(response.arms(0).has_value()) << "a statistic of other runs";
  EXPECT_EQ(response.arms(1).name(), "c");
  EXPECT_TRUE(response.arms(1).has_value()) << "it has all its runs";
  EXPECT_THAT(changed, ElementsAre(0));
  EXPECT_THAT(NamesOf(ComparedRuns(response)),
              ElementsAre("experiments/x/runs/2", "experiments/x/runs/4"));
}

TEST(ArmsTest, DuplicateCountsWhereWhatItRepeatsIsNotLeft) {
  const auto restricted = [](const std::vector<std::string>& runs) {
    std::vector<int> changed;
    const auto keeps = [&runs](const std::string& name) {
      return std::find(runs.begin(), runs.end(), name.substr(name.rfind('/') + 1)) != runs.end();
    };
    return Restricted(FiveRuns(), keeps, &changed);
  };
  EXPECT_FALSE(ComparedRuns(restricted({"3"}))[0].is_duplicate);
  EXPECT_EQ(restricted({"3"}).arms(0).duplicates(), 0);
  EXPECT_TRUE(ComparedRuns(restricted({"2", "3"}))[1].is_duplicate);
  EXPECT_EQ(restricted({"2", "3"}).arms(0).duplicates(), 1);
}

RecordedRun RunOf(const std::vector<double>& accuracies) {
  RecordedRun run;
  run.run.set_state(v1::RUN_STATE_SUCCEEDED);
  for (const double accuracy : accuracies) {
    v1::Epoch& epoch = run.epochs.emplace_back();
    epoch.set_epoch(static_cast<int32_t>(run.epochs.size()));
    epoch.set_validation_accuracy(accuracy);
    epoch.add_layers()->set_gradient_norm(10 * accuracy);
    epoch.add_layers()->set_linear_gap(accuracy);
  }
  return run;
}

v1::CompareExperimentsRequest RequestOf(const std::vector<std::string>& curves) {
  v1::CompareExperimentsRequest request;
  request.mutable_curves()->Assign(curves.begin(), curves.end());
  return request;
}

TEST(ArmsTest, CurvesOfRunsAreMeansOverThoseThatHaveTheEpoch) {
  v1::Arm arm;
  FillArm(RequestOf({"validation_accuracy"}), {RunOf({0.5, 0.75}), RunOf({1.0})}, &arm);
  ASSERT_THAT(arm.curves(), SizeIs(1));
  const v1::Curve& curve = arm.curves(0);
  EXPECT_EQ(curve.metric(), "validation_accuracy");
  EXPECT_EQ(curve.layer(), -1);
  EXPECT_THAT(curve.epochs(), ElementsAre(1, 2));
  EXPECT_THAT(curve.counts(), ElementsAre(2, 1));
  EXPECT_THAT(curve.means(), ElementsAre(0.75, 0.75));
  // The sample standard deviation of 0.5 and 1 is sqrt(1/8); bands end at the range of a share.
  EXPECT_DOUBLE_EQ(curve.lows(0), 0.75 - std::sqrt(0.125));
  EXPECT_EQ(curve.highs(0), 1);
  EXPECT_EQ(curve.lows(1), 0.75);
  EXPECT_EQ(curve.highs(1), 0.75);
  EXPECT_THAT(curve.diverged(), IsEmpty());
}

TEST(ArmsTest, CurvesOfRunsThatDivergedEndInTheirLastEpoch) {
  RecordedRun diverged = RunOf({0.5, 0.25});
  diverged.run.set_state(v1::RUN_STATE_FAILED);
  diverged.run.mutable_failure()->set_reason(v1::FAILURE_REASON_DIVERGED);
  RecordedRun lost = RunOf({0.75});
  lost.run.set_state(v1::RUN_STATE_FAILED);
  v1::Arm arm;
  FillArm(RequestOf({"validation_accuracy"}), {diverged, lost}, &arm);
  ASSERT_THAT(arm.curves(0).diverged(), SizeIs(1));
  EXPECT_EQ(arm.curves(0).diverged(0).epoch(), 2);
  EXPECT_EQ(arm.curves(0).diverged(0).value(), 0.25);
}

TEST(ArmsTest, LayersOfRunsHaveACurveEach) {
  v1::Arm arm;
  FillArm(RequestOf({"layers.gradient_norm", "layers.linear_gap"}), {RunOf({0.5})}, &arm);
  ASSERT_THAT(arm.curves(), SizeIs(3));
  EXPECT_THAT(FindCurve(arm, "layers.gradient_norm", 0)->means(), ElementsAre(5));
  EXPECT_THAT(FindCurve(arm, "layers.gradient_norm", 1)->means(), ElementsAre(0));
  EXPECT_EQ(FindCurve(arm, "layers.linear_gap", 0), nullptr) << "not recorded";
  EXPECT_THAT(FindCurve(arm, "layers.linear_gap", 1)->means(), ElementsAre(0.5));
}

TEST(ArmsTest, DuplicatesAreNotPartOfTheArm) {
  RecordedRun duplicate = RunOf({1});
  duplicate.is_duplicate = true;
  std::vector<RecordedRun> runs = {RunOf({0.5}), duplicate};
  v1::CompareExperimentsRequest request = RequestOf({"validation_accuracy"});
  request.set_confusion(v1::TestResult::WEIGHTS_LAST);
  for (RecordedRun& run : runs) {
    for (const auto weights : {v1::TestResult::WEIGHTS_LAST, v1::TestResult::WEIGHTS_BEST}) {
      v1::TestResult* result = run.run.add_test_results();
      result->set_weights(weights);
      for (const int count : {3, 1, 0, 4}) result->add_confusion(count);
    }
  }
  v1::Arm arm;
  FillArm(request, runs, &arm);
  EXPECT_THAT(arm.curves(0).means(), ElementsAre(0.5));
  EXPECT_THAT(arm.confusion(), ElementsAre(3, 1, 0, 4));
  runs[1].is_duplicate = false;
  v1::Arm both;
  FillArm(request, runs, &both);
  EXPECT_THAT(both.confusion(), ElementsAre(6, 2, 0, 8));
}

TEST(ArmsTest, NothingRecordedIsAnErrorWithTheRemedy) {
  Response response;
  response.add_arms()->set_missing(2);
  const absl::Status status = CheckRecorded(response, {"first"});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no run of first"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("anneal watch"));
  // An arm that diverged is a result.
  response.mutable_arms(0)->set_diverged(1);
  EXPECT_TRUE(CheckRecorded(response, {"first"}).ok());
}

}  // namespace
}  // namespace anneal::client::plot
