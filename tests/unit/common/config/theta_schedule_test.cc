#include "common/config/theta_schedule.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <optional>
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

constexpr double kQuarterPi = 0.78539816339744830962;

// A resolved scheduled theta.
v1::ThetaConfig Scheduled(const std::string& text) {
  v1::TrainingConfig config;
  *config.mutable_theta() = FromText<v1::ThetaConfig>(text);
  config.mutable_theta()->set_policy(v1::THETA_POLICY_SCHEDULED);
  return config::ResolveConfig(config).theta();
}

// The values at the start of each epoch of a run with one step an epoch.
std::vector<double> ValuesOf(const std::string& text, int epochs) {
  const config::ThetaSchedule schedule(Scheduled(text), {.epochs = epochs, .steps_per_epoch = 1});
  std::vector<double> values;
  for (int epoch = 0; epoch < epochs; ++epoch) values.push_back(schedule.Value(epoch, epoch));
  return values;
}

void ExpectNear(const std::vector<double>& values, const std::vector<double>& expected) {
  ASSERT_EQ(values.size(), expected.size());
  for (size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], expected[i], 1e-15) << i;
}

// The values of random configs.

int64_t Whole(int64_t low, int64_t high) { return *rc::gen::inRange<int64_t>(low, high + 1); }

double Real(double low, double high) {
  return low + (high - low) * static_cast<double>(Whole(0, 1'000'000)) / 1e6;
}

bool Coin() { return Whole(0, 1) == 1; }

double Angle() { return Coin() ? Real(0, kQuarterPi) : Coin() ? 0 : kQuarterPi; }

struct Case {
  v1::ThetaConfig config;
  config::RunLength length;

  bool by_step() const { return config.unit() == v1::SCHEDULE_UNIT_STEP; }
  int64_t units() const {
    return by_step() ? length.epochs * length.steps_per_epoch : length.epochs;
  }
  int64_t Done(int64_t epoch, int64_t step) const { return by_step() ? step : epoch; }
};

// A run of at least two units, and a schedule with random ends and parameters but no hold or span.
Case AnyCase(v1::ThetaSchedule schedule) {
  Case any;
  any.length = {.epochs = Whole(2, 40), .steps_per_epoch = Whole(1, 8)};
  any.config = Scheduled("");
  any.config.set_schedule(schedule);
  any.config.set_unit(Coin() ? v1::SCHEDULE_UNIT_EPOCH : v1::SCHEDULE_UNIT_STEP);
  any.config.set_start(Angle());
  any.config.set_end(Angle());
  any.config.set_power(Real(0.01, 100));
  any.config.set_rate(Real(0.01, 100));
  any.config.set_steps(static_cast<int32_t>(Whole(1, 60)));
  return any;
}

// A schedule that follows a path, with hold and span that fit the run or unset.
Case AnyPath() {
  Case any = AnyCase(*rc::gen::element(v1::THETA_SCHEDULE_LINEAR, v1::THETA_SCHEDULE_COSINE,
                                       v1::THETA_SCHEDULE_SQRT, v1::THETA_SCHEDULE_POWER,
                                       v1::THETA_SCHEDULE_EXPONENTIAL, v1::THETA_SCHEDULE_STEP));
  if (Coin()) any.config.set_hold(Whole(0, any.units() - 2));
  if (Coin()) any.config.set_span(Whole(1, any.units() - 1 - any.config.hold()));
  return any;
}

// f of config.proto at p = done / span, in more digits than the code has. STEP counts its drops in
// whole numbers.
long double PathShare(const v1::ThetaConfig& config, int64_t done, int64_t span) {
  const long double p = static_cast<long double>(done) / static_cast<long double>(span);
  const long double rate = config.rate();
  switch (config.schedule()) {
    case v1::THETA_SCHEDULE_LINEAR:
      return p;
    case v1::THETA_SCHEDULE_COSINE:
      return (1 - std::cos(std::numbers::pi_v<long double> * p)) / 2;
    case v1::THETA_SCHEDULE_SQRT:
      return std::sqrt(p);
    case v1::THETA_SCHEDULE_POWER:
      return std::pow(p, static_cast<long double>(config.power()));
    case v1::THETA_SCHEDULE_EXPONENTIAL:
      return (1 - std::exp(-rate * p)) / (1 - std::exp(-rate));
    case v1::THETA_SCHEDULE_STEP:
      return static_cast<long double>(config.steps() * done / span) / config.steps();
    default:
      ADD_FAILURE() << "not a path: " << config.schedule();
      return 0;
  }
}

