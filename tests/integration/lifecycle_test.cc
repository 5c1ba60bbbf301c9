// Tests start and stop: ownership of directory and port, and the effect of a stop on runs and
// watchers.

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/daemon_test.h"

namespace anneal {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

class StopTest : public DaemonTest {
 protected:
  void StopInTime() {
    const auto begin = std::chrono::steady_clock::now();
    Stop();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  }
};

TEST_F(StopTest, RunsAndWatchersSurviveAStopInTheMiddle) {
  constexpr int kRuns = 3;
  constexpr int kEpochs = 250;  // more than finish before the stop
  v1::CreateExperimentRequest request = TinyRequest("stopped", kEpochs);
  for (int seed = 0; seed < kRuns; ++seed) request.mutable_experiment()->add_seeds(seed);
  const std::string name = Create(request).name();
  Watch watch(experiments_.get(), name);
  Watch idle(experiments_.get(), name);
  ASSERT_TRUE(watch.Until([](const v1::Event& event) { return event.epoch().epoch() == 3; }));
  StopInTime();
  for (Watch* stream : {&watch, &idle}) {
    const grpc::Status status = stream->Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
    ExpectGapless(stream->events(), 0);
  }

  Start();
  Watch resumed(experiments_.get(), name, watch.events().back().sequence());
  EXPECT_TRUE(resumed.Finish().ok());
  std::vector<v1::Event> events = watch.events();
  events.insert(events.end(), resumed.events().begin(), resumed.events().end());
  ExpectGapless(events, 0);
  EXPECT_EQ(Get(name).state(), v1::RUN_STATE_SUCCEEDED);

  std::set<std::pair<std::string, int>> seen;
  bool was_put_back = false;
  for (const v1::Event& event : events) {
    if (event.has_epoch()) {
      EXPECT_TRUE(seen.emplace(event.run(), event.epoch().epoch()).second)
          << event.run() << " epoch " << event.epoch().epoch() << " came twice";
    }
    was_put_back = was_put_back || (event.state_change().from() == v1::RUN_STATE_RUNNING &&
                                    event.state_change().to() == v1::RUN_STATE_PENDING);
  }
  EXPECT_THAT(seen, SizeIs(kRuns * kEpochs));
  EXPECT_TRUE(was_put_back) << "the stop came after the end: nothing was tested";

  request.set_experiment_id("undisturbed");
  RunToEnd(request);
  for (int run = 0; run < kRuns; ++run) {
    const std::string stopped = absl::StrCat(name, "/runs/", run);
    const std::string whole = absl::StrCat("experiments/undisturbed/runs/", run);
    EXPECT_TRUE(BytesWithoutTimes(ListEpochs(stopped)) == BytesWithoutTimes(ListEpochs(whole)))
        << run;
    const v1::Run a = GetRun(stopped);
    const v1::Run b = GetRun(whole);
    ASSERT_EQ(a.test_results_size(), 2);
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(Same(a.test_results(i), b.test_results(i)));
  }
}

TEST_F(StopTest, ElapsedSecondsSumEpochSecondsAcrossStops) {
  const std::string name = StartEndless("e");
  Stop();
  Start();
  const int before = GetRun(name + "/runs/0").epochs_done();
  Watch watch(experiments_.get(), name);
  ASSERT_TRUE(
      watch.Until([&](const v1::Event& event) { return event.epoch().epoch() == before + 5; }));
  Cancel(name);
  EXPECT_TRUE(watch.Finish().ok());
  ASSERT_EQ(GetRun(name + "/runs/0").attempts(), 2);
  double elapsed = 0;
  for (const v1::Event& event : watch.events()) {
    if (!event.has_epoch()) continue;
    elapsed += event.epoch().epoch_seconds();
    ASSERT_NEAR(event.epoch().elapsed_seconds(), elapsed, 1e-9)
        << "epoch " << event.epoch().epoch();
  }
}

TEST_F(StopTest, EndedStreamsReportAReason) {
  const std::string name = StartEndless("e");
  Watch watch(experiments_.get(), name);
  ASSERT_TRUE(watch.Next());
  Stop();
  const grpc::Status status = watch.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
  EXPECT_NE(ReasonOf(status), "");
}

TEST_F(StopTest, HundredIdleWatchersDoNotDelayTheStop) {
  const std::string name = StartEndless("busy");
  v1::CreateExperimentRequest request = TinyRequest("e", kEndless);
  for (int seed = 0; seed < 3; ++seed) request.mutable_experiment()->add_seeds(seed);
  const std::string quiet = Create(request).name();
  std::vector<std::unique_ptr<Watch>> watches;
  for (int i = 0; i < 100; ++i) {
    watches.push_back(std::make_unique<Watch>(experiments_.get(), i % 2 == 0 ? name : quiet));
    ASSERT_TRUE(watches.back()->Next());
  }
  StopInTime();
  for (const auto& watch : watches) {
    EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
    ExpectGapless(watch->events(), 0);
  }
}

TEST_F(StopTest, CallsAfterTheStopAreUnavailable) {
  Create(TinyRequest("e", 1));
  Stop();
  EXPECT_EQ(TryGet("experiments/e").error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(StopTest, StopsRepeatedlyWhileIdle) {
  for (int i = 0; i < 3; ++i) {
    StopInTime();
    Start();
  }
  EXPECT_EQ(RunToEnd(TinyRequest("e", 1)).state(), v1::RUN_STATE_SUCCEEDED);
}

TEST_F(StopTest, RepeatedStopsKeepResultsBitIdentical) {
  const std::string name = Create(TinyRequest("e", 60)).name();
  for (int stop = 1; stop <= 3; ++stop) {
    Watch watch(experiments_.get(), name);
    ASSERT_TRUE(
        watch.Until([stop](const v1::Event& event) { return event.epoch().epoch() == 4 * stop; }));
    Stop();
    (void)watch.Finish();
    Start();
  }
  const std::vector<v1::Event> events = WaitForEnd(name);
  EXPECT_EQ(std::count_if(events.begin(), events.end(), IsEpoch), 60);
  RunToEnd(TinyRequest("whole", 60));
  EXPECT_TRUE(BytesWithoutTimes(ListEpochs(name + "/runs/0")) ==
              BytesWithoutTimes(ListEpochs("experiments/whole/runs/0")));
}

class StartTest : public DaemonTest {
 protected:
  absl::Status TryStart(const Options& options) { return Daemon::Start(options).status(); }
  // Options of a separate daemon.
  Options Other() const {
    Options options = DefaultOptions();
    options.data_dir = directory_.file("other");
    return options;
  }
};

TEST_F(StartTest, SecondDaemonOnTheSameDirectoryIsRefused) {
  const absl::Status status = TryStart(DefaultOptions());
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_TRUE(Mentions(status.message(), {directory_.file("data"), "another"}));
  EXPECT_EQ(RunToEnd(TinyRequest("e", 1)).state(), v1::RUN_STATE_SUCCEEDED);
}

TEST_F(StartTest, SecondDaemonOnTheSamePortIsRefused) {
  const std::string address = daemon_->server().addresses().at(0);
  Options options = Other();
  options.listening.local = {address};
  const absl::Status status = TryStart(options);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_TRUE(Mentions(status.message(), {address, "another"}));
  EXPECT_TRUE(TryStart(Other()).ok()) << "it has let go of its own directory";
  EXPECT_EQ(RunToEnd(TinyRequest("e", 1)).state(), v1::RUN_STATE_SUCCEEDED);
}

TEST_F(StartTest, SecondDaemonOnTheSameSocketIsRefused) {
  Options first_options = Other();
  const std::string address = absl::StrCat("unix:", directory_.file("socket"));
  first_options.listening.local = {address};
  const auto first = Daemon::Start(first_options);
  ASSERT_TRUE(first.ok()) << first.status();
  Options options = Other();
  options.data_dir = directory_.file("third");
  options.listening.local = {address};
  EXPECT_EQ(TryStart(options).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(StartTest, NonLoopbackAddressesAreRejected) {
  for (const char* address :
       {"0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.com:0", "127.0.0.1.example.com:0", ":0",
        "127.0.0.1", "localhost", "unix:", "", "dns:///example.com:0"}) {
    Options options = Other();
    options.listening.local = {"127.0.0.1:0", address};
    const absl::Status status = TryStart(options);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << address << ": " << status;
    EXPECT_TRUE(Mentions(status.message(), {address}));
  }
}

TEST_F(StartTest, TooLongSocketPathIsRejected) {
  Options options = Other();
  options.listening.local = {"unix:/tmp/" + std::string(200, 'x')};
  EXPECT_EQ(TryStart(options).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(StartTest, SocketServesAndIsPrivateToItsOwner) {
  const std::string socket = directory_.file("socket");
  Options options = Other();
  options.listening.local = {"unix:" + socket, "127.0.0.1:0"};
  const auto daemon = Daemon::Start(options);
  ASSERT_TRUE(daemon.ok()) << daemon.status();
  const std::vector<std::string> addresses = (*daemon)->server().addresses();
  ASSERT_THAT(addresses, SizeIs(2));
  EXPECT_EQ(addresses[0], "unix:" + socket);
  EXPECT_TRUE(absl::StartsWith(addresses[1], "127.0.0.1:"));
  EXPECT_NE(addresses[1], "127.0.0.1:0");
  Connect(addresses[0]);
  Create(TinyRequest("e", 1));
  Connect(addresses[1]);
  EXPECT_THAT(ListNames(), ElementsAre("experiments/e"));
  struct stat status = {};
  ASSERT_EQ(::stat(socket.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(StartTest, StaleSocketIsReplaced) {
  Options options = Other();
  options.listening.local = {"unix:" + directory_.file("socket")};
  EXPECT_TRUE(TryStart(options).ok());
  EXPECT_TRUE(TryStart(options).ok());
}

}  // namespace
}  // namespace anneal
