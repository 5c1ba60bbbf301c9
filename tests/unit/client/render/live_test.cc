#include "client/render/live.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/render/table.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace anneal::client::render {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const absl::Time kNow = absl::FromUnixSeconds(1'795'500'000);

// A run with epochs of 10 s, the last of which has just ended.
RunProgress Running(const std::string& name, int epoch, int total = 10) {
  RunProgress run{.name = name, .epochs_total = total, .state = v1::RUN_STATE_RUNNING};
  run.last.set_epoch(epoch);
  run.last.set_elapsed_seconds(10 * epoch);
  run.last.set_train_loss(0.25);
  run.last.set_validation_loss(0.5);
  run.last.set_validation_accuracy(0.9876);
  run.last.set_samples_per_second(1234);
  run.last.mutable_theta()->set_mean(0.7854);
  run.last_time = kNow;
  for (int i = 0; i < epoch; ++i) run.validation_losses.push_back(1.0 / (i + 1));
  return run;
}

RunProgress In(v1::RunState state, int epoch = 0, int total = 10) {
  RunProgress run = Running("other", epoch, total);
  run.state = state;
  return run;
}

TEST(LiveLinesTest, ARunShowsEpochMetricsThetaSpeedTrendAndEta) {
  const auto lines = LiveLines({.runs = {Running("first/0", 4)}}, kNow, 120, 24);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_THAT(lines[0], AllOf(StartsWith("RUN"), HasSubstr("EPOCH"), HasSubstr("ETA")));
  EXPECT_THAT(lines[1],
              AllOf(StartsWith("first/0"), HasSubstr("━━━━━━╌╌╌╌╌╌╌╌╌╌"), HasSubstr("4/10"),
                    HasSubstr("0.2500"), HasSubstr("█▃▂▁"), HasSubstr("0.5000"), HasSubstr("98.76"),
                    HasSubstr("0.7854"), HasSubstr("1234"), HasSubstr("1m00s")));
  EXPECT_EQ(lines[2],
            "0/1 runs ended · all done in about 1m00s · 1 running · 0 queued · 1234 img/s");
}

TEST(LiveLinesTest, BeforeItsFirstEpochARunHasNoMetrics) {
  const RunProgress run{.name = "first/0", .epochs_total = 10, .state = v1::RUN_STATE_RUNNING};
  const auto lines = LiveLines({.runs = {run}}, kNow, 120, 24);
  EXPECT_THAT(lines[1], AllOf(HasSubstr("0/10"), Not(HasSubstr("nan")), Not(HasSubstr("0.0"))));
  EXPECT_EQ(lines[2], "0/1 runs ended · 1 running · 0 queued");
}

TEST(LiveLinesTest, OnlyRunningRunsHaveLinesAndTheRestIsSummarised) {
  Progress progress{.runs = {In(v1::RUN_STATE_SUCCEEDED, 10), In(v1::RUN_STATE_FAILED, 3),
                             In(v1::RUN_STATE_CANCELLED), Running("first/3", 5),
                             In(v1::RUN_STATE_PENDING), In(v1::RUN_STATE_SUSPENDED, 2)}};
  const auto lines = LiveLines(progress, kNow, 120, 24);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_THAT(lines[1], StartsWith("first/3"));
  EXPECT_THAT(lines[2], AllOf(StartsWith("3/6 runs ended (1 failed)"), HasSubstr("1 running"),
                              HasSubstr("1 queued"), HasSubstr("1 suspended")));
}

TEST(LiveLinesTest, TheQueueLineShowsTheNextStart) {
  Progress progress{.runs = {In(v1::RUN_STATE_PENDING)},
                    .queue = {.length = 57, .position = 3, .start = kNow + absl::Seconds(62)}};
  EXPECT_THAT(LiveLines(progress, kNow, 120, 24),
              ElementsAre("0/1 runs ended · 0 running · 1 queued",
                          "queue: the first of these is number 3 of 57, starts in about 1m02s"));
  progress.queue.start = kNow - absl::Seconds(1);
  progress.queue.length = 0;
  EXPECT_EQ(LiveLines(progress, kNow, 120, 24).back(),
            "queue: the first of these is number 3, starts soon");
}

RC_GTEST_PROP(LiveLinesTest, LinesFitEveryTerminal, ()) {
  Progress progress;
  const int count = *rc::gen::inRange(0, 250);
  for (int i = 0; i < count; ++i) {
    const auto state = static_cast<v1::RunState>(*rc::gen::inRange(1, 7));
    progress.runs.push_back(In(state, *rc::gen::inRange(0, 10)));
    progress.runs.back().name = std::string(static_cast<size_t>(*rc::gen::inRange(1, 70)), 'n');
  }
  progress.queue.position = *rc::gen::inRange(0, 2);
  const auto width = *rc::gen::inRange<size_t>(20, 250);
  const auto height = *rc::gen::inRange<size_t>(5, 60);
  const auto lines = LiveLines(progress, kNow, width, height);
  RC_ASSERT(lines.size() < height);
  for (const std::string& line : lines) RC_ASSERT(DisplayWidth(line) <= width);
}

