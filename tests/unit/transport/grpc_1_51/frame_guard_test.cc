#include "server/transport/grpc_1_51/frame_guard.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace anneal::transport::grpc_1_51 {
namespace {

constexpr char kPreface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr char kData = 0, kHeaders = 1, kReset = 3, kSettings = 4, kContinuation = 9;

std::string Frame(char type, char flags, size_t size) {
  std::string frame = {static_cast<char>(size >> 16),
                       static_cast<char>(size >> 8),
                       static_cast<char>(size),
                       type,
                       flags,
                       0,
                       0,
                       0,
                       1};
  // The payload looks like frames, and must be ignored.
  while (frame.size() < 9 + size) frame.push_back(static_cast<char>(frame.size() % 10));
  return frame;
}

class FrameGuardTest : public ::testing::Test {
 protected:
  FrameGuardTest() { EXPECT_TRUE(Takes(kPreface) && Takes(Frame(kSettings, 0, 18))); }

  bool Takes(const std::string& bytes) { return guard_.Read(bytes, now_).ok(); }
  void Acknowledge() { EXPECT_TRUE(Takes(Frame(kSettings, 1, 0))); }
  // Returns how many of `tries` frames are accepted.
  int Taken(const std::string& frame, int tries) {
    for (int i = 0; i < tries; ++i) {
      if (!Takes(frame)) return i;
    }
    return tries;
  }

  FrameGuard::Clock::time_point now_{std::chrono::hours(3)};
  FrameGuard guard_{now_};
};

TEST_F(FrameGuardTest, CallsAndMessagesOfAnySizeGoThrough) {
  Acknowledge();
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_TRUE(Takes(Frame(kHeaders, 4, 300)));
    ASSERT_TRUE(Takes(Frame(kData, 1, 5)));
  }
  EXPECT_TRUE(Takes(Frame(kData, 0, 4 << 20)));
  EXPECT_TRUE(Takes(Frame(kHeaders, 4, 12'000)));
}

TEST_F(FrameGuardTest, BytesMayBeSplitAnywhere) {
  Acknowledge();
  std::string bytes;
  for (int i = 0; i < 50; ++i) {
    absl::StrAppend(&bytes, Frame(kHeaders, 0, 100), Frame(kContinuation, 4, 200),
                    Frame(kData, 1, 7));
  }
  bytes += Frame(kHeaders, 0, FrameGuard::kMaxHeaderBytes);
  for (const size_t step : {1, 2, 7, 8, 9, 10, 300, 100'000}) {
    FrameGuard guard(now_);
    ASSERT_TRUE(guard.Read(kPreface + Frame(kSettings, 1, 0), now_).ok());
    size_t taken = 0;
    while (taken < bytes.size() && guard.Read(bytes.substr(taken, step), now_).ok()) taken += step;
    // The last frame is refused by its header.
    const size_t last = bytes.size() - FrameGuard::kMaxHeaderBytes - 9;
    EXPECT_LE(taken, last + 9) << step;
    EXPECT_GT(taken + step, last) << step;
  }
}

TEST_F(FrameGuardTest, AHugeHeaderListIsRefused) {
  Acknowledge();
  EXPECT_FALSE(Takes(Frame(kHeaders, 4, FrameGuard::kMaxHeaderBytes)));
}

TEST_F(FrameGuardTest, AHeaderListOfManySmallFramesIsRefused) {
  Acknowledge();
  for (int list = 0; list < 100; ++list) {
    ASSERT_TRUE(Takes(Frame(kHeaders, 0, 1000)));
    ASSERT_EQ(Taken(Frame(kContinuation, 0, 1000), 50), 50) << "each list is counted separately";
  }
  ASSERT_TRUE(Takes(Frame(kHeaders, 0, 0)));
  EXPECT_LT(Taken(Frame(kContinuation, 0, 0), 10'000), 8000) << "frame headers count too";
}

TEST_F(FrameGuardTest, AClientThatHasNotAcknowledgedTheSettingsMakesFewCalls) {
  const std::string call = Frame(kHeaders, 5, 100);
  EXPECT_EQ(Taken(call, 1000), FrameGuard::kMaxCallsBefore);
}

TEST_F(FrameGuardTest, AClientThatHasNotAcknowledgedTheSettingsSendsShortHeaderLists) {
  const std::string long_list = Frame(kHeaders, 5, FrameGuard::kMaxHeaderBytesBefore);
  FrameGuard other = guard_;
  EXPECT_FALSE(other.Read(long_list, now_).ok());
  Acknowledge();
  EXPECT_TRUE(Takes(long_list));
}

TEST_F(FrameGuardTest, ResetsAreRateLimitedAfterABurst) {
  Acknowledge();
  const std::string reset = Frame(kReset, 0, 4);
  const auto burst = static_cast<int>(FrameGuard::kMaxResets);
  const auto rate = static_cast<int>(FrameGuard::kResetsPerSecond);
  EXPECT_EQ(Taken(reset, burst), burst);
  for (int second = 0; second < 5; ++second) {
    now_ += std::chrono::seconds(1);
    EXPECT_EQ(Taken(reset, rate), rate);
  }
  EXPECT_FALSE(Takes(reset));
}

TEST(FramesTest, AreGuardedWithThisGrpc) {
  EXPECT_TRUE(FramesAreGuarded()) << "gRPC " << grpc::Version();
}

}  // namespace
}  // namespace anneal::transport::grpc_1_51
