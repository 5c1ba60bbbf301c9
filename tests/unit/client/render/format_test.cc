#include "client/render/format.h"

#include <cstdint>
#include <string>

#include "gtest/gtest.h"

namespace anneal::client::render {
namespace {

TEST(PercentTest, HasTwoDecimalsAndNoSign) {
  EXPECT_EQ(Percent(0.98734), "98.73");
  EXPECT_EQ(Percent(0), "0.00");
  EXPECT_EQ(Percent(1), "100.00");
  EXPECT_EQ(Percent(0.5), "50.00");
}

TEST(ShortTest, HasFourSignificantDigits) {
  EXPECT_EQ(Short(2.173603307723999), "2.174");
  EXPECT_EQ(Short(0.00058690991), "0.0005869");
  EXPECT_EQ(Short(0), "0");
  EXPECT_EQ(Short(6957.8559), "6958");
  EXPECT_EQ(Short(1e-9), "1e-09");
}

google::protobuf::Timestamp At(int64_t seconds) {
  google::protobuf::Timestamp time;
  time.set_seconds(seconds);
  return time;
}

TEST(AgoTest, HasOneUnitAndBecomesADate) {
  const absl::Time now = absl::FromUnixSeconds(1'795'500'000);  // 2026-11-24 06:00 UTC
  const auto ago = [now](int64_t seconds) { return Ago(At(1'795'500'000 - seconds), now); };
  EXPECT_EQ(ago(0), "0s ago");
  EXPECT_EQ(ago(59), "59s ago");
  EXPECT_EQ(ago(60), "1m ago");
  EXPECT_EQ(ago(3599), "59m ago");
  EXPECT_EQ(ago(3600), "1h ago");
  EXPECT_EQ(ago(47 * 3600), "47h ago");
  EXPECT_EQ(ago(48 * 3600), "2d ago");
  EXPECT_EQ(ago(60 * 24 * 3600), "2026-09-25");
  EXPECT_EQ(ago(-100), "0s ago") << "the daemon's clock may be ahead";
  EXPECT_EQ(Ago({}, now), "-");
}

TEST(InTest, ShowsTheRemainingTime) {
  const absl::Time now = absl::FromUnixSeconds(1'795'500'000);
  EXPECT_EQ(In(At(1'795'500'042), now), "in 42s");
  EXPECT_EQ(In(At(1'795'500'187), now), "in 3m07s");
  EXPECT_EQ(In(At(1'795'500'000), now), "now");
  EXPECT_EQ(In(At(1'795'499'000), now), "now");
}

TEST(DurationTest, GrowsFromSecondsToHours) {
  EXPECT_EQ(Duration(0), "0s");
  EXPECT_EQ(Duration(42), "42s");
  EXPECT_EQ(Duration(59.4), "59s");
  EXPECT_EQ(Duration(59.6), "1m00s");
  EXPECT_EQ(Duration(187), "3m07s");
  EXPECT_EQ(Duration(3599.7), "1h00m");
  EXPECT_EQ(Duration(7500), "2h05m");
  EXPECT_EQ(Duration(360000), "100h00m");
  EXPECT_EQ(Duration(-5), "0s");
}

TEST(TimeTest, IsUtcToTheMinute) {
  google::protobuf::Timestamp time;
  time.set_seconds(1'795'415'820);
  EXPECT_EQ(Time(time), "2026-11-23 06:37");
  EXPECT_EQ(Time(google::protobuf::Timestamp()), "-");
}

v1::Statistic StatisticOf(int count, double mean) {
  v1::Statistic statistic;
  statistic.set_count(count);
  statistic.set_mean(mean);
  return statistic;
}

TEST(MeanOfTest, ShowsTheDeviationOnlyWhereThereIsOne) {
  v1::Statistic statistic = StatisticOf(3, 0.98765);
  EXPECT_EQ(MeanOf(statistic, /*percent=*/true), "98.77");
  EXPECT_EQ(MeanOf(statistic, /*percent=*/false), "0.988");
  statistic.set_standard_deviation(0.00123);
  EXPECT_EQ(MeanOf(statistic, /*percent=*/true), "98.77 ± 0.12");
  EXPECT_EQ(MeanOf(statistic, /*percent=*/false), "0.988 ± 0.001");
  statistic.set_standard_deviation(0);
  EXPECT_EQ(MeanOf(statistic, /*percent=*/true), "98.77 ± 0.00");
}

TEST(MeanOfTest, SaysHowManySeedsItLeavesOut) {
  v1::Statistic statistic = StatisticOf(9, 0.5);
  statistic.set_standard_deviation(0.25);
  statistic.set_left_out(1);
  EXPECT_EQ(MeanOf(statistic, /*percent=*/false), "0.500 ± 0.250 (1 out)");
  v1::Statistic none;
  none.set_left_out(3);
  EXPECT_EQ(MeanOf(none, /*percent=*/true), "- (3 out)");
}

TEST(MeanOfTest, IsADashWithoutRuns) {
  EXPECT_EQ(MeanOf(v1::Statistic(), /*percent=*/true), "-");
  EXPECT_EQ(MeanOf(v1::Statistic(), /*percent=*/false), "-");
}

TEST(MetricColumnTest, AddsPerCentToTheLabelOfAShare) {
  const Table::Column share = MetricColumn("validation_accuracy", 3);
  EXPECT_EQ(share.key, "validation_accuracy");
  EXPECT_EQ(share.header, "VAL ACC %");
  EXPECT_EQ(share.rank, 3);
  EXPECT_EQ(MetricColumn("validation_accuracy", 0, "ACC").header, "ACC %");
  EXPECT_EQ(MetricColumn("validation_loss").header, "VAL LOSS");
}

TEST(MetricColumnTest, NamesTheEpochThatAValueIsOf) {
  const Table::Column best = MetricColumn(*FindRunMetric("metric", "best.validation_accuracy"));
  EXPECT_EQ(best.key, "best.validation_accuracy");
  EXPECT_EQ(best.header, "BEST VAL ACC %");
}

TEST(WrappedTest, BreaksAtSpacesAndIndentsTheOtherLines) {
  EXPECT_EQ(Wrapped("one two three four", 9), "one two\nthree\nfour");
  EXPECT_EQ(Wrapped("one two three four", 9, 2), "one two\n  three\n  four");
  EXPECT_EQ(Wrapped("θ θ θ θ", 3), "θ θ\nθ θ") << "by characters";
  EXPECT_EQ(Wrapped("one two three", 0), "one two three");
  EXPECT_EQ(Wrapped("a remarkable b", 4), "a\nremarkable\nb");
  EXPECT_EQ(Wrapped("", 9), "");
}

TEST(MetricTextTest, IsInPerCentForAShareAndADashWithoutAValue) {
  v1::Run run;
  EXPECT_EQ(MetricText("validation_accuracy", run), "-");
  EXPECT_EQ(MetricText("test_accuracy", run), "-");
  run.mutable_last_epoch()->set_validation_accuracy(0.9876);
  run.mutable_last_epoch()->set_validation_loss(0.0123456);
  EXPECT_EQ(MetricText("validation_accuracy", run), "98.76");
  EXPECT_EQ(MetricText("validation_loss", run.last_epoch()), "0.01235");
  EXPECT_EQ(MetricText("test_recall", 0.5), "50.00");
}

}  // namespace
}  // namespace anneal::client::render