double ExpectedOnPath(const Case& any, int64_t done) {
  const int64_t hold = any.config.has_hold() ? any.config.hold() : 0;
  // Unset: the last unit of the run is the first at `end`.
  const int64_t span = any.config.has_span() ? any.config.span() : any.units() - 1 - hold;
  const int64_t on_path = std::clamp<int64_t>(done - hold, 0, span);
  if (on_path == span) return any.config.end();
  const long double start = any.config.start();
  return static_cast<double>(start +
                             (any.config.end() - start) * PathShare(any.config, on_path, span));
}

RC_GTEST_PROP(ThetaScheduleTest, FollowsItsFormulaAtEveryStep, ()) {
  const Case any = AnyPath();
  RC_LOG() << any.config.ShortDebugString() << " over " << any.units() << " units\n";
  const config::ThetaSchedule schedule(any.config, any.length);
  for (int64_t step = 0; step < any.length.epochs * any.length.steps_per_epoch; ++step) {
    const int64_t epoch = step / any.length.steps_per_epoch;
    const double value = schedule.Value(epoch, step);
    const double expected = ExpectedOnPath(any, any.Done(epoch, step));
    RC_LOG() << "epoch " << epoch << ", step " << step << ": " << value << " for " << expected
             << "\n";
    RC_ASSERT(std::abs(value - expected) < 1e-12);
  }
}

RC_GTEST_PROP(ThetaScheduleTest, ReachesTheEndExactlyAndStays, ()) {
  const Case any = AnyPath();
  RC_LOG() << any.config.ShortDebugString() << " over " << any.units() << " units\n";
  const config::ThetaSchedule schedule(any.config, any.length);
  const int64_t hold = any.config.has_hold() ? any.config.hold() : 0;
  const int64_t first_at_end = any.config.has_span() ? hold + any.config.span() : any.units() - 1;
  for (int64_t step = 0; step < any.length.epochs * any.length.steps_per_epoch; ++step) {
    const int64_t epoch = step / any.length.steps_per_epoch;
    const int64_t done = any.Done(epoch, step);
    if (done <= hold) RC_ASSERT(schedule.Value(epoch, step) == any.config.start());
    if (done >= first_at_end) RC_ASSERT(schedule.Value(epoch, step) == any.config.end());
  }
  const int64_t last_epoch = any.length.epochs - 1;
  const int64_t last_step = any.length.epochs * any.length.steps_per_epoch - 1;
  RC_ASSERT(schedule.Value(last_epoch, last_step) == any.config.end());
}

RC_GTEST_PROP(ThetaScheduleTest, LinearIsExactlyAtItsEndsInTheFirstAndLastEpoch, ()) {
  Case any = AnyCase(v1::THETA_SCHEDULE_LINEAR);
  any.config.set_unit(v1::SCHEDULE_UNIT_EPOCH);
  RC_LOG() << any.config.ShortDebugString() << " over " << any.length.epochs << " epochs\n";
  const config::ThetaSchedule schedule(any.config, any.length);
  const int64_t steps = any.length.steps_per_epoch;
  const int64_t last = any.length.epochs - 1;
  for (int64_t i = 0; i < steps; ++i) {
    RC_ASSERT(schedule.Value(0, i) == any.config.start());
    RC_ASSERT(schedule.Value(last, last * steps + i) == any.config.end());
  }
}