TEST(LiveLinesTest, RunsThatDoNotFitAreCounted) {
  Progress progress;
  for (int i = 0; i < 30; ++i) progress.runs.push_back(Running(absl::StrCat("first/", i), 3));
  const auto lines = LiveLines(progress, kNow, 100, 14);
  EXPECT_EQ(lines.size(), 12U);
  EXPECT_THAT(lines.back(), HasSubstr("30 running (20 not shown)"));
}

TEST(SecondsLeftTest, DividesTheRemainingWorkAmongRunningRuns) {
  EXPECT_EQ(SecondsLeft({.runs = {Running("a", 4)}}, kNow), 60);
  EXPECT_EQ(SecondsLeft({.runs = {Running("a", 4), Running("b", 8)}}, kNow), 60)
      << "the longest of those that run";
  EXPECT_EQ(SecondsLeft({.runs = {Running("a", 4), Running("b", 4), In(v1::RUN_STATE_PENDING),
                                  In(v1::RUN_STATE_PENDING)}},
                        kNow),
            160);
  EXPECT_EQ(SecondsLeft({.runs = {Running("a", 4), In(v1::RUN_STATE_SUSPENDED),
                                  In(v1::RUN_STATE_FAILED, 2)}},
                        kNow),
            60);
}

TEST(SecondsLeftTest, GoesDownDuringAnEpochButNotBelowItsEnd) {
  const Progress progress{.runs = {Running("a", 4)}};
  EXPECT_EQ(SecondsLeft(progress, kNow + absl::Seconds(3)), 57);
  EXPECT_EQ(SecondsLeft(progress, kNow + absl::Hours(3)), 50);
  EXPECT_EQ(SecondsLeft(progress, kNow - absl::Hours(3)), 60) << "clocks may differ";
}

TEST(SecondsLeftTest, IsNegativeIfUnknownAndIncludesTheQueueTime) {
  Progress progress{.runs = {In(v1::RUN_STATE_PENDING)}};
  EXPECT_LT(SecondsLeft(progress, kNow), 0);
  progress.runs.push_back(In(v1::RUN_STATE_SUCCEEDED, 10));
  progress.queue = {.length = 9, .position = 8, .start = kNow + absl::Seconds(70)};
  EXPECT_EQ(SecondsLeft(progress, kNow), 170);
}

TEST(BarTest, FillsWithoutChangingItsWidth) {
  EXPECT_EQ(Bar(0, 4, 4), "╌╌╌╌");
  EXPECT_EQ(Bar(1, 4, 4), "━╌╌╌");
  EXPECT_EQ(Bar(4, 4, 4), "━━━━");
  EXPECT_EQ(Bar(9, 4, 4), "━━━━");
  EXPECT_EQ(Bar(0, 0, 4), "╌╌╌╌");
}

TEST(SparklineTest, GoesFromTheLowestToTheHighest) {
  EXPECT_EQ(Sparkline({}, 8), "");
  EXPECT_EQ(Sparkline({3}, 8), "▁");
  EXPECT_EQ(Sparkline({2, 2, 2}, 8), "▁▁▁");
  EXPECT_EQ(Sparkline({0, 1, 2, 3, 4, 5, 6, 7}, 8), "▁▂▃▄▅▆▇█");
  EXPECT_EQ(Sparkline({7, 7, 0, 0}, 2), "█▁") << "averages of two";
}

TEST(SparklineTest, OmitsNonFiniteValues) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(Sparkline({1, infinity, 0, std::nan("")}, 8), "█ ▁ ");
}

RC_GTEST_PROP(SparklineTest, HasOneCharacterPerValueUpToItsWidth,
              (const std::vector<double>& values)) {
  const auto width = *rc::gen::inRange<size_t>(1, 30);
  RC_ASSERT(DisplayWidth(Sparkline(values, width)) == std::min(values.size(), width));
}

TEST(WithColorTest, ColoursTheFilledPartOfTheBarOnly) {
  EXPECT_EQ(WithColor("a ━━╌ b"), "a \x1b[36m━━\x1b[0m╌ b");
  EXPECT_EQ(WithColor("a ╌╌╌ b"), "a ╌╌╌ b");
}

}  // namespace
}  // namespace anneal::client::render
