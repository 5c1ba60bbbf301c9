#include "server/training/probe.h"

#include <cmath>
#include <vector>

#include "gtest/gtest.h"

namespace anneal::training {
namespace {

// Samples a function at nine equidistant points of [-1, 1].
template <typename Function>
std::vector<double> Sampled(Function f) {
  std::vector<double> values;
  for (int i = -4; i <= 4; ++i) values.push_back(f(i / 4.0));
  return values;
}

TEST(ConvexityViolationsTest, AreZeroOnConvexSequences) {
  EXPECT_EQ(ConvexityViolations(Sampled([](double x) { return x * x; })), 0);
  EXPECT_EQ(ConvexityViolations(Sampled([](double x) { return std::exp(-3 * x); })), 0);
  EXPECT_EQ(ConvexityViolations(Sampled([](double x) { return std::abs(x - 0.25); })), 0);
}

TEST(ConvexityViolationsTest, AreOneOnStrictlyConcaveSequences) {
  EXPECT_EQ(ConvexityViolations(Sampled([](double x) { return 2 - x * x; })), 1);
  EXPECT_EQ(ConvexityViolations(Sampled([](double x) { return std::log(2 + x); })), 1);
}

TEST(ConvexityViolationsTest, AreZeroOnLinearSequencesDespiteRounding) {
  EXPECT_EQ(ConvexityViolations(Sampled([](double x) { return 0.1 + x / 3; })), 0);
  EXPECT_EQ(ConvexityViolations(Sampled([](double) { return 2.3; })), 0);
  // Rounding as of float32 losses.
  EXPECT_EQ(ConvexityViolations(Sampled([](double x) { return double{0.7f + float(x) / 7}; })), 0);
}

TEST(ConvexityViolationsTest, CountPairsWithAMidpoint) {
  // Three points: one pair.
  EXPECT_EQ(ConvexityViolations({0, 1, 0}), 1);
  EXPECT_EQ(ConvexityViolations({1, 0, 1}), 0);
  // Five points: (0,2), (1,3), (2,4) and (0,4), with middles 1, 2, 3 and 2. A bump at 1 lies above
  // (0,2), and nothing else lies above its pair.
  EXPECT_EQ(ConvexityViolations({0, 1, 0, 0, 0}), 0.25);
  // A bump at 2 lies above (1,3) and (0,4).
  EXPECT_EQ(ConvexityViolations({0, 0, 1, 0, 0}), 0.5);
}

TEST(ConvexityViolationsTest, IgnoreExcessesBelowAMillionthOfTheLoss) {
  EXPECT_EQ(ConvexityViolations({1, 1 + 5e-7, 1}), 0);
  EXPECT_EQ(ConvexityViolations({1, 1 + 2e-6, 1}), 1);
  EXPECT_EQ(ConvexityViolations({1000, 1000 + 5e-4, 1000}), 0);
}

}  // namespace
}  // namespace anneal::training