RC_GTEST_PROP(ThetaScheduleTest, MovesMonotonicallyFromStartToEnd, ()) {
  const Case any = AnyPath();
  RC_LOG() << any.config.ShortDebugString() << " over " << any.units() << " units\n";
  const config::ThetaSchedule schedule(any.config, any.length);
  const double direction = any.config.end() >= any.config.start() ? 1 : -1;
  double before = any.config.start();
  for (int64_t step = 0; step < any.length.epochs * any.length.steps_per_epoch; ++step) {
    const double value = schedule.Value(step / any.length.steps_per_epoch, step);
    RC_ASSERT(direction * (value - before) >= -1e-15);
    before = value;
  }
}

RC_GTEST_PROP(ThetaScheduleTest, JumpIsStartUntilHoldAndEndFromThenOn, ()) {
  Case any = AnyCase(v1::THETA_SCHEDULE_JUMP);
  if (Coin()) any.config.set_hold(Whole(0, any.units()));
  RC_LOG() << any.config.ShortDebugString() << " over " << any.units() << " units\n";
  const int64_t hold = any.config.has_hold() ? any.config.hold() : any.units() / 2;
  const config::ThetaSchedule schedule(any.config, any.length);
  for (int64_t step = 0; step < any.length.epochs * any.length.steps_per_epoch; ++step) {
    const int64_t epoch = step / any.length.steps_per_epoch;
    const double expected = any.Done(epoch, step) < hold ? any.config.start() : any.config.end();
    RC_ASSERT(schedule.Value(epoch, step) == expected);
  }
}

RC_GTEST_PROP(ThetaScheduleTest, ConstantStaysAtStart, ()) {
  const Case any = AnyCase(v1::THETA_SCHEDULE_CONSTANT);
  config::ThetaSchedule schedule(any.config, any.length);
  for (int64_t step = 0; step < any.length.epochs * any.length.steps_per_epoch; ++step) {
    const int64_t epoch = step / any.length.steps_per_epoch;
    RC_ASSERT(schedule.Value(epoch, step) == any.config.start());
    schedule.ObserveEpoch(1);
    RC_ASSERT(schedule.Value(epoch, step) == any.config.start());
  }
}

RC_GTEST_PROP(ThetaScheduleTest, OtherPoliciesStayAtStartForEverySchedule, ()) {
  Case any = AnyCase(*rc::gen::element(v1::THETA_SCHEDULE_LINEAR, v1::THETA_SCHEDULE_JUMP,
                                       v1::THETA_SCHEDULE_PLATEAU));
  any.config.set_policy(Coin() ? v1::THETA_POLICY_FIXED : v1::THETA_POLICY_TRAINABLE);
  config::ThetaSchedule schedule(any.config, any.length);
  for (int64_t step = 0; step < any.length.epochs * any.length.steps_per_epoch; ++step) {
    const int64_t epoch = step / any.length.steps_per_epoch;
    RC_ASSERT(schedule.Value(epoch, step) == any.config.start());
    schedule.ObserveEpoch(1);
  }
}

RC_GTEST_PROP(ThetaScheduleTest, OnlyPlateauDependsOnTheLoss, ()) {
  const Case any = AnyPath();
  const config::ThetaSchedule alone(any.config, any.length);
  config::ThetaSchedule told(any.config, any.length);
  for (int64_t epoch = 0; epoch < any.length.epochs; ++epoch) {
    for (int64_t i = 0; i < any.length.steps_per_epoch; ++i) {
      const int64_t step = epoch * any.length.steps_per_epoch + i;
      RC_ASSERT(told.Value(epoch, step) == alone.Value(epoch, step));
    }
    told.ObserveEpoch(Real(0, 3));
  }
}

