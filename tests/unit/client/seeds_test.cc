#include "client/seeds.h"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace anneal::client {
namespace {

using ::testing::ElementsAre;

std::vector<int64_t> Parsed(const std::string& text) {
  const auto seeds = ParseSeeds(text);
  EXPECT_TRUE(seeds.ok()) << seeds.status();
  return seeds.ok() ? *seeds : std::vector<int64_t>();
}

TEST(ParseSeedsTest, TakesNumbersRangesAndMixtures) {
  EXPECT_THAT(Parsed("7"), ElementsAre(7));
  EXPECT_THAT(Parsed("0..3"), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(Parsed("5..5"), ElementsAre(5));
  EXPECT_THAT(Parsed("1,5,9"), ElementsAre(1, 5, 9));
  EXPECT_THAT(Parsed("9,0..2,-1"), ElementsAre(9, 0, 1, 2, -1));
  EXPECT_THAT(Parsed("-2..1"), ElementsAre(-2, -1, 0, 1));
}

TEST(ParseSeedsTest, TakesTheWholeRangeOfSeeds) {
  const int64_t most = std::numeric_limits<int64_t>::max();
  const int64_t least = std::numeric_limits<int64_t>::min();
  EXPECT_THAT(Parsed(absl::StrCat(most - 1, "..", most)), ElementsAre(most - 1, most));
  EXPECT_THAT(Parsed(absl::StrCat(least)), ElementsAre(least));
}

TEST(ParseSeedsTest, RejectsTextThatIsNeitherNumberNorRange) {
  for (const std::string& text : std::vector<std::string>{
           "", "x", ",", "1,", ",1", "1,,2", "..", "1..", "..2", "1..2..3", "1...3", "3..1", "0-3",
           "1.5", "1e3", "0x10", "1;2", "9223372036854775808", "-9223372036854775809"}) {
    const auto seeds = ParseSeeds(text);
    EXPECT_TRUE(absl::IsInvalidArgument(seeds.status())) << "\"" << text << "\"";
    EXPECT_TRUE(absl::StrContains(seeds.status().message(), "--seeds")) << seeds.status();
    EXPECT_TRUE(absl::StrContains(seeds.status().message(), absl::StrCat("\"", text, "\"")))
        << seeds.status();
  }
}

TEST(ParseSeedsTest, AcceptsAtMostTenThousandSeeds) {
  EXPECT_EQ(Parsed("0..9999").size(), 10'000U);
  EXPECT_EQ(Parsed("0..4999,5000..9999").size(), 10'000U);
  for (const char* text : {"0..10000", "0..9999,10000", "0..4999,5000..10000",
                           "0..9223372036854775807", "-9223372036854775808..9223372036854775807"}) {
    const auto seeds = ParseSeeds(text);
    EXPECT_TRUE(absl::IsInvalidArgument(seeds.status())) << text;
    EXPECT_TRUE(absl::StrContains(seeds.status().message(), "10000")) << seeds.status();
  }
}

RC_GTEST_PROP(ParseSeedsTest, ARangeIsEveryNumberBetweenItsEnds, (int64_t start)) {
  const auto more = *rc::gen::inRange<int64_t>(0, 100);
  RC_PRE(start <= std::numeric_limits<int64_t>::max() - more);
  const auto seeds = ParseSeeds(absl::StrCat(start, "..", start + more));
  RC_ASSERT(seeds.ok());
  RC_ASSERT(seeds->size() == static_cast<size_t>(more) + 1);
  for (int64_t i = 0; i <= more; ++i) RC_ASSERT((*seeds)[static_cast<size_t>(i)] == start + i);
}

}  // namespace
}  // namespace anneal::client
