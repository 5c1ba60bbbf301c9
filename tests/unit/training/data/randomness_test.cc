#include "server/training/data/randomness.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/training/training_test_util.h"

namespace anneal::training::data {
namespace {

constexpr int64_t kImages = 1000;

config::RunPlan PlanWith(const std::string& text) {
  return PlanOf(Complete(text),
                {.height = 28, .width = 28, .classes = 10, .train_images = kImages});
}

std::vector<int32_t> Sorted(std::vector<int32_t> values) {
  std::sort(values.begin(), values.end());
  return values;
}

std::vector<int32_t> UpTo(int32_t count) {
  std::vector<int32_t> values(static_cast<size_t>(count));
  std::iota(values.begin(), values.end(), 0);
  return values;
}

double Correlation(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0) / static_cast<double>(a.size());
}

TEST(RandomnessTest, PartitionsTheFile) {
  const Split split =
      SplitTrainingFile(PlanWith("dataset { validation_fraction: 0.2 }"), kImages, 7);
  EXPECT_EQ(split.validation.size(), 200u);
  EXPECT_EQ(split.train.size(), 800u);
  std::vector<int32_t> all = split.train;
  all.insert(all.end(), split.validation.begin(), split.validation.end());
  EXPECT_EQ(Sorted(all), UpTo(kImages));
}

TEST(RandomnessTest, SplitsAtRandom) {
  const Split split = SplitTrainingFile(PlanWith(""), kImages, 7);
  EXPECT_FALSE(std::is_sorted(split.train.begin(), split.train.end()));
  // Of the 100 validation images, each half of the file contributes 50 +- 5.
  const auto low = std::count_if(split.validation.begin(), split.validation.end(),
                                 [](int32_t index) { return index < kImages / 2; });
  EXPECT_GT(low, 25);
  EXPECT_LT(low, 75);
}

TEST(RandomnessTest, SplitDependsOnTheSeed) {
  const config::RunPlan plan = PlanWith("");
  const Split split = SplitTrainingFile(plan, kImages, 7);
  const Split same = SplitTrainingFile(plan, kImages, 7);
  EXPECT_EQ(split.train, same.train);
  EXPECT_EQ(split.validation, same.validation);
  for (const int64_t seed : {int64_t{8}, int64_t{-7}, int64_t{7} + (int64_t{1} << 32)}) {
    EXPECT_NE(split.validation, SplitTrainingFile(plan, kImages, seed).validation) << seed;
  }
}

TEST(RandomnessTest, SplitDoesNotDependOnTheThetaPolicy) {
  const Split fixed = SplitTrainingFile(PlanWith(""), kImages, 7);
  for (const std::string theta :
       {"theta { policy: THETA_POLICY_SCHEDULED }",
        "theta { policy: THETA_POLICY_TRAINABLE granularity: THETA_GRANULARITY_NEURON }"}) {
    const Split other = SplitTrainingFile(PlanWith(theta), kImages, 7);
    EXPECT_EQ(fixed.train, other.train) << theta;
    EXPECT_EQ(fixed.validation, other.validation) << theta;
  }
}

TEST(RandomnessTest, LimitsTheTrainingSplitAfterTheSplit) {
  const Split whole = SplitTrainingFile(PlanWith(""), kImages, 7);
  const Split some = SplitTrainingFile(PlanWith("dataset { train_limit: 50 }"), kImages, 7);
  EXPECT_EQ(some.validation, whole.validation);
  EXPECT_EQ(some.train, std::vector<int32_t>(whole.train.begin(), whole.train.begin() + 50));
  const Split all = SplitTrainingFile(PlanWith("dataset { train_limit: 5000 }"), kImages, 7);
  EXPECT_EQ(all.train, whole.train);
}

TEST(RandomnessTest, EveryEpochHasItsOwnPermutation) {
  const std::vector<int32_t> train = {5, 900, 3, 77, 12, 44, 45, 46, 47, 48};
  std::set<std::vector<int32_t>> orders = {train};
  for (int64_t epoch = 0; epoch < 20; ++epoch) {
    const std::vector<int32_t> order = EpochOrder(train, 7, epoch);
    EXPECT_EQ(Sorted(order), Sorted(train));
    EXPECT_TRUE(orders.insert(order).second) << "epoch " << epoch << " repeats an order";
  }
}

TEST(RandomnessTest, EpochOrderDependsOnSeedAndEpochOnly) {
  const std::vector<int32_t> train = UpTo(100);
  const std::vector<int32_t> third = EpochOrder(train, 7, 2);
  EpochOrder(train, 7, 0);
  StandardNormal(10, 7, 2);
  EXPECT_EQ(EpochOrder(train, 7, 2), third);
  EXPECT_NE(EpochOrder(train, 8, 2), third);
}

TEST(RandomnessTest, FirstImageOfAnEpochIsUniform) {
  const std::vector<int32_t> train = UpTo(4);
  std::vector<int> first(4);
  for (int64_t epoch = 0; epoch < 4000; ++epoch) {
    ++first[static_cast<size_t>(EpochOrder(train, 7, epoch)[0])];
  }
  // 1000 each, with a standard deviation of 27.
  for (const int count : first) EXPECT_NEAR(count, 1000, 150);
}

TEST(RandomnessTest, DrawsFromTheStandardNormalDistribution) {
  const std::vector<double> draws = StandardNormal(100'000, 7, 0);
  double sum = 0;
  double squares = 0;
  double within = 0;
  for (const double draw : draws) {
    sum += draw;
    squares += draw * draw;
    within += std::abs(draw) < 1 ? 1 : 0;
  }
  EXPECT_NEAR(sum / 1e5, 0, 5 / std::sqrt(1e5));
  EXPECT_NEAR(squares / 1e5, 1, 5 * std::sqrt(2 / 1e5));
  EXPECT_NEAR(within / 1e5, 0.682689, 0.0075);
}

TEST(RandomnessTest, DrawsOfLayersAndSeedsAreUncorrelated) {
  const std::vector<double> draws = StandardNormal(10'000, 7, 0);
  EXPECT_EQ(StandardNormal(10'000, 7, 0), draws);
  EXPECT_NEAR(Correlation(draws, StandardNormal(10'000, 7, 1)), 0, 0.05);
  EXPECT_NEAR(Correlation(draws, StandardNormal(10'000, 8, 0)), 0, 0.05);
  EXPECT_NEAR(Correlation(draws, StandardNormal(10'000, 7, -1)), 0, 0.05);
}

TEST(RandomnessTest, DrawsOfALayerDoNotDependOnTheirCount) {
  const std::vector<double> many = StandardNormal(101, 7, 3);
  const std::vector<double> few = StandardNormal(10, 7, 3);
  EXPECT_EQ(few, std::vector<double>(many.begin(), many.begin() + 10));
}

}  // namespace
}  // namespace anneal::training::data
