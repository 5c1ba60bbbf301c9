#include "server/commands/arguments.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace anneal::commands {
namespace {

TEST(ParseAgeTest, ReadsDaysHoursAndMinutes) {
  for (const auto& [text, age] : std::vector<std::pair<std::string, absl::Duration>>{
           {"30d", absl::Hours(720)},
           {"12h", absl::Hours(12)},
           {"90m", absl::Minutes(90)},
           {"1m", absl::Minutes(1)},
           {"100000d", 100'000 * absl::Hours(24)}}) {
    const auto parsed = ParseAge("--expires", text);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, age) << text;
  }
}

TEST(ParseAgeTest, RejectsOtherTextsNamingTheOption) {
  for (const char* text : {"", "d", "30", "30s", "0d", "-1d", "100001d", "1.5h", "x30d", "30 days",
                           "99999999999999999999d"}) {
    const auto parsed = ParseAge("--expires", text);
    EXPECT_TRUE(absl::IsInvalidArgument(parsed.status())) << text;
    EXPECT_TRUE(absl::StartsWith(parsed.status().message(), "--expires is \""))
        << parsed.status().message();
  }
}

TEST(ComplainTest, UsageErrorsHaveTheirExitCode) {
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(Complain(absl::InvalidArgumentError("--role is \"x\"")), kUsageError);
  EXPECT_EQ(Complain(absl::NotFoundError("no token")), 1);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "anneald: --role is \"x\"\nanneald: no token\n");
}

}  // namespace
}  // namespace anneal::commands
