#include "common/wall_clock.h"

#include "gtest/gtest.h"

namespace anneal {
namespace {

TEST(ToTimestampTest, KeepsMicroseconds) {
  const auto time = ToTimestamp(1'700'000'000'123'456);
  EXPECT_EQ(time.seconds(), 1'700'000'000);
  EXPECT_EQ(time.nanos(), 123'456'000);
}

TEST(ToTimestampTest, NanosecondsOfTimesBefore1970ArePositive) {
  const auto time = ToTimestamp(-1);
  EXPECT_EQ(time.seconds(), -1);
  EXPECT_EQ(time.nanos(), 999'999'000);
}

}  // namespace
}  // namespace anneal