// A literal implementation of PlateauConfig. Returns theta for each epoch and the one after, for a
// run with these `losses` and no hold.
std::vector<double> SimulatePlateau(const v1::ThetaConfig& config,
                                    const std::vector<double>& losses) {
  const v1::PlateauConfig& plateau = config.plateau();
  double mark = std::numeric_limits<double>::infinity();  // the loss that improved last
  int without_improvement = 0;
  int moves = 0;
  std::vector<double> thetas;
  const auto theta = [&config, &plateau, &moves] {
    const double share = moves * plateau.notch();
    return share >= 1 ? config.end() : config.start() + (config.end() - config.start()) * share;
  };
  for (const double loss : losses) {
    thetas.push_back(theta());
    const bool improves = loss < (1 - plateau.tolerance()) * mark;
    if (improves) mark = loss;
    without_improvement = improves ? 0 : without_improvement + 1;
    if (without_improvement == plateau.patience()) {
      ++moves;
      mark = std::numeric_limits<double>::infinity();
      without_improvement = 0;
    }
  }
  thetas.push_back(theta());
  return thetas;
}

// `count` losses that fall, stay and rise, with many ties.
std::vector<double> AnyLosses(int64_t count) {
  std::vector<double> losses;
  double loss = 4;
  for (int64_t i = 0; i < count; ++i) {
    loss = std::max(0.0, loss * (1 + 0.01 * static_cast<double>(Whole(-12, 4))));
    losses.push_back(Coin() && i > 0 ? losses.back() : loss);
  }
  return losses;
}

Case AnyPlateau() {
  Case any = AnyCase(v1::THETA_SCHEDULE_PLATEAU);
  any.config.set_unit(v1::SCHEDULE_UNIT_EPOCH);
  any.config.mutable_plateau()->set_notch(Coin() ? Real(0.001, 1) : 0.1);
  any.config.mutable_plateau()->set_tolerance(Coin() ? Real(0, 0.999) : 0.05);
  return any;
}

void FollowsTheSimulator(const Case& any, const std::vector<double>& losses) {
  RC_LOG() << any.config.ShortDebugString() << "\n";
  config::ThetaSchedule schedule(any.config, any.length);
  const std::vector<double> expected = SimulatePlateau(any.config, losses);
  for (int64_t epoch = 0; epoch < any.length.epochs; ++epoch) {
    RC_LOG() << "epoch " << epoch << " of loss " << losses[epoch] << "\n";
    for (int64_t i = 0; i < any.length.steps_per_epoch; ++i) {
      const double value = schedule.Value(epoch, epoch * any.length.steps_per_epoch + i);
      RC_ASSERT(std::abs(value - expected[epoch]) < 1e-12);
    }
    schedule.ObserveEpoch(losses[epoch]);
  }
}

RC_GTEST_PROP(ThetaScheduleTest, PlateauOfPatienceOneFollowsASimulator, ()) {
  Case any = AnyPlateau();
  any.config.mutable_plateau()->set_patience(1);
  FollowsTheSimulator(any, AnyLosses(any.length.epochs));
}

RC_GTEST_PROP(ThetaScheduleTest, PlateauOfAnyPatienceFollowsASimulator, ()) {
  Case any = AnyPlateau();
  any.config.mutable_plateau()->set_patience(static_cast<int32_t>(Whole(1, 6)));
  FollowsTheSimulator(any, AnyLosses(any.length.epochs));
}

RC_GTEST_PROP(ThetaScheduleTest, PlateauDoesNotMoveWhileItHolds, ()) {
  Case any = AnyPlateau();
  any.config.mutable_plateau()->set_patience(1);
  const int64_t hold = Whole(1, any.length.epochs - 1);
  any.config.set_hold(hold);
  RC_LOG() << any.config.ShortDebugString() << "\n";
  // The losses of the held epochs would move theta at once; whether or not they count as the best
  // so far, the first one after them is an improvement.
  const std::vector<double> losses = AnyLosses(any.length.epochs - hold);
  const std::vector<double> expected = SimulatePlateau(any.config, losses);
  config::ThetaSchedule schedule(any.config, any.length);
  for (int64_t epoch = 0; epoch < any.length.epochs; ++epoch) {
    const double value = schedule.Value(epoch, epoch * any.length.steps_per_epoch);
    if (epoch <= hold) RC_ASSERT(value == any.config.start());
    if (epoch >= hold) RC_ASSERT(std::abs(value - expected[epoch - hold]) < 1e-12);
    schedule.ObserveEpoch(epoch < hold ? 1e9 : losses[epoch - hold]);
  }
}

