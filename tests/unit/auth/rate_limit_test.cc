#include "server/auth/rate_limit.h"

#include <string>

#include "absl/time/time.h"
#include "common/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anneal::auth {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class RateLimitTest : public ::testing::Test {
 protected:
  int Taken(RateLimit* limit, const std::string& caller, int tries) {
    int taken = 0;
    for (int i = 0; i < tries; ++i) taken += limit->Take(caller).ok() ? 1 : 0;
    return taken;
  }

  absl::Duration now_ = absl::Hours(5);
  RateLimit limit_{10, [this] { return now_; }};
};

TEST_F(RateLimitTest, AllowsABurstOfOneSecondsRequests) {
  EXPECT_EQ(Taken(&limit_, "ada", 25), 10);
  now_ += absl::Hours(1);
  EXPECT_EQ(Taken(&limit_, "ada", 25), 10) << "the bucket does not grow";
}

TEST_F(RateLimitTest, RefillsAtItsRate) {
  EXPECT_EQ(Taken(&limit_, "ada", 10), 10);
  now_ += absl::Milliseconds(99);
  EXPECT_EQ(Taken(&limit_, "ada", 5), 0);
  now_ += absl::Milliseconds(2);
  EXPECT_EQ(Taken(&limit_, "ada", 5), 1);
  now_ += absl::Milliseconds(350);
  EXPECT_EQ(Taken(&limit_, "ada", 5), 3);
}

TEST_F(RateLimitTest, EachCallerHasABucket) {
  EXPECT_EQ(Taken(&limit_, "ada", 25), 10);
  EXPECT_EQ(Taken(&limit_, "bob", 25), 10);
}

TEST_F(RateLimitTest, TheErrorNamesTheCallerAndTheLimit) {
  Taken(&limit_, "ada", 10);
  const absl::Status status = limit_.Take("ada");
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_RATE_LIMITED);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("ada"), HasSubstr("10 requests")));
}

TEST_F(RateLimitTest, ZeroIsNoLimit) {
  RateLimit none(0, [this] { return now_; });
  EXPECT_EQ(Taken(&none, "ada", 10'000), 10'000);
}

}  // namespace
}  // namespace anneal::auth
