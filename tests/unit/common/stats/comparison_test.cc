#include "common/stats/comparison.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "common/stats/statistics.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anneal {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

// Student's sleep data (Gosset 1908): the extra hours of ten patients with a drug; R's t.test gives
// [0.7001142, 2.4598858] for the differences.
TEST(MeanIntervalTest, IsStudentsForFewValues) {
  const auto interval =
      stats::MeanInterval({1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4}).value();
  EXPECT_NEAR(interval.low, 0.7001142, 5e-8);
  EXPECT_NEAR(interval.high, 2.4598858, 5e-8);
  EXPECT_EQ(interval.method, stats::Interval::Method::kT);
  EXPECT_FALSE(interval.degenerate);
}

// Of two values the quantile is tan(0.475 pi) = 12.706205.
TEST(MeanIntervalTest, OfTwoValuesIsWide) {
  const auto interval = stats::MeanInterval({1.0, 3.0}).value();
  EXPECT_NEAR(interval.low, 2 - 12.706205, 1e-6);
  EXPECT_NEAR(interval.high, 2 + 12.706205, 1e-6);
}

// The law school data: the 15 schools' LSAT scores (Efron and Tibshirani 1993, table 3.1). SciPy's
// bootstrap(method="BCa") gives [581.4, 622.33] from 10^6 resamples.
TEST(MeanIntervalTest, IsTheBcaBootstrapFromFifteenValuesOn) {
  const std::vector<double> lsat = {576, 635, 558, 578, 666, 580, 555, 661,
                                    651, 605, 653, 575, 545, 572, 594};
  const auto interval = stats::MeanInterval(lsat).value();
  EXPECT_NEAR(interval.low, 581.4, 1);  // the Monte Carlo error is 0.3
  EXPECT_NEAR(interval.high, 622.33, 1);
  EXPECT_EQ(interval.method, stats::Interval::Method::kBca);
  EXPECT_EQ(stats::MeanInterval(lsat)->low, interval.low) << "the generator is local";
}

TEST(MeanIntervalTest, IsDegenerateForEqualValues) {
  for (const size_t n : {2, 14, 15, 40}) {
    const auto interval = stats::MeanInterval(std::vector<double>(n, 0.1)).value();
    EXPECT_EQ(interval.low, 0.1);
    EXPECT_EQ(interval.high, 0.1);
    EXPECT_TRUE(interval.degenerate);
  }
  EXPECT_FALSE(stats::MeanInterval({0.1, 0.2}).value().degenerate);
}

// Accuracies of 10,000 images that differ by one image: the differences are rounded.
TEST(MeanIntervalTest, IsDegenerateForValuesThatDifferByRounding) {
  std::vector<double> differences;
  for (int images = 9'000; images < 9'040; ++images) {
    differences.push_back((images + 1) / 1e4 - images / 1e4);
  }
  const auto [least, most] = std::minmax_element(differences.begin(), differences.end());
  ASSERT_LT(*least, *most);
  const auto interval = stats::MeanInterval(differences).value();
  EXPECT_TRUE(interval.degenerate);
  EXPECT_EQ(interval.low, interval.high);
  EXPECT_NEAR(interval.low, 1e-4, 1e-12);
  EXPECT_EQ(stats::EffectSize(differences), std::nullopt);
}

TEST(MeanIntervalTest, MovesAndScalesWithTheValues) {
  std::mt19937 random(3);
  std::exponential_distribution<double> exponential;
  for (const size_t n : {2, 14, 15, 20, 64, 65, 300}) {
    std::vector<double> values(n);
    for (double& value : values) value = exponential(random);
    std::vector<double> moved = values;
    for (double& value : moved) value = 10 + 4 * value;
    const auto interval = stats::MeanInterval(values).value();
    const auto of_moved = stats::MeanInterval(moved).value();
    EXPECT_NEAR(of_moved.low, 10 + 4 * interval.low, 1e-9) << n;
    EXPECT_NEAR(of_moved.high, 10 + 4 * interval.high, 1e-9) << n;
    EXPECT_LT(interval.low, stats::Mean(values)) << n;
    EXPECT_GT(interval.high, stats::Mean(values)) << n;
  }
}

