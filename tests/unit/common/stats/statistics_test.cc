#include "common/stats/statistics.h"

#include <cmath>
#include <limits>
#include <vector>

#include "gtest/gtest.h"

namespace anneal {
namespace {

TEST(StatisticsTest, MeanOfOneValueIsThatValue) {
  EXPECT_EQ(stats::Mean(std::vector<double>{0.25}), 0.25);
}

TEST(StatisticsTest, MeanIsTheSumOverTheCount) {
  EXPECT_DOUBLE_EQ(stats::Mean(std::vector<double>{2, 4, 4, 4, 5, 5, 7, 9}), 5);
  EXPECT_DOUBLE_EQ(stats::Mean(std::vector<double>{-1, 1}), 0);
}

TEST(StatisticsTest, MeanSumsFromFirstToLast) {
  // 1e16 + 1 is 1e16 in double, so the order decides.
  EXPECT_EQ(stats::Mean(std::vector<double>{1e16, 1, -1e16, 1}), 0.25);
  EXPECT_EQ(stats::Mean(std::vector<double>{1e16, -1e16, 1, 1}), 0.5);
}

TEST(StatisticsTest, StandardDeviationDividesByOneLessThanTheCount) {
  // The squared deviations from 5 sum to 32.
  EXPECT_DOUBLE_EQ(stats::StandardDeviation(std::vector<double>{2, 4, 4, 4, 5, 5, 7, 9}),
                   std::sqrt(32.0 / 7));
  EXPECT_DOUBLE_EQ(stats::StandardDeviation(std::vector<double>{1, 3}), std::sqrt(2.0));
}

TEST(StatisticsTest, StandardDeviationOfEqualValuesIsZero) {
  EXPECT_EQ(stats::StandardDeviation(std::vector<double>{0.5, 0.5, 0.5}), 0);
}

TEST(StatisticsTest, StandardDeviationKeepsItsDigitsFarFromZero) {
  // One pass over sums of squares would lose all of them: 1e9^2 has no digit left for 1.
  EXPECT_DOUBLE_EQ(stats::StandardDeviation(std::vector<double>{1e9 + 1, 1e9 + 2, 1e9 + 3}), 1);
}

TEST(StatisticsTest, QuantilesAtTheEndsAreTheExtremes) {
  const std::vector<float> sample = {-3, -1, 0.5, 8};
  EXPECT_EQ(stats::Quantile(sample, 0), -3);
  EXPECT_EQ(stats::Quantile(sample, 1), 8);
}

TEST(StatisticsTest, MedianTakesInfinities) {
  const double worst = std::numeric_limits<double>::infinity();
  EXPECT_EQ(stats::Median({3.0}), 3);
  EXPECT_EQ(stats::Median({3.0, 1.0}), 2);
  EXPECT_EQ(stats::Median({worst, 1.0, 2.0}), 2);
  EXPECT_EQ(stats::Median({worst, 1.0}), worst);
  EXPECT_EQ(stats::Median({worst, worst}), worst);
  EXPECT_EQ(stats::Median({-worst, 1.0}), -worst);
  EXPECT_EQ(stats::Median({-worst, -worst, 1.0}), -worst);
}

TEST(StatisticsTest, InterquartileMeanDropsAQuarterOfEachEnd) {
  EXPECT_EQ(stats::InterquartileMean({100.0, 1.0, 2.0, -50.0}), 1.5);
  EXPECT_EQ(stats::InterquartileMean({1.0, 2.0, 6.0}), 3) << "a quarter of three is none";
  EXPECT_EQ(stats::InterquartileMean({9.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.0}), 3.5);
}

TEST(StatisticsTest, QuantileOfOneValueIsThatValue) {
  const std::vector<float> sample = {0.75f};
  for (const double q : {0.0, 0.05, 0.5, 0.95, 1.0}) EXPECT_EQ(stats::Quantile(sample, q), 0.75);
}

TEST(StatisticsTest, MedianOfAnEvenCountIsInTheMiddle) {
  EXPECT_DOUBLE_EQ(stats::Quantile(std::vector<float>{1, 2, 4, 9}, 0.5), 3);
}

TEST(StatisticsTest, QuantileInterpolatesAtRankQTimesCountLessOne) {
  const std::vector<float> sample = {1, 2, 4, 8, 16};
  EXPECT_DOUBLE_EQ(stats::Quantile(sample, 0.25), 2);     // rank 1
  EXPECT_DOUBLE_EQ(stats::Quantile(sample, 0.375), 3);    // rank 1.5
  EXPECT_DOUBLE_EQ(stats::Quantile(sample, 0.9), 12.8);   // rank 3.6: 8 + 0.6 * 8
  EXPECT_DOUBLE_EQ(stats::Quantile(sample, 0.05), 1.2);   // rank 0.2
  EXPECT_DOUBLE_EQ(stats::Quantile(sample, 0.95), 14.4);  // rank 3.8
}

TEST(StatisticsTest, QuantileOfEqualValuesIsExactlyThatValue) {
  const std::vector<float> sample(1000, 0.1f);
  for (const double q : {0.05, 0.25, 0.5, 0.75, 0.95}) {
    EXPECT_EQ(stats::Quantile(sample, q), static_cast<double>(0.1f)) << q;
  }
}

TEST(StatisticsTest, QuantilesAscendWithinTheSample) {
  const std::vector<float> sample = {-2, -2, 0, 0.125, 0.25, 7, 7.5};
  double before = -2;
  for (int i = 0; i <= 1000; ++i) {
    const double value = stats::Quantile(sample, i / 1000.0);
    EXPECT_GE(value, before) << i;
    EXPECT_LE(value, 7.5) << i;
    before = value;
  }
}

}  // namespace
}  // namespace anneal