TEST(ThetaScheduleTest, IsExactlyAtTheEndInTheLastEpoch) {
  for (const char* name : {"LINEAR", "COSINE", "SQRT", "POWER", "EXPONENTIAL", "STEP"}) {
    for (const char* ends : {"", "start: 0.1 end: 0.7", "start: 0.3 end: 0.1"}) {
      const v1::ThetaConfig config =
          Scheduled(std::string("schedule: THETA_SCHEDULE_") + name + " " + ends);
      const config::ThetaSchedule schedule(config, {.epochs = 7, .steps_per_epoch = 3});
      EXPECT_EQ(schedule.Value(0, 0), config.start()) << name << ends;
      EXPECT_EQ(schedule.Value(6, 18), config.end()) << name << ends;
      EXPECT_EQ(schedule.Value(6, 20), config.end()) << name << ends;
    }
  }
}

TEST(ThetaScheduleTest, LinearMovesInEqualParts) {
  const double q = kQuarterPi / 4;
  ExpectNear(ValuesOf("", 5), {4 * q, 3 * q, 2 * q, q, 0});
}

TEST(ThetaScheduleTest, HoldAndSpanPlaceThePath) {
  // Two units at `start` before the path, and `end` three units after the last of them.
  ExpectNear(ValuesOf("start: 0.6 end: 0.3 hold: 2 span: 3", 8),
             {0.6, 0.6, 0.6, 0.5, 0.4, 0.3, 0.3, 0.3});
}

TEST(ThetaScheduleTest, MayRunUpwards) {
  ExpectNear(ValuesOf("start: 0 end: 0.4", 5), {0, 0.1, 0.2, 0.3, 0.4});
}

TEST(ThetaScheduleTest, CosineIsHalfWayInTheMiddle) {
  const double early = 0.5 * (1 + std::sqrt(0.5)) / 2;
  const double late = 0.5 * (1 - std::sqrt(0.5)) / 2;
  ExpectNear(ValuesOf("schedule: THETA_SCHEDULE_COSINE start: 0.5", 5),
             {0.5, early, 0.25, late, 0});
}

TEST(ThetaScheduleTest, SqrtMovesFastFirst) {
  ExpectNear(ValuesOf("schedule: THETA_SCHEDULE_SQRT start: 0.5", 5),
             {0.5, 0.25, 0.5 - 0.5 * std::sqrt(0.5), 0.5 - 0.5 * std::sqrt(0.75), 0});
}

TEST(ThetaScheduleTest, PowerMovesSlowlyFirst) {
  ExpectNear(ValuesOf("schedule: THETA_SCHEDULE_POWER start: 0.5 power: 3", 3), {0.5, 0.4375, 0});
}

TEST(ThetaScheduleTest, StepDropsInEqualParts) {
  ExpectNear(ValuesOf("schedule: THETA_SCHEDULE_STEP start: 0.6 steps: 2", 5),
             {0.6, 0.6, 0.3, 0.3, 0});
}

TEST(ThetaScheduleTest, StepDropsOncePerUnitWithAsManyStepsAsUnits) {
  // floor(steps p) is the number of units done then. In double, 22 * (15.0 / 22) is below 15 and
  // 49 * (1.0 / 49) below 1.
  for (int steps = 1; steps <= 64; ++steps) {
    v1::ThetaConfig config = Scheduled("schedule: THETA_SCHEDULE_STEP start: 0.5");
    config.set_steps(steps);
    const config::ThetaSchedule schedule(config, {.epochs = steps + 1, .steps_per_epoch = 1});
    for (int epoch = 0; epoch <= steps; ++epoch) {
      EXPECT_NEAR(schedule.Value(epoch, epoch), 0.5 * (steps - epoch) / steps, 1e-12)
          << steps << " steps, epoch " << epoch;
    }
  }
}

