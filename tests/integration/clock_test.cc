// A wall clock that is set: order comes from sequences and durations from another clock, so nothing
// but the times that are shown follows it.

#include <atomic>
#include <cstdint>
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
    clock_ = [this] { return executor::SystemWallClock() + ahead_; };
  }
  // Lets so many more epochs be recorded.
  static void See(Watch* watch, int epochs) {
    for (int i = 0; i < epochs; ++i) ASSERT_TRUE(watch->Until(IsEpoch));
  }

  std::atomic<int64_t> ahead_ = 0;
};

TEST_F(ClockTest, JumpsOfADayForthAndBackChangeNeitherOrderNorDurationsNorBits) {
  constexpr int kEpochs = 400;  // more than there are while the clock is set
  const std::string name = Create(TinyRequest("jumped", kEpochs)).name();
  Watch watch(experiments_.get(), name);
  for (const int64_t ahead : {kDay, -kDay, int64_t{0}}) {
    See(&watch, 3);
    ahead_ = ahead;
  }
  EXPECT_TRUE(watch.Finish().ok());
  ExpectGapless(watch.events(), 0);
  EXPECT_EQ(Get(name).state(), v1::RUN_STATE_SUCCEEDED);

  bool forth = false;
  bool back = false;
  for (size_t i = 1; i < watch.events().size(); ++i) {
    const int64_t step =
        watch.events()[i].time().seconds() - watch.events()[i - 1].time().seconds();
    forth = forth || step > kDaySeconds / 2;
    back = back || step < -kDaySeconds;
  }
  EXPECT_TRUE(forth && back) << "the run had ended before the clock was set";

  double elapsed = 0;
  for (const v1::Epoch& epoch : ListEpochs(name + "/runs/0")) {
    EXPECT_GE(epoch.elapsed_seconds(), elapsed);
    EXPECT_GE(epoch.epoch_seconds(), 0);
    elapsed = epoch.elapsed_seconds();
  }
  EXPECT_LT(elapsed, 3600);
  RunToEnd(TinyRequest("steady", kEpochs));
  EXPECT_TRUE(BytesWithoutTimes(ListEpochs(name + "/runs/0")) ==
              BytesWithoutTimes(ListEpochs("experiments/steady/runs/0")));
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

TEST_F(ClockTest, ADaemonThatStartsInItsOwnPastGoesOn) {
  const std::string name = Create(TinyRequest("e", 60)).name();
  Watch watch(experiments_.get(), name);
  See(&watch, 3);
  Stop();
  (void)watch.Finish();
  ahead_ = -kDay;
  Start();
  Watch resumed(experiments_.get(), name, watch.events().back().sequence());
  EXPECT_TRUE(resumed.Finish().ok());
  ExpectGapless(resumed.events(), watch.events().back().sequence());
  EXPECT_EQ(Get(name).state(), v1::RUN_STATE_SUCCEEDED);
  EXPECT_EQ(GetRun(name + "/runs/0").attempts(), 2) << "the stop came after the end";
}

}  // namespace
}  // namespace anneal
