#include "common/config/learning_rate.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>
#include <vector>

#include "anneal/v1/config.pb.h"
#include "common/config/validation.h"
#include "gtest/gtest.h"
#include "rapidcheck.h"
#include "rapidcheck/gtest.h"
#include "tests/unit/common/test_util.h"

namespace anneal {
namespace {

v1::OptimizerConfig Resolved(const std::string& text) {
  v1::TrainingConfig config;
  *config.mutable_optimizer() = FromText<v1::OptimizerConfig>(text);
  return config::ResolveConfig(config).optimizer();
}

// The factors in the first step of each epoch of a run with four steps an epoch.
std::vector<double> FactorsOf(const std::string& text, int epochs) {
  const v1::OptimizerConfig config = Resolved(text);
  std::vector<double> factors;
  for (int epoch = 0; epoch < epochs; ++epoch) {
    factors.push_back(config::LearningRateFactor(config, {.epochs = epochs, .steps_per_epoch = 4},
                                                 epoch, 4LL * epoch));
  }
  return factors;
}

void ExpectNear(const std::vector<double>& values, const std::vector<double>& expected) {
  ASSERT_EQ(values.size(), expected.size());
  for (size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], expected[i], 1e-15) << i;
}

int64_t Whole(int64_t low, int64_t high) { return *rc::gen::inRange<int64_t>(low, high + 1); }

double Real(double low, double high) {
  return low + (high - low) * static_cast<double>(Whole(0, 1'000'000)) / 1e6;
}

bool Coin() { return Whole(0, 1) == 1; }

struct Case {
  v1::OptimizerConfig config;
  config::RunLength length;
};

// Any schedule over two epochs or more; with a warm-up half of the time.
Case AnyCase() {
  Case any;
  any.length = {.epochs = Whole(2, 40), .steps_per_epoch = Whole(1, 8)};
  any.config = Resolved("");
  any.config.set_schedule(
      *rc::gen::element(v1::LEARNING_RATE_SCHEDULE_CONSTANT, v1::LEARNING_RATE_SCHEDULE_INVERSE,
                        v1::LEARNING_RATE_SCHEDULE_LINEAR, v1::LEARNING_RATE_SCHEDULE_COSINE,
                        v1::LEARNING_RATE_SCHEDULE_STEP));
  any.config.set_final_factor(Real(0, 1));
  any.config.set_step_epochs(static_cast<int32_t>(Whole(1, 12)));
  any.config.set_step_factor(Real(0.01, 1));
  if (Coin()) any.config.set_warmup_epochs(Real(0, static_cast<double>(any.length.epochs)));
  return any;
}

// LearningRateSchedule of config.proto over lr, in more digits than the code has.
long double ScheduleOf(const Case& any, int64_t epoch) {
  const long double last = any.config.final_factor();
  const long double p =
      static_cast<long double>(epoch) / static_cast<long double>(any.length.epochs - 1);
  long double factor = 1;
  switch (any.config.schedule()) {
    case v1::LEARNING_RATE_SCHEDULE_CONSTANT:
      return 1;
    case v1::LEARNING_RATE_SCHEDULE_INVERSE:
      return 1 / static_cast<long double>(epoch + 1);
    case v1::LEARNING_RATE_SCHEDULE_LINEAR:
      return 1 + (last - 1) * p;
    case v1::LEARNING_RATE_SCHEDULE_COSINE:
      return last + (1 - last) * (1 + std::cos(std::numbers::pi_v<long double> * p)) / 2;
    case v1::LEARNING_RATE_SCHEDULE_STEP:
      for (int64_t drop = 1; drop <= epoch / any.config.step_epochs(); ++drop) {
        factor *= any.config.step_factor();
      }
      return factor;
    default:
      ADD_FAILURE() << "no schedule: " << any.config.schedule();
      return 0;
  }
}

long double WarmupOf(const Case& any, int64_t step) {
  const int64_t steps =
      std::llround(any.config.warmup_epochs() * static_cast<double>(any.length.steps_per_epoch));
  if (step + 1 >= steps) return 1;
  return static_cast<long double>(step + 1) / static_cast<long double>(steps);
}

RC_GTEST_PROP(LearningRateTest, IsScheduleTimesWarmupAtEveryStep, ()) {
  const Case any = AnyCase();
  RC_LOG() << any.config.ShortDebugString() << " over " << any.length.epochs << " epochs of "
           << any.length.steps_per_epoch << " steps\n";
  for (int64_t step = 0; step < any.length.epochs * any.length.steps_per_epoch; ++step) {
    const int64_t epoch = step / any.length.steps_per_epoch;
    const double factor = config::LearningRateFactor(any.config, any.length, epoch, step);
    const auto expected = static_cast<double>(ScheduleOf(any, epoch) * WarmupOf(any, step));
    RC_LOG() << "step " << step << ": " << factor << " for " << expected << "\n";
    RC_ASSERT(std::abs(factor - expected) < 1e-14);
  }
}

RC_GTEST_PROP(LearningRateTest, IsAboveZeroAndAtMostOne, ()) {
  Case any = AnyCase();
  any.config.set_final_factor(std::pow(10.0, -static_cast<double>(Whole(0, 30))));
  RC_LOG() << any.config.ShortDebugString() << " over " << any.length.epochs << " epochs\n";
  for (int64_t step = 0; step < any.length.epochs * any.length.steps_per_epoch; ++step) {
    const int64_t epoch = step / any.length.steps_per_epoch;
    const double factor = config::LearningRateFactor(any.config, any.length, epoch, step);
    RC_ASSERT(factor > 0);
    RC_ASSERT(factor <= 1);
  }
}

RC_GTEST_PROP(LearningRateTest, IsConstantWithinAnEpochAfterTheWarmup, ()) {
  const Case any = AnyCase();
  const double warm = any.config.warmup_epochs() * static_cast<double>(any.length.steps_per_epoch);
  for (int64_t epoch = 0; epoch < any.length.epochs; ++epoch) {
    const int64_t first = epoch * any.length.steps_per_epoch;
    if (static_cast<double>(first) < warm) continue;
    const double factor = config::LearningRateFactor(any.config, any.length, epoch, first);
    for (int64_t i = 1; i < any.length.steps_per_epoch; ++i) {
      RC_ASSERT(config::LearningRateFactor(any.config, any.length, epoch, first + i) == factor);
    }
  }
}

TEST(LearningRateTest, ConstantIsOne) {
  EXPECT_EQ(FactorsOf("", 3), (std::vector<double>{1, 1, 1}));
}

TEST(LearningRateTest, InverseDividesByTheNumberOfTheEpoch) {
  ExpectNear(FactorsOf("schedule: LEARNING_RATE_SCHEDULE_INVERSE", 4), {1, 1.0 / 2, 1.0 / 3, 0.25});
}

TEST(LearningRateTest, LinearEndsAtTheFinalFactorInTheLastEpoch) {
  ExpectNear(FactorsOf("schedule: LEARNING_RATE_SCHEDULE_LINEAR final_factor: 0.2", 5),
             {1, 0.8, 0.6, 0.4, 0.2});
}

TEST(LearningRateTest, CosineEndsAtTheFinalFactorInTheLastEpoch) {
  ExpectNear(FactorsOf("schedule: LEARNING_RATE_SCHEDULE_COSINE final_factor: 0.2", 5),
             {1, 0.6 + 0.4 * std::sqrt(0.5), 0.6, 0.6 - 0.4 * std::sqrt(0.5), 0.2});
}

TEST(LearningRateTest, AFinalFactorOfZeroEndsAtZero) {
  EXPECT_EQ(FactorsOf("schedule: LEARNING_RATE_SCHEDULE_LINEAR final_factor: 0", 6).back(), 0);
  EXPECT_EQ(FactorsOf("schedule: LEARNING_RATE_SCHEDULE_COSINE final_factor: 0", 6).back(), 0);
}

TEST(LearningRateTest, ASmallFinalFactorIsNotRoundedAway) {
  for (const char* schedule : {"LINEAR", "COSINE"}) {
    const std::string text =
        std::string("final_factor: 1e-20 schedule: LEARNING_RATE_SCHEDULE_") + schedule;
    const double last = FactorsOf(text, 6).back();
    EXPECT_GT(last, 0) << schedule;
    EXPECT_NEAR(last, 1e-20, 1e-21) << schedule;
  }
}

TEST(LearningRateTest, StepMultipliesEveryStepEpochs) {
  ExpectNear(FactorsOf("schedule: LEARNING_RATE_SCHEDULE_STEP step_epochs: 2 step_factor: 0.5", 6),
             {1, 1, 0.5, 0.5, 0.25, 0.25});
}

TEST(LearningRateTest, AOneEpochRunHasARateForEverySchedule) {
  for (const char* schedule : {"CONSTANT", "INVERSE", "LINEAR", "COSINE", "STEP"}) {
    const auto factors = FactorsOf(std::string("schedule: LEARNING_RATE_SCHEDULE_") + schedule, 1);
    EXPECT_TRUE(std::isfinite(factors[0])) << schedule;
    EXPECT_GT(factors[0], 0) << schedule;
    EXPECT_LE(factors[0], 1) << schedule;
  }
}

TEST(LearningRateTest, WarmsUpStepByStep) {
  const v1::OptimizerConfig config = Resolved("warmup_epochs: 1.25");
  const config::RunLength length = {.epochs = 3, .steps_per_epoch = 4};  // W = 5
  for (int step = 0; step < 12; ++step) {
    EXPECT_DOUBLE_EQ(config::LearningRateFactor(config, length, step / 4, step),
                     std::min(1.0, (step + 1) / 5.0))
        << step;
  }
}

TEST(LearningRateTest, WarmupStepsAreRounded) {
  const config::RunLength length = {.epochs = 3, .steps_per_epoch = 10};
  // 0.26 * 10 rounds to 3, 0.24 * 10 to 2 and 0.04 * 10 to none.
  EXPECT_DOUBLE_EQ(config::LearningRateFactor(Resolved("warmup_epochs: 0.26"), length, 0, 0),
                   1.0 / 3);
  EXPECT_DOUBLE_EQ(config::LearningRateFactor(Resolved("warmup_epochs: 0.24"), length, 0, 0),
                   1.0 / 2);
  EXPECT_EQ(config::LearningRateFactor(Resolved("warmup_epochs: 0.04"), length, 0, 0), 1);
}

TEST(LearningRateTest, WarmupMultipliesTheSchedule) {
  const v1::OptimizerConfig config =
      Resolved("warmup_epochs: 2 schedule: LEARNING_RATE_SCHEDULE_INVERSE");
  const config::RunLength length = {.epochs = 3, .steps_per_epoch = 2};  // W = 4
  EXPECT_DOUBLE_EQ(config::LearningRateFactor(config, length, 0, 0), 0.25);
  EXPECT_DOUBLE_EQ(config::LearningRateFactor(config, length, 0, 1), 0.5);
  EXPECT_DOUBLE_EQ(config::LearningRateFactor(config, length, 1, 2), 0.75 / 2);
  EXPECT_DOUBLE_EQ(config::LearningRateFactor(config, length, 1, 3), 1.0 / 2);
  EXPECT_DOUBLE_EQ(config::LearningRateFactor(config, length, 2, 4), 1.0 / 3);
}

}  // namespace
}  // namespace anneal