TEST(ThetaScheduleTest, UnitStepMovesWithinAnEpoch) {
  const config::ThetaSchedule schedule(Scheduled("unit: SCHEDULE_UNIT_STEP start: 0.5"),
                                       {.epochs = 2, .steps_per_epoch = 3});
  for (int step = 0; step < 6; ++step) {
    EXPECT_NEAR(schedule.Value(step / 3, step), 0.5 - 0.1 * step, 1e-15) << step;
  }
}

TEST(ThetaScheduleTest, UnitEpochStandsStillWithinAnEpoch) {
  const config::ThetaSchedule schedule(Scheduled("start: 0.5"),
                                       {.epochs = 2, .steps_per_epoch = 3});
  for (int step = 0; step < 3; ++step) EXPECT_EQ(schedule.Value(0, step), 0.5);
  for (int step = 3; step < 6; ++step) EXPECT_EQ(schedule.Value(1, step), 0);
}

TEST(ThetaScheduleTest, JumpIsInTheMiddleByDefault) {
  const std::string jump = "schedule: THETA_SCHEDULE_JUMP start: 0.5 ";
  ExpectNear(ValuesOf(jump, 5), {0.5, 0.5, 0, 0, 0});  // half of 5, rounded down
  ExpectNear(ValuesOf(jump, 4), {0.5, 0.5, 0, 0});
  ExpectNear(ValuesOf(jump + "hold: 1", 4), {0.5, 0, 0, 0});
  ExpectNear(ValuesOf(jump + "hold: 0", 3), {0, 0, 0});
}

// Thetas of a PLATEAU run with `losses`, theta after the last one included. From 0.5 to 0 in halves
// of patience 1 and tolerance 0.1 unless `text` says more.
std::vector<double> PlateauThetas(const std::string& plateau, const std::vector<double>& losses,
                                  const std::string& more = "") {
  const auto epochs = static_cast<int64_t>(losses.size()) + 1;
  config::ThetaSchedule schedule(
      Scheduled("schedule: THETA_SCHEDULE_PLATEAU start: 0.5 plateau { " + plateau + " } " + more),
      {.epochs = epochs, .steps_per_epoch = 1});
  std::vector<double> thetas = {schedule.Value(0, 0)};
  for (size_t i = 0; i < losses.size(); ++i) {
    schedule.ObserveEpoch(losses[i]);
    const auto next = static_cast<int64_t>(i) + 1;
    thetas.push_back(schedule.Value(next, next));
  }
  return thetas;
}

TEST(ThetaScheduleTest, PlateauStaysWhileTheLossImproves) {
  ExpectNear(PlateauThetas("notch: 0.5 tolerance: 0.1", {8, 4, 2, 1}), {0.5, 0.5, 0.5, 0.5, 0.5});
}

TEST(ThetaScheduleTest, PlateauMovesANotchWhenTheLossStalls) {
  // 8 sets the mark and 7.5 does not beat 0.9 * 8: a notch. 7.5 sets the next mark.
  ExpectNear(PlateauThetas("notch: 0.5 tolerance: 0.1", {8, 7.5, 7.5, 7.5, 7}),
             {0.5, 0.5, 0.25, 0.25, 0, 0});
}

TEST(ThetaScheduleTest, PlateauImprovesOnlyBelowTheTolerance) {
  // Exactly (1 - tolerance) times the best is not below it.
  ExpectNear(PlateauThetas("notch: 0.5 tolerance: 0.5", {8, 4}), {0.5, 0.5, 0.25});
  ExpectNear(PlateauThetas("notch: 0.5 tolerance: 0.5", {8, 3.999}), {0.5, 0.5, 0.5});
}

TEST(ThetaScheduleTest, PlateauWithoutToleranceCountsAnyImprovement) {
  ExpectNear(PlateauThetas("notch: 0.5 tolerance: 0", {8, 7.999, 7.998, 7.998}),
             {0.5, 0.5, 0.5, 0.5, 0.25});
}