// Of many values it is the normal distribution's.
TEST(MeanIntervalTest, NarrowsWithTheRootOfTheNumberOfValues) {
  std::vector<double> values(2'000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i);
  const auto interval = stats::MeanInterval(values).value();
  const double error = stats::StandardDeviation(values) / std::sqrt(2'000.0);
  EXPECT_NEAR((interval.high - interval.low) / error, 2 * 1.959964, 0.2);
  EXPECT_NEAR((interval.high + interval.low) / 2, stats::Mean(values), 0.1 * error);
}

TEST(MeanIntervalTest, NeedsTwoValues) {
  EXPECT_EQ(stats::MeanInterval({}), std::nullopt);
  EXPECT_EQ(stats::MeanInterval({1.0}), std::nullopt);
}

TEST(ProbabilityOfImprovementTest, IsTheShareOfPairsWithTiesHalf) {
  EXPECT_EQ(stats::ProbabilityOfImprovement({2.0, 3.0}, {1.0, 2.0}, true), 1);
  EXPECT_EQ(stats::ProbabilityOfImprovement({2.0, 3.0}, {1.0, 2.0}, false), 0);
  EXPECT_EQ(stats::ProbabilityOfImprovement({1.0, 5.0, 2.0, 0.0}, {1.0, 1.0, 1.0, 1.0}, true),
            2.5 / 4);
  const double worst = std::numeric_limits<double>::infinity();
  EXPECT_EQ(stats::ProbabilityOfImprovement({worst, worst, 1.0}, {1.0, worst, worst}, false), 0.5);
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

// Differences of accuracies of 60,000 images, whose sums tie but for rounding.
TEST(SignFlipPValueTest, CountsTiesDespiteRounding) {
  std::mt19937 random(7);
  for (int sample = 0; sample < 500; ++sample) {
    std::vector<double> differences;
    std::vector<double> images;
    for (int i = 0; i < 3 + sample % 10; ++i) {
      const auto baseline = static_cast<double>(58'000 + random() % 1'500);
      images.push_back(static_cast<double>(random() % 5) - 2);
      differences.push_back((baseline + images.back()) / 60'000 - baseline / 60'000);
    }
    EXPECT_DOUBLE_EQ(stats::SignFlipPValue(differences), stats::SignFlipPValue(images)) << sample;
  }
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

// Against the sum over all 2^n sign patterns.
TEST(SignFlipPValueTest, CountsAllSignPatternsOfUpTo24Differences) {
  std::mt19937 random(5);
  std::normal_distribution<double> normal(0.3, 1);
  for (size_t n = 1; n <= 14; ++n) {
    std::vector<double> differences(n);
    for (double& difference : differences) difference = normal(random);
    const double sum = stats::Mean(differences) * static_cast<double>(n);
    int as_far = 0;
    for (unsigned signs = 0; signs < (1U << n); ++signs) {
      double flipped = 0;
      for (size_t i = 0; i < n; ++i) {
        flipped += ((signs >> i) & 1U) != 0 ? differences[i] : -differences[i];
      }
      if (std::abs(flipped) >= std::abs(sum) - 1e-12) ++as_far;
    }
    EXPECT_DOUBLE_EQ(stats::SignFlipPValue(differences), as_far / std::exp2(n)) << n;
  }
  // All of one sign: two of 2^24 patterns.
  EXPECT_DOUBLE_EQ(stats::SignFlipPValue(std::vector<double>(24, 0.25)), std::exp2(-23));
  EXPECT_DOUBLE_EQ(stats::SmallestSignFlipPValue(24), std::exp2(-23));
  EXPECT_DOUBLE_EQ(stats::SignFlipPValue(std::vector<double>(60, 0.25)), 1.0 / 100'001);
  EXPECT_DOUBLE_EQ(stats::SmallestSignFlipPValue(60), 1.0 / 100'001);
  EXPECT_EQ(stats::SmallestSignFlipPValue(3), 0.25);
  EXPECT_EQ(stats::SmallestSignFlipPValue(0), 1);
}

TEST(EffectSizeTest, IsTheMeanInStandardDeviations) {
  EXPECT_DOUBLE_EQ(stats::EffectSize({1.0, 3.0}).value(), 2 / std::sqrt(2.0));
  EXPECT_EQ(stats::EffectSize({1.0}), std::nullopt);
  EXPECT_EQ(stats::EffectSize({0.1, 0.1, 0.1}), std::nullopt);
}

TEST(BinomialStandardErrorTest, IsThatOfAShare) {
  EXPECT_DOUBLE_EQ(stats::BinomialStandardError(0.5, 100), 0.05);
  EXPECT_EQ(stats::BinomialStandardError(1, 10), 0);
}

TEST(MedianTimeTest, IsWhenHalfHaveArrived) {
  const double never = std::numeric_limits<double>::infinity();
  EXPECT_EQ(stats::MedianTime({4, 2, 3}), 3);
  EXPECT_EQ(stats::MedianTime({4, 2, never, 3}), 3);
  EXPECT_EQ(stats::MedianTime({3, 4, never, never}), 4);
  EXPECT_EQ(stats::MedianTime({3, never, never}), std::nullopt);
  EXPECT_EQ(stats::MedianTime({never}), std::nullopt);
  EXPECT_EQ(stats::MedianTime({}), std::nullopt);
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
