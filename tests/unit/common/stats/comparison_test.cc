#include "common/stats/comparison.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/stats/statistics.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anneal {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

// The law school data: the 15 schools' LSAT scores and GPAs (Efron and Tibshirani 1993, table 3.1).
// Their mean has a closed-form bootstrap distribution: the central limit theorem puts the
// percentile interval at mean -+ 1.96 s sqrt((n - 1) / n) / sqrt(n).
TEST(BootstrapIntervalTest, AgreesWithTheNormalTheoryOfAMean) {
  const std::vector<double> lsat = {576, 635, 558, 578, 666, 580, 555, 661,
                                    651, 605, 653, 575, 545, 572, 594};
  const double n = static_cast<double>(lsat.size());
  const double error = stats::StandardDeviation(lsat) * std::sqrt((n - 1) / n) / std::sqrt(n);
  const stats::Interval interval = stats::BootstrapInterval(lsat);
  EXPECT_NEAR(interval.low, stats::Mean(lsat) - 1.96 * error, 0.1 * error);
  EXPECT_NEAR(interval.high, stats::Mean(lsat) + 1.96 * error, 0.1 * error);
}

TEST(BootstrapIntervalTest, IsAPointForEqualValues) {
  for (const std::vector<double>& equal : {std::vector<double>{0.5}, {0.5, 0.5, 0.5}}) {
    EXPECT_EQ(stats::BootstrapInterval(equal).low, 0.5);
    EXPECT_EQ(stats::BootstrapInterval(equal).high, 0.5);
  }
}

// Of two values a < b the mean of a resample is a, (a+b)/2 or b with chances 1/4, 1/2, 1/4.
TEST(BootstrapIntervalTest, SpansBothOfTwoValues) {
  const stats::Interval interval = stats::BootstrapInterval({1.0, 3.0});
  EXPECT_EQ(interval.low, 1);
  EXPECT_EQ(interval.high, 3);
}

TEST(BootstrapIntervalTest, IsDeterministic) {
  const std::vector<double> some = {0.1, -0.4, 0.7, 0.2};
  EXPECT_EQ(stats::BootstrapInterval(some).low, stats::BootstrapInterval(some).low);
  EXPECT_EQ(stats::BootstrapInterval(some).high, stats::BootstrapInterval(some).high);
}

TEST(ProbabilityOfImprovementTest, IsTheShareOfPairsWithTiesHalf) {
  EXPECT_EQ(stats::ProbabilityOfImprovement({2.0, 3.0}, {1.0}, true), 1);
  EXPECT_EQ(stats::ProbabilityOfImprovement({2.0, 3.0}, {1.0}, false), 0);
  EXPECT_EQ(stats::ProbabilityOfImprovement({1.0}, {1.0}, true), 0.5);
  // Pairs of (1,4,6) and (2,4): 4>2, 6>2, 6>4 and a tie of four.
  EXPECT_DOUBLE_EQ(stats::ProbabilityOfImprovement({1.0, 4.0, 6.0}, {2.0, 4.0}, true), 3.5 / 6);
  EXPECT_DOUBLE_EQ(stats::ProbabilityOfImprovement({1.0, 4.0, 6.0}, {2.0, 4.0}, false), 2.5 / 6);
}

// Darwin's maize, crossed less self-fertilised, in eighths of an inch: Fisher (The Design of
// Experiments, 1935, section 21) finds that 1,726 of the 2^15 sums are at least as far from 0.
TEST(SignFlipPValueTest, AgreesWithFisherOnDarwinsMaize) {
  const std::vector<double> differences = {49, -67, 8,  16, 6,  23, 28, 41,
                                           14, 29,  56, 24, 75, 60, -48};
  EXPECT_DOUBLE_EQ(stats::SignFlipPValue(differences), 1726.0 / 32768);
}

