// Tests that watchers receive every event exactly once and in order, from any cursor.

#include <limits>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/daemon_test.h"

namespace anneal {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class WatchTest : public DaemonTest {
 protected:
  static std::string Bytes(const std::vector<v1::Event>& events) {
    std::string bytes;
    for (const v1::Event& event : events) absl::StrAppend(&bytes, event.SerializeAsString(), "|");
    return bytes;
  }
};

TEST_F(WatchTest, LogHasTheWholeLifecycleOfEveryRun) {
  v1::CreateExperimentRequest request = TinyRequest("e", 3);
  request.mutable_experiment()->add_seeds(1);
  request.mutable_experiment()->add_seeds(2);
  const std::string name = Create(request).name();
  const std::vector<v1::Event> events = WaitForEnd(name);
  std::map<std::string, std::vector<v1::Event>> by_run;
  for (const v1::Event& event : events) {
    EXPECT_EQ(event.experiment(), name);
    EXPECT_GT(event.time().seconds(), 1'600'000'000);
    if (!event.run().empty()) by_run[event.run()].push_back(event);
  }
  ASSERT_THAT(by_run, SizeIs(2));
  for (const auto& [run, its] : by_run) {
    ASSERT_THAT(its, SizeIs(5)) << run;
    EXPECT_EQ(its[0].state_change().from(), v1::RUN_STATE_PENDING);
    EXPECT_EQ(its[0].state_change().to(), v1::RUN_STATE_RUNNING);
    const std::vector<v1::Epoch> epochs = ListEpochs(run);
    for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(Same(its[i + 1].epoch(), epochs[i]));
    EXPECT_EQ(its[4].state_change().to(), v1::RUN_STATE_SUCCEEDED);
  }
  EXPECT_EQ(Get(name).last_sequence(), events.back().sequence());
}

TEST_F(WatchTest, WatchContinuesAfterAnySequence) {
  const std::string name = RunToEnd(TinyRequest("e", 3)).name();
  const std::vector<v1::Event> all = WaitForEnd(name);
  for (size_t after = 0; after <= all.size(); ++after) {
    Watch watch(experiments_.get(), name, static_cast<int64_t>(after));
    EXPECT_TRUE(watch.Finish().ok());
    EXPECT_EQ(Bytes(watch.events()),
              Bytes({all.begin() + static_cast<std::ptrdiff_t>(after), all.end()}));
  }
}

TEST_F(WatchTest, SequenceBeyondTheEndIsOutOfRange) {
  const int64_t last = RunToEnd(TinyRequest("e", 1)).last_sequence();
  for (const int64_t after : {last + 1, last + 1000, std::numeric_limits<int64_t>::max()}) {
    Watch watch(experiments_.get(), "experiments/e", after);
    const grpc::Status status = watch.Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::OUT_OF_RANGE) << status.error_message();
    EXPECT_TRUE(Mentions(status.error_message(), {absl::StrCat(after), absl::StrCat(last)}));
    EXPECT_NE(ReasonOf(status), "");
    EXPECT_THAT(watch.events(), IsEmpty());
  }
  Watch negative(experiments_.get(), "experiments/e", -1);
  const grpc::Status status = negative.Finish();
  EXPECT_FALSE(status.ok());
  EXPECT_NE(ReasonOf(status), "");
  EXPECT_THAT(negative.events(), IsEmpty());
}

TEST_F(WatchTest, UnknownAndBadNamesAreRefused) {
  Watch unknown(experiments_.get(), "experiments/unknown");
  grpc::Status status = unknown.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_NE(ReasonOf(status), "");
  Watch bad(experiments_.get(), "unknown");
  status = bad.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ViolationsOf(status).count("name"), 1U);
}

TEST_F(WatchTest, WatcherThatJoinsDuringTrainingSeesPastAndFutureEvents) {
  const std::string name = Create(TinyRequest("e", 60)).name();
  Watch early(experiments_.get(), name);
  ASSERT_TRUE(early.Until([](const v1::Event& event) { return event.epoch().epoch() == 2; }));
  const int64_t seen = early.events().back().sequence();
  Watch late(experiments_.get(), name);
  Watch resumed(experiments_.get(), name, seen);
  EXPECT_TRUE(late.Finish().ok());
  EXPECT_TRUE(resumed.Finish().ok());
  EXPECT_TRUE(early.Finish().ok());
  ExpectGapless(early.events(), 0);
  ExpectGapless(resumed.events(), seen);
  EXPECT_TRUE(Bytes(early.events()) == Bytes(late.events()));
  EXPECT_EQ(static_cast<int64_t>(resumed.events().size()) + seen,
            static_cast<int64_t>(early.events().size()));
  EXPECT_EQ(Get(name).last_sequence(), late.events().back().sequence());
}

TEST_F(WatchTest, ManyWatchersSeeTheSame) {
  v1::CreateExperimentRequest request = TinyRequest("e", 20);
  for (int seed = 0; seed < 4; ++seed) request.mutable_experiment()->add_seeds(seed);
  const std::string name = Create(request).name();
  constexpr size_t kWatchers = 20;
  std::vector<std::string> seen(kWatchers);
  std::vector<std::thread> watchers;
  for (size_t i = 0; i < kWatchers; ++i) {
    watchers.emplace_back([&, i] { seen[i] = Bytes(WaitForEnd(name)); });
  }
  for (std::thread& watcher : watchers) watcher.join();
  for (const std::string& bytes : seen) EXPECT_TRUE(bytes == seen[0]);
  EXPECT_TRUE(seen[0] == Bytes(WaitForEnd(name)));
}

TEST_F(WatchTest, SlowWatcherLosesNoEvents) {
  const std::string name = Create(TinyRequest("e", 300)).name();
  Watch slow(experiments_.get(), name);
  ASSERT_TRUE(slow.Next());
  const std::vector<v1::Event> all = WaitForEnd(name);
  EXPECT_TRUE(slow.Finish().ok());
  EXPECT_TRUE(Bytes(slow.events()) == Bytes(all));
}

TEST_F(WatchTest, RepeatedReconnectsNeitherMissNorRepeatEvents) {
  const std::string name = Create(TinyRequest("e", 40)).name();
  int64_t last = 0;
  bool ended = false;
  while (!ended) {
    Watch watch(experiments_.get(), name, last);
    // Leaves after two events, in the middle of the stream.
    while (watch.events().size() < 2 && watch.Next()) {
    }
    ExpectGapless(watch.events(), last);
    ended = watch.events().size() < 2;
    if (!watch.events().empty()) last = watch.events().back().sequence();
    if (!ended) watch.Cancel();
    const grpc::Status status = watch.Finish();
    if (ended) {
      ASSERT_TRUE(status.ok()) << status.error_message();
    }
    // Events in flight at the disconnect are sent again.
    ASSERT_LT(last, 1000);
  }
  const v1::Experiment experiment = Get(name);
  EXPECT_EQ(experiment.state(), v1::RUN_STATE_SUCCEEDED);
  EXPECT_EQ(last, experiment.last_sequence());
}

TEST_F(WatchTest, WatchersThatLeaveDoNotDisturbTheRun) {
  const std::string name = Create(TinyRequest("e", 50)).name();
  for (int i = 0; i < 10; ++i) {
    Watch watch(experiments_.get(), name);
    EXPECT_TRUE(watch.Next());
    watch.Cancel();
    (void)watch.Finish();
  }
  WaitForEnd(name);
  EXPECT_EQ(Get(name).state(), v1::RUN_STATE_SUCCEEDED);
}

}  // namespace
}  // namespace anneal
