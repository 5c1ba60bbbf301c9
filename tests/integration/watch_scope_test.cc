// Tests watching a single run or all experiments, and heartbeats.

#include <map>
#include <string>

#include "gtest/gtest.h"
#include "tests/integration/daemon_test.h"

namespace anneal {
namespace {

class ScopeTest : public DaemonTest {
 protected:
  static v1::WatchExperimentRequest All(int64_t after) {
    v1::WatchExperimentRequest request;
    request.set_name("experiments/-");
    request.set_after_position(after);
    return request;
  }
};

TEST_F(ScopeTest, RunIsWatchedAloneAndToItsEnd) {
  v1::CreateExperimentRequest request = TinyRequest("e", 3);
  request.mutable_experiment()->add_seeds(0);
  request.mutable_experiment()->add_seeds(1);
  const std::string name = Create(request).name();
  Watch watch(experiments_.get(), name + "/runs/1");
  const grpc::Status status = watch.Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  int epochs = 0;
  int64_t last = 0;
  for (const v1::Event& event : watch.events()) {
    EXPECT_EQ(event.run(), name + "/runs/1");
    EXPECT_GT(event.sequence(), last);
    last = event.sequence();
    epochs += event.has_epoch() ? 1 : 0;
  }
  EXPECT_EQ(epochs, 3);
  EXPECT_EQ(watch.events().back().state_change().to(), v1::RUN_STATE_SUCCEEDED);
  // From a cursor in the log, the stream is the remaining events.
  WaitForEnd(name);
  Watch rest(experiments_.get(), name + "/runs/1", watch.events()[1].sequence());
  EXPECT_TRUE(rest.Finish().ok());
  EXPECT_EQ(rest.events().size(), watch.events().size() - 2);
}

TEST_F(ScopeTest, AllExperimentsAreWatchedWithoutGap) {
  RunToEnd(TinyRequest("a", 1));
  Context context;
  const auto reader = experiments_->WatchExperiment(&context, All(0));
  const std::string b = Create(TinyRequest("b", 2)).name();
  const std::string c = Create(TinyRequest("c", 2)).name();
  WaitForEnd(b);
  WaitForEnd(c);
  const int64_t expected =
      Get("experiments/a").last_sequence() + Get(b).last_sequence() + Get(c).last_sequence();
  v1::Event event;
  std::map<std::string, int64_t> sequences;
  for (int64_t position = 1; position <= expected; ++position) {
    ASSERT_TRUE(reader->Read(&event));
    EXPECT_EQ(event.position(), position);
    EXPECT_EQ(event.sequence(), ++sequences[event.experiment()]) << "of each, each once";
  }
  EXPECT_EQ(sequences.size(), 3U);
  context.TryCancel();
  (void)reader->Finish();

  // From now on: existing events are not sent.
  Context later;
  v1::WatchExperimentRequest request = All(-1);
  request.mutable_heartbeat()->set_seconds(3600);
  const auto live = experiments_->WatchExperiment(&later, request);
  ASSERT_TRUE(live->Read(&event));
  EXPECT_TRUE(event.has_heartbeat()) << "the first tells where the log stands";
  EXPECT_EQ(event.position(), expected);
  Create(TinyRequest("d", 1));
  ASSERT_TRUE(live->Read(&event));
  EXPECT_EQ(event.position(), expected + 1);
  EXPECT_EQ(event.experiment(), "experiments/d");
  later.TryCancel();
  (void)live->Finish();
}

TEST_F(ScopeTest, HeartbeatsAreSentWhileIdleAndLoseNoEvents) {
  const std::string name = StartEndless("e");
  Context pause_context;
  v1::PauseExperimentRequest pause;
  pause.set_name(name);
  v1::Experiment paused;
  ASSERT_TRUE(experiments_->PauseExperiment(&pause_context, pause, &paused).ok());
  Context context;
  v1::WatchExperimentRequest request;
  request.set_name(name);
  request.mutable_heartbeat()->set_seconds(1);
  const auto reader = experiments_->WatchExperiment(&context, request);
  v1::Event event;
  int64_t last = 0;
  int beats = 0;
  while (beats < 2 && reader->Read(&event)) {
    if (event.has_heartbeat()) {
      EXPECT_EQ(event.sequence(), last);
      EXPECT_EQ(event.experiment(), name);
      ++beats;
    } else {
      EXPECT_EQ(event.sequence(), ++last);
    }
  }
  EXPECT_EQ(beats, 2);
  Cancel(name);
  while (reader->Read(&event)) {
    if (!event.has_heartbeat()) {
      EXPECT_EQ(event.sequence(), ++last);
    }
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(last, Get(name).last_sequence());
}

TEST_F(ScopeTest, InvalidCursorsAndHeartbeatsAreRejected) {
  const std::string name = RunToEnd(TinyRequest("e", 1)).name();
  const auto refused = [&](const v1::WatchExperimentRequest& request) {
    Context context;
    const auto reader = experiments_->WatchExperiment(&context, request);
    v1::Event event;
    EXPECT_FALSE(reader->Read(&event));
    return reader->Finish();
  };
  v1::WatchExperimentRequest request;
  request.set_name(name);
  request.set_after_position(1);
  EXPECT_EQ(ViolationsOf(refused(request)).count("after_position"), 1U);
  request.clear_after_position();
  request.mutable_heartbeat()->set_nanos(1000);
  EXPECT_EQ(ViolationsOf(refused(request)).count("heartbeat"), 1U);
  request.mutable_heartbeat()->set_seconds(3601);
  EXPECT_EQ(ViolationsOf(refused(request)).count("heartbeat"), 1U);
  request = All(0);
  request.set_after_sequence(1);
  EXPECT_EQ(ViolationsOf(refused(request)).count("after_sequence"), 1U);
  EXPECT_EQ(refused(All(999)).error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_EQ(refused(All(-2)).error_code(), grpc::StatusCode::OUT_OF_RANGE);
  request = v1::WatchExperimentRequest();
  request.set_name(name + "/runs/7");
  EXPECT_EQ(refused(request).error_code(), grpc::StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace anneal