TEST(SignFlipPValueTest, IsAtLeastTwoInAllSignPatterns) {
  EXPECT_EQ(stats::SignFlipPValue({3.0}), 1);
  EXPECT_EQ(stats::SignFlipPValue({1.0, 2.0, 3.0}), 0.25);
  EXPECT_EQ(stats::SignFlipPValue({0.1, 0.2, 0.3}), 0.25);  // despite rounding
  EXPECT_EQ(stats::SignFlipPValue({1.0, -1.0}), 1);
  EXPECT_EQ(stats::SignFlipPValue({0.0, 0.0}), 1);
}

// With values of +1 and -1, the number of positive signs is binomial.
TEST(SignFlipPValueTest, SamplesSignPatternsOfLargeSamples) {
  std::vector<double> ones(25, 1);
  for (int i = 0; i < 8; ++i) ones[static_cast<size_t>(i)] = -1;
  // Sum 9: at most 8 or at least 17 heads of 25; the binomial tail is 0.0538760.
  EXPECT_NEAR(stats::SignFlipPValue(ones), 2 * 0.0538760, 0.004);
}

// The example of R's documentation of p.adjust's method, worked by hand: sorted p times 4, 3, 2, 1.
TEST(HolmCorrectionTest, MultipliesByTheRemainingCountAndIsMonotone) {
  EXPECT_THAT(stats::HolmCorrection({0.01, 0.04, 0.03, 0.005}),
              ElementsAre(DoubleNear(0.03, 1e-15), DoubleNear(0.06, 1e-15), DoubleNear(0.06, 1e-15),
                          DoubleNear(0.02, 1e-15)));
  EXPECT_THAT(stats::HolmCorrection({0.5, 0.9}), ElementsAre(1, 1));
  EXPECT_THAT(stats::HolmCorrection({0.2}), ElementsAre(0.2));
  EXPECT_TRUE(stats::HolmCorrection({}).empty());
}

std::vector<stats::TimeToEvent> Observations(const std::vector<double>& reached,
                                             const std::vector<double>& censored) {
  std::vector<stats::TimeToEvent> observations;
  for (const double time : reached) observations.push_back({.time = time, .reached = true});
  for (const double time : censored) observations.push_back({.time = time, .reached = false});
  return observations;
}

// Remissions of leukaemia in weeks (Gehan 1965; Freireich et al. 1963), with the well-known
// Kaplan-Meier medians 23 with 6-mercaptopurine, 8 with placebo.
TEST(MedianTimeToEventTest, AgreesWithTheRemissionsOfLeukaemia) {
  EXPECT_EQ(stats::MedianTimeToEvent(Observations({6, 6, 6, 7, 10, 13, 16, 22, 23},
                                                  {6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35})),
            23);
  EXPECT_EQ(stats::MedianTimeToEvent(Observations(
                {1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23}, {})),
            8);
}

TEST(MedianTimeToEventTest, IsNulloptIfMostAreCensored) {
  EXPECT_EQ(stats::MedianTimeToEvent(Observations({3}, {10, 10})), std::nullopt);
  EXPECT_EQ(stats::MedianTimeToEvent(Observations({}, {10})), std::nullopt);
  EXPECT_EQ(stats::MedianTimeToEvent({}), std::nullopt);
  EXPECT_EQ(stats::MedianTimeToEvent(Observations({3, 4}, {10, 10})), 4);
  EXPECT_EQ(stats::MedianTimeToEvent(Observations({7}, {})), 7);
}

TEST(LogLossAreaTest, IsTheMeanHeightOfTheTrapezoids) {
  EXPECT_DOUBLE_EQ(stats::LogLossArea({std::exp(2.0)}), 2);
  EXPECT_DOUBLE_EQ(stats::LogLossArea({1.0, 1.0, 1.0}), 0);
  // ln: 0, -2, -2; trapezoids -1 and -2.
  EXPECT_NEAR(stats::LogLossArea({1.0, std::exp(-2.0), std::exp(-2.0)}), -1.5, 1e-15);
  EXPECT_NEAR(stats::LogLossArea({0.0, 0.0}), std::log(1e-12), 1e-12);
}

}  // namespace
}  // namespace anneal
