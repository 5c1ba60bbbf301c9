// Tests cancellation and the start order of runs.

#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/time_util.h"
#include "gtest/gtest.h"
#include "server/store/connection.h"
#include "tests/integration/daemon_test.h"

namespace anneal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// One worker and a clock on which no two moments are the same.
class QueueTest : public DaemonTest {
 protected:
  QueueTest() {
    workers_ = 1;
    clock_ = [ticks = std::make_shared<std::atomic<int64_t>>(1'700'000'000)] {
      return ticks->fetch_add(1) * 1'000'000;
    };
  }
  static int64_t StartOf(const v1::Run& run) {
    return google::protobuf::util::TimeUtil::TimestampToMicroseconds(run.start_time());
  }
};

TEST_F(QueueTest, PendingRunIsCancelledAtOnce) {
  const std::string busy = StartEndless("busy");
  v1::CreateExperimentRequest request = TinyRequest("waiting", 1);
  request.mutable_experiment()->add_seeds(1);
  request.mutable_experiment()->add_seeds(2);
  const std::string name = Create(request).name();
  EXPECT_EQ(GetRun(name + "/runs/1").queue_position(), 1);
  const v1::Run cancelled = CancelRun(name + "/runs/0");
  EXPECT_EQ(cancelled.name(), name + "/runs/0");
  EXPECT_EQ(cancelled.state(), v1::RUN_STATE_CANCELLED);
  EXPECT_TRUE(cancelled.has_end_time());
  EXPECT_FALSE(cancelled.has_start_time());
  EXPECT_EQ(cancelled.attempts(), 0);
  EXPECT_EQ(GetRun(name + "/runs/1").state(), v1::RUN_STATE_PENDING) << "the other waits on";
  EXPECT_EQ(GetRun(name + "/runs/1").queue_position(), 0);
  EXPECT_EQ(Get(name).state(), v1::RUN_STATE_PENDING);
  EXPECT_EQ(Get(name).run_counts().cancelled(), 1);
  Cancel(busy);
  WaitForEnd(name);
  EXPECT_EQ(GetRun(name + "/runs/0").state(), v1::RUN_STATE_CANCELLED);
  EXPECT_EQ(GetRun(name + "/runs/1").state(), v1::RUN_STATE_SUCCEEDED);
  EXPECT_EQ(Get(name).state(), v1::RUN_STATE_CANCELLED);
}

// A Timestamp could not represent them.
TEST_F(QueueTest, EstimatesBeyondAHundredYearsAreOmitted) {
  RunToEnd(TinyRequest("slow", 7));
  Stop();
  {
    const auto db = store::Connection::Open(directory_.file("data/anneal.db"),
                                            store::Connection::Mode::kReadWrite);
    ASSERT_TRUE(db.ok()) << db.status();
    ASSERT_TRUE((*db)->Execute("UPDATE epochs SET epoch_seconds = 1e12").ok());
  }
  Start();
  StartEndless("busy");
  v1::CreateExperimentRequest request = TinyRequest("waiting", 7);
  request.mutable_experiment()->add_seeds(0);
  request.mutable_experiment()->add_seeds(1);
  Create(request);
  Context context;
  v1::ListQueueResponse queue;
  ASSERT_TRUE(runs_->ListQueue(&context, v1::ListQueueRequest(), &queue).ok());
  ASSERT_EQ(queue.runs_size(), 2);
  EXPECT_TRUE(queue.runs(0).has_estimated_start_time());
  EXPECT_FALSE(queue.runs(1).has_estimated_start_time());
}

TEST_F(QueueTest, ListsShowTheQueuePositionOfEveryPendingRun) {
  const std::string busy = StartEndless("busy");
  v1::CreateExperimentRequest request = TinyRequest("waiting", 1);
  for (int seed = 0; seed < 5; ++seed) request.mutable_experiment()->add_seeds(seed);
  const std::string behind = Create(request).name();
  request.set_experiment_id("urgent");
  request.mutable_experiment()->set_priority(1);
  const std::string first = Create(request).name();
  CancelRun(behind + "/runs/2");
  CancelRun(first + "/runs/0");
  const auto places = [this](const std::string& name) {
    std::vector<int> positions;
    for (const v1::Run& run : ListRuns(name)) {
      positions.push_back(run.has_queue_position() ? run.queue_position() : -1);
      EXPECT_EQ(GetRun(run.name()).queue_position(), run.queue_position()) << run.name();
    }
    return positions;
  };
  EXPECT_THAT(places(first), ::testing::ElementsAre(-1, 0, 1, 2, 3));
  EXPECT_THAT(places(behind), ::testing::ElementsAre(4, 5, -1, 6, 7));
  Cancel(behind);
  Cancel(first);
  Cancel(busy);
}

TEST_F(QueueTest, CancellingARunningRunFreesItsWorker) {
  const std::string name = StartEndless("e");
  const v1::Experiment cancelled = Cancel(name);
  EXPECT_EQ(cancelled.state(), v1::RUN_STATE_CANCELLED);
  EXPECT_EQ(cancelled.run_counts().cancelled(), 1);
  EXPECT_EQ(cancelled.run_counts().running(), 0);
  const std::vector<v1::Event> events = WaitForEnd(name);
  EXPECT_EQ(events.back().state_change().to(), v1::RUN_STATE_CANCELLED);
  RunToEnd(TinyRequest("next", 1));
  EXPECT_EQ(GetRun("experiments/next/runs/0").state(), v1::RUN_STATE_SUCCEEDED);
  // Reports of the cancelled run are ignored.
  EXPECT_EQ(Get(name).last_sequence(), events.back().sequence());
  const v1::Run run = GetRun(name + "/runs/0");
  EXPECT_EQ(run.state(), v1::RUN_STATE_CANCELLED);
  EXPECT_TRUE(run.has_end_time());
  EXPECT_EQ(run.attempts(), 1);
  EXPECT_EQ(static_cast<int32_t>(ListEpochs(run.name()).size()), run.epochs_done());
}

TEST_F(QueueTest, CancelledRunStaysCancelledAfterARestart) {
  const std::string name = StartEndless("e");
  CancelRun(name + "/runs/0");
  Stop();
  Start();
  RunToEnd(TinyRequest("next", 1));
  EXPECT_EQ(GetRun(name + "/runs/0").state(), v1::RUN_STATE_CANCELLED);
}

TEST_F(QueueTest, CancellingAnEndedRunChangesNothing) {
  const v1::Experiment before = RunToEnd(TinyRequest("e", 1));
  const v1::Run run = GetRun("experiments/e/runs/0");
  EXPECT_TRUE(Same(Cancel("experiments/e"), before));
  EXPECT_TRUE(Same(CancelRun("experiments/e/runs/0"), run));
  EXPECT_TRUE(Same(Get("experiments/e"), before));

  const std::string name = StartEndless("f");
  const v1::Experiment cancelled = Cancel(name);
  EXPECT_TRUE(Same(Cancel(name), cancelled)) << "twice is once";
}

TEST_F(QueueTest, CancellingAnUnknownNameIsNotFound) {
  v1::Experiment experiment;
  v1::Run run;
  grpc::Status status = TryCancel("experiments/unknown", &experiment);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_NE(ReasonOf(status), "");
  EXPECT_EQ(TryCancelRun("experiments/unknown/runs/0", &run).error_code(),
            grpc::StatusCode::NOT_FOUND);
  RunToEnd(TinyRequest("e", 1));
  EXPECT_EQ(TryCancelRun("experiments/e/runs/1", &run).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(TryCancel("e", &experiment).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(TryCancelRun("experiments/e", &run).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(QueueTest, HigherPriorityStartsFirstThenEarlierSubmission) {
  const std::string busy = StartEndless("busy");
  const auto submit = [this](const std::string& id, int32_t priority) {
    v1::CreateExperimentRequest request = TinyRequest(id, 1);
    request.mutable_experiment()->set_priority(priority);
    request.mutable_experiment()->add_seeds(1);
    request.mutable_experiment()->add_seeds(2);
    Create(request);
  };
  submit("low", -10);
  submit("first", 0);
  submit("high", 10);
  submit("second", 0);
  const std::vector<std::string> order = {"high", "first", "second", "low"};
  for (size_t i = 0; i < order.size(); ++i) {
    EXPECT_EQ(GetRun(absl::StrCat("experiments/", order[i], "/runs/1")).queue_position(),
              static_cast<int>(2 * i + 1));
  }
  Cancel(busy);
  std::vector<int64_t> starts;
  for (const std::string& id : order) {
    WaitForEnd("experiments/" + id);
    for (const v1::Run& run : ListRuns("experiments/" + id)) starts.push_back(StartOf(run));
  }
  EXPECT_TRUE(std::is_sorted(starts.begin(), starts.end()));
}

TEST_F(QueueTest, ServerInfoCountsPendingRunsAndBusyWorkers) {
  const auto info = [this] {
    Context context;
    v1::ServerInfo response;
    EXPECT_TRUE(server_->GetServerInfo(&context, {}, &response).ok());
    return response;
  };
  EXPECT_EQ(info().workers(), 1);
  EXPECT_EQ(info().workers_busy(), 0);
  EXPECT_EQ(info().runs_pending(), 0);
  const std::string busy = StartEndless("busy");
  Create(TinyRequest("waiting", 1));
  EXPECT_EQ(info().workers_busy(), 1);
  EXPECT_EQ(info().runs_pending(), 1);
  Cancel(busy);
  WaitForEnd("experiments/waiting");
  EXPECT_EQ(info().runs_pending(), 0);
}

}  // namespace
}  // namespace anneal
