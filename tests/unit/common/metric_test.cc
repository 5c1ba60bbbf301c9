#include "common/metric.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/common/test_util.h"

namespace anneal {
namespace {

using ::testing::HasSubstr;

const v1::Run& SomeRun() {
  static const auto& run = *new v1::Run(FromText<v1::Run>(R"(
    last_epoch {
      epoch: 7 validation_loss: 0.5 validation_accuracy: 0.75 theta { mean: 0.25 max: 0.5 }
      hessian_max_eigenvalue: 12
    }
    test_results { weights: WEIGHTS_LAST accuracy: 0.9 loss: 0.3 }
    test_results { weights: WEIGHTS_BEST accuracy: 0.95 loss: 0.2 })"));
  return run;
}

std::optional<double> Value(const std::string& name) {
  return ValueOf(FindRunMetric("metric", name).value(), SomeRun());
}

TEST(MetricTest, ReadsWhatTheNameSays) {
  EXPECT_EQ(Value("epoch"), 7);
  EXPECT_EQ(Value("validation_loss"), 0.5);
  EXPECT_EQ(Value("train_loss"), 0);
  EXPECT_EQ(Value("theta_mean"), 0.25);
  EXPECT_EQ(Value("theta_max"), 0.5);
  EXPECT_EQ(Value("test_accuracy"), 0.9);
  EXPECT_EQ(Value("best_test_accuracy"), 0.95);
  EXPECT_EQ(Value("best_test_loss"), 0.2);
  EXPECT_EQ(Value("hessian_max_eigenvalue"), 12);
}

TEST(MetricTest, GivesNothingWhereTheRunHasNothing) {
  EXPECT_EQ(Value("hessian_min_eigenvalue"), std::nullopt);
  EXPECT_EQ(Value("log_loss_area"), std::nullopt);
  for (const char* name : {"validation_loss", "theta_mean", "test_accuracy"}) {
    EXPECT_EQ(ValueOf(FindRunMetric("metric", name).value(), v1::Run()), std::nullopt) << name;
  }
}

TEST(MetricTest, KnowsWhichWayIsBetter) {
  for (const char* name : {"test_accuracy", "validation_f1", "train_recall", "best_test_precision",
                           "samples_per_second"}) {
    EXPECT_TRUE(FindRunMetric("metric", name)->higher_is_better) << name;
  }
  for (const char* name : {"validation_loss", "test_loss", "epoch_seconds", "log_loss_area"}) {
    EXPECT_FALSE(FindRunMetric("metric", name)->higher_is_better) << name;
  }
}

TEST(MetricTest, RefusesOthersWithTheNamesThereAre) {
  const absl::Status status = FindRunMetric("metric", "accuracy").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("test_accuracy"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("metric is \"accuracy\""));
  EXPECT_FALSE(FindEpochMetric("threshold_metric", "test_accuracy").ok());
  EXPECT_FALSE(FindEpochMetric("threshold_metric", "log_loss_area").ok());
  EXPECT_FALSE(FindRunMetric("metric", "").ok());
  EXPECT_FALSE(FindRunMetric("metric", "layers").ok());
}

}  // namespace
}  // namespace anneal