TEST(ThetaScheduleTest, PlateauWaitsForItsPatience) {
  ExpectNear(PlateauThetas("notch: 0.5 tolerance: 0.1 patience: 3", {8, 8, 8, 4, 4, 4, 4}),
             {0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25});
}

TEST(ThetaScheduleTest, PlateauMeasuresAgainstTheEpochThatImprovedLast) {
  // 9.7 is not below 0.95 * 10, but 9.4 is: a slow fall is not a plateau. 9.3 and 9.2 are not below
  // 0.95 * 9.4 = 8.93.
  ExpectNear(PlateauThetas("notch: 0.5 tolerance: 0.05 patience: 2", {10, 9.7, 9.4, 9.3, 9.2}),
             {0.5, 0.5, 0.5, 0.5, 0.5, 0.25});
}

TEST(ThetaScheduleTest, PlateauForgetsTheBestLossWhenItMoves) {
  // After the move 20 is the first loss, and 15 improves on it although 8 was better.
  ExpectNear(PlateauThetas("notch: 0.5 tolerance: 0.1", {8, 8, 20, 15}),
             {0.5, 0.5, 0.25, 0.25, 0.25});
}

TEST(ThetaScheduleTest, PlateauReachesTheEndExactlyAndStays) {
  for (const char* notch : {"1", "0.5", "0.3", "0.1", "0.07"}) {
    const std::vector<double> thetas =
        PlateauThetas(std::string("notch: ") + notch, std::vector<double>(60, 1.0), "end: 0.1");
    EXPECT_EQ(thetas.front(), 0.5) << notch;
    EXPECT_EQ(thetas.back(), 0.1) << notch;
    for (size_t i = 1; i < thetas.size(); ++i) {
      EXPECT_LE(thetas[i], thetas[i - 1]) << notch;
      EXPECT_GE(thetas[i], 0.1) << notch;
    }
  }
}

TEST(ThetaScheduleTest, PlateauHoldsBeforeItObservesTheLoss) {
  const std::vector<double> thetas =
      PlateauThetas("notch: 0.5 tolerance: 0.1", {9, 9, 9, 9, 2, 2}, "hold: 4");
  ExpectNear(thetas, {0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25});
}

TEST(ThetaScheduleTest, LastUnitIsOneLessThanTheUnitsOfTheRun) {
  const config::RunLength length = {.epochs = 7, .steps_per_epoch = 11};
  EXPECT_EQ(config::ThetaSchedule::LastUnit(Scheduled("unit: SCHEDULE_UNIT_EPOCH"), length), 6);
  EXPECT_EQ(config::ThetaSchedule::LastUnit(Scheduled("unit: SCHEDULE_UNIT_STEP"), length), 76);
}

// The epochs, from 1, at the last step of which the schedule is at its end.
std::vector<int> EpochsAtEnd(const std::string& text, int64_t epochs, int64_t steps_per_epoch) {
  const config::ThetaSchedule schedule(Scheduled(text),
                                       {.epochs = epochs, .steps_per_epoch = steps_per_epoch});
  std::vector<int> at_end;
  for (int64_t epoch = 0; epoch < epochs; ++epoch) {
    const int64_t step = (epoch + 1) * steps_per_epoch - 1;
    EXPECT_EQ(schedule.AtEnd(epoch, step) && schedule.Value(epoch, step) == 0,
              schedule.Value(epoch, step) == 0);
    if (schedule.AtEnd(epoch, step)) at_end.push_back(static_cast<int>(epoch) + 1);
  }
  EXPECT_EQ(schedule.FirstEpochAtEnd(epochs),
            at_end.empty() ? std::nullopt : std::optional<int64_t>(at_end[0] - 1));
  return at_end;
}

