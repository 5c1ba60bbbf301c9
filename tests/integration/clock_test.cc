// Tests changes of the wall clock: only displayed times follow it, because order comes from
// sequence numbers and durations from the monotonic clock.

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/daemon_test.h"

namespace anneal {
namespace {

using ::testing::ElementsAre;

constexpr int64_t kDay = int64_t{24} * 3600 * 1'000'000;
constexpr int64_t kDaySeconds = kDay / 1'000'000;

class ClockTest : public DaemonTest {
 protected:
  ClockTest() {
    clock_ = [this] { return SystemWallClock() + ahead_; };
  }
  // Sets the clock and waits for the first epoch that is recorded with the new time.
  void Set(int64_t ahead, Watch* watch) {
    ahead_ = ahead;
    ASSERT_TRUE(watch->Until([&](const v1::Event& event) {
      const int64_t off = event.time().seconds() - Now();
      return event.has_epoch() && std::abs(off) < kDaySeconds / 2;
    })) << "no epoch came with the clock "
        << ahead << " us ahead";
  }
  int64_t Now() { return clock_() / 1'000'000; }

  static std::vector<v1::Epoch> Epochs(const Watch& watch) {
    std::vector<v1::Epoch> epochs;
    for (const v1::Event& event : watch.events()) {
      if (event.has_epoch()) epochs.push_back(event.epoch());
    }
    return epochs;
  }

  std::atomic<int64_t> ahead_ = 0;
};

TEST_F(ClockTest, ClockJumpsChangeNeitherOrderNorDurationsNorResults) {
  const std::string name = Create(TinyRequest("jumped", kEndless)).name();
  Watch watch(experiments_.get(), name);
  for (const int64_t ahead : {int64_t{0}, kDay, -kDay, int64_t{0}}) {
    ASSERT_NO_FATAL_FAILURE(Set(ahead, &watch));
  }
  Cancel(name);
  EXPECT_TRUE(watch.Finish().ok());
  ExpectGapless(watch.events(), 0);
  EXPECT_EQ(Get(name).state(), v1::RUN_STATE_CANCELLED);

  const std::vector<v1::Epoch> epochs = Epochs(watch);
  double elapsed = 0;
  for (const v1::Epoch& epoch : epochs) {
    EXPECT_GE(epoch.elapsed_seconds(), elapsed);
    EXPECT_GE(epoch.epoch_seconds(), 0);
    elapsed = epoch.elapsed_seconds();
  }
  EXPECT_LT(elapsed, 3600);

  const std::string undisturbed = Create(TinyRequest("steady", kEndless)).name();
  Watch steady(experiments_.get(), undisturbed);
  ASSERT_TRUE(steady.Until([&](const v1::Event& event) {
    return event.has_epoch() && event.epoch().epoch() == epochs.back().epoch();
  }));
  EXPECT_TRUE(BytesWithoutTimes(epochs) == BytesWithoutTimes(Epochs(steady)));
  Cancel(undisturbed);
  EXPECT_TRUE(steady.Finish().ok());
}

TEST_F(ClockTest, TheQueueAndListsFollowTheOrderOfSubmission) {
  const std::vector<std::string> busy = {StartEndless("busy-1"), StartEndless("busy-2")};
  Create(TinyRequest("first"));
  ahead_ = -kDay;
  Create(TinyRequest("second"));
  ahead_ = kDay;
  Create(TinyRequest("third"));
  EXPECT_THAT(ListNames(), ElementsAre("experiments/third", "experiments/second",
                                       "experiments/first", busy[1], busy[0]));
  for (const auto& [id, place] : {std::pair("first", 0), {"second", 1}, {"third", 2}}) {
    const std::string run = absl::StrCat("experiments/", id, "/runs/0");
    EXPECT_EQ(GetRun(run).queue_position(), place) << id;
  }
  for (const std::string& name : busy) Cancel(name);
  for (const char* id : {"first", "second", "third"}) {
    WaitForEnd(absl::StrCat("experiments/", id));
  }
}

TEST_F(ClockTest, ResumesAfterTheClockWasSetBackBetweenDaemons) {
  const std::string name = Create(TinyRequest("e", kEndless)).name();
  Watch watch(experiments_.get(), name);
  ASSERT_NO_FATAL_FAILURE(Set(0, &watch));
  Stop();
  (void)watch.Finish();
  ahead_ = -kDay;
  Start();
  Watch resumed(experiments_.get(), name, watch.events().back().sequence());
  ASSERT_NO_FATAL_FAILURE(Set(-kDay, &resumed));
  Cancel(name);
  EXPECT_TRUE(resumed.Finish().ok());
  ExpectGapless(resumed.events(), watch.events().back().sequence());
  EXPECT_EQ(Get(name).state(), v1::RUN_STATE_CANCELLED);
  EXPECT_EQ(GetRun(name + "/runs/0").attempts(), 2);
}

}  // namespace
}  // namespace anneal
