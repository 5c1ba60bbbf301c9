#include "common/activation.h"

#include <cmath>
#include <vector>

#include "gtest/gtest.h"

namespace anneal {
namespace {

const std::vector<double> kInputs = {-1e30, -7.25, -1, -1e-9, 0, 1e-9, 1, 7.25, 1e30};
const std::vector<double> kThetas = {0, 1e-12, 0.1, 0.3, 0.5, 0.7, 0.785, kThetaLinear};

TEST(ActivationTest, LinearThetaIsAQuarterOfPi) {
  EXPECT_EQ(kThetaLinear, std::acos(-1.0) / 4);
  EXPECT_EQ(kThetaRelu, 0.0);
}

TEST(ActivationTest, SlopeIsExactlyOneAtTheLinearEndAndZeroAtRelu) {
  EXPECT_EQ(Slope(kThetaLinear), 1.0);
  EXPECT_EQ(Slope(kThetaRelu), 0.0);
}

TEST(ActivationTest, SlopeIsTheTangent) {
  for (const double theta : kThetas) {
    EXPECT_DOUBLE_EQ(Slope(theta), std::sin(theta) / std::cos(theta)) << theta;
  }
}

TEST(ActivationTest, SlopeNeverExceedsOne) {
  EXPECT_LE(Slope(std::nextafter(kThetaLinear, 0)), 1.0);
  EXPECT_GT(Slope(std::nextafter(kThetaLinear, 0)), 0.999999);
}

TEST(ActivationTest, SlopeDerivativeIsTheSquaredSecant) {
  for (const double theta : kThetas) {
    EXPECT_NEAR(SlopeDerivative(theta), 1 / (std::cos(theta) * std::cos(theta)), 1e-14) << theta;
  }
  EXPECT_EQ(SlopeDerivative(kThetaLinear), 2.0);
  EXPECT_EQ(SlopeDerivative(kThetaRelu), 1.0);
}

TEST(ActivationTest, SlopeDerivativeIsTheLimitOfDifferences) {
  const double step = 1e-6;
  for (const double theta : {0.1, 0.3, 0.5, 0.7}) {
    const double difference = (Slope(theta + step) - Slope(theta - step)) / (2 * step);
    EXPECT_NEAR(SlopeDerivative(theta), difference, 1e-8) << theta;
  }
}

TEST(ActivationTest, IsExactlyTheIdentityAtTheLinearEnd) {
  for (const double x : kInputs) EXPECT_EQ(Activate(x, kThetaLinear), x);
}

TEST(ActivationTest, IsExactlyReluAtZero) {
  for (const double x : kInputs) EXPECT_EQ(Activate(x, kThetaRelu), x > 0 ? x : 0) << x;
}

TEST(ActivationTest, KeepsPositiveInputsAndBendsNegativeOnes) {
  for (const double theta : kThetas) {
    for (const double x : kInputs) {
      const double expected = x >= 0 ? x : x * std::tan(theta);
      EXPECT_NEAR(Activate(x, theta), expected, std::abs(x) * 1e-15) << x << " at " << theta;
    }
  }
}

TEST(ActivationTest, IsMonotoneInItsInput) {
  for (const double theta : kThetas) {
    for (size_t i = 1; i < kInputs.size(); ++i) {
      EXPECT_LE(Activate(kInputs[i - 1], theta), Activate(kInputs[i], theta)) << theta;
    }
  }
}

TEST(ActivationTest, InitialisationGainRunsFromRootTwoToOne) {
  EXPECT_EQ(InitialisationGain(kThetaLinear), 1.0);
  EXPECT_DOUBLE_EQ(InitialisationGain(kThetaRelu), std::sqrt(2.0));
}

TEST(ActivationTest, InitialisationGainKeepsTheSecondMoment) {
  // For h ~ N(0, 1), half of E[a(h)^2] comes from h > 0 and alpha^2 times that from h < 0, so
  // gain^2 (1 + alpha^2) / 2 must be 1.
  for (const double theta : kThetas) {
    const double gain = InitialisationGain(theta);
    const double alpha = std::tan(theta);
    EXPECT_NEAR(gain * gain * (1 + alpha * alpha) / 2, 1, 1e-14) << theta;
  }
}

}  // namespace
}  // namespace anneal