TEST(ThetaScheduleTest, KnowsWhenItIsAtItsEnd) {
  using Epochs = std::vector<int>;
  EXPECT_EQ(EpochsAtEnd("", 4, 10), Epochs({4}));
  EXPECT_EQ(EpochsAtEnd("span: 2", 4, 10), Epochs({3, 4}));
  EXPECT_EQ(EpochsAtEnd("hold: 1 span: 2", 5, 1), Epochs({4, 5}));
  EXPECT_EQ(EpochsAtEnd("schedule: THETA_SCHEDULE_JUMP hold: 3", 5, 10), Epochs({4, 5}));
  EXPECT_EQ(EpochsAtEnd("schedule: THETA_SCHEDULE_JUMP", 4, 10), Epochs({3, 4}));
  // By step: at its end in the last step of epoch 2, which is step 19.
  EXPECT_EQ(EpochsAtEnd("unit: SCHEDULE_UNIT_STEP span: 19", 3, 10), Epochs({2, 3}));
  EXPECT_EQ(EpochsAtEnd("unit: SCHEDULE_UNIT_STEP span: 20", 3, 10), Epochs({3}));
}

TEST(ThetaScheduleTest, IsAlwaysAtItsEndWhereThetaDoesNotMove) {
  v1::ThetaConfig config = Scheduled("schedule: THETA_SCHEDULE_CONSTANT");
  EXPECT_TRUE(config::ThetaSchedule(config, {.epochs = 3, .steps_per_epoch = 2}).AtEnd(0, 1));
  for (const auto policy : {v1::THETA_POLICY_FIXED, v1::THETA_POLICY_TRAINABLE}) {
    config.set_policy(policy);
    const config::ThetaSchedule schedule(config, {.epochs = 3, .steps_per_epoch = 2});
    EXPECT_TRUE(schedule.AtEnd(0, 1));
    EXPECT_EQ(schedule.FirstEpochAtEnd(3), 0);
    EXPECT_EQ(schedule.FirstEpochAtEnd(0), std::nullopt);
  }
}

TEST(ThetaScheduleTest, PlateauIsAtItsEndAfterItsLastNotch) {
  config::ThetaSchedule schedule(
      Scheduled("schedule: THETA_SCHEDULE_PLATEAU plateau { notch: 0.5 }"),
      {.epochs = 9, .steps_per_epoch = 1});
  EXPECT_FALSE(schedule.AtEnd(0, 0));
  // The first epoch after each notch improves; the next does not, and moves theta.
  for (int i = 0; i < 4; ++i) schedule.ObserveEpoch(1);
  EXPECT_TRUE(schedule.AtEnd(4, 4));
  EXPECT_EQ(schedule.Value(4, 4), 0);
  EXPECT_EQ(schedule.FirstEpochAtEnd(4), std::nullopt) << "its past is not known";
}

TEST(ThetaScheduleTest, TheLongestRunsKeepTheirEnds) {
  const config::ThetaSchedule schedule(Scheduled("unit: SCHEDULE_UNIT_STEP"),
                                       {.epochs = 100'000, .steps_per_epoch = 900'000'000});
  EXPECT_EQ(schedule.Value(0, 0), kQuarterPi);
  EXPECT_EQ(schedule.Value(99'999, 100'000LL * 900'000'000 - 1), 0);
  EXPECT_NEAR(schedule.Value(50'000, 50'000LL * 900'000'000), kQuarterPi / 2, 1e-9);
}

TEST(ThetaScheduleTraitsTest, EveryScheduleHasOneWayToReachItsEnd) {
  const auto* type = google::protobuf::GetEnumDescriptor<v1::ThetaSchedule>();
  for (int i = 0; i < type->value_count(); ++i) {
    const auto schedule = static_cast<v1::ThetaSchedule>(type->value(i)->number());
    const config::ThetaScheduleTraits& traits = config::TraitsOf(schedule);
    EXPECT_EQ(traits.schedule, schedule);
    // By a span, by the loss, or by a jump; constant schedules need none of them.
    const int ways = static_cast<int>(traits.has_span()) + static_cast<int>(traits.needs_state) +
                     static_cast<int>(traits.holds_half);
    EXPECT_EQ(ways, traits.moves ? 1 : 0) << type->value(i)->name();
  }
  EXPECT_FALSE(config::TraitsOf(static_cast<v1::ThetaSchedule>(99)).moves);
}

}  // namespace
}  // namespace anneal
