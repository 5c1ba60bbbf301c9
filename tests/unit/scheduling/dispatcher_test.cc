#include "server/scheduling/dispatcher.h"

#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/scheduling/policy.h"
#include "tests/unit/scheduling/fake_executor.h"
#include "tests/unit/scheduling/scheduling_test_util.h"

namespace anneal::scheduling {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<int64_t> KeysOf(const std::vector<v1::RunAssignment>& assignments) {
  std::vector<int64_t> keys;
  for (const v1::RunAssignment& assignment : assignments) keys.push_back(assignment.run_id());
  return keys;
}

class DispatcherTest : public SchedulingTest {
 protected:
  ~DispatcherTest() override {
    dispatcher_.reset();
    EXPECT_TRUE(executor_ == nullptr || executor_->violations() == 0);
  }

  void Create(int workers) {
    executor_ = std::make_unique<FakeExecutor>(workers);
    dispatcher_ = std::make_unique<Dispatcher>(store_.get(), &checkpoints_, executor_.get(),
                                               &metrics_, limits_, [] { return store::kNow; });
  }
  void Begin(int workers) {
    Create(workers);
    ASSERT_EQ(dispatcher_->Begin(), absl::OkStatus());
  }
  // Inserts an experiment and returns the keys of its runs.
  std::vector<int64_t> InsertRuns(const std::string& id, int count, int32_t priority = 0) {
    Insert(store::SomeExperiment(id, count, priority));
    std::vector<int64_t> keys;
    for (int run = 0; run < count; ++run) keys.push_back(RunKeyOf(id, run));
    return keys;
  }
  // Blocks until the dispatcher has processed the current queue.
  void Look() {
    ASSERT_TRUE(executor_->WaitForLook([this] { dispatcher_->Wake(); }));
  }
  // A worker completes a run.
  void Complete(int64_t run) {
    EXPECT_EQ(executor_->Report(Completed(run)), absl::OkStatus());
    executor_->Leave(run);
  }
  absl::Status ChangeRun(int64_t ordinal, Command command) {
    return dispatcher_->ChangeRun({.experiment_id = "e", .ordinal = ordinal}, command);
  }

  store::UsageLimits limits_;
  std::unique_ptr<FakeExecutor> executor_;
  std::unique_ptr<Dispatcher> dispatcher_;
};

TEST_F(DispatcherTest, StartsAsManyRunsAsThereAreIdleWorkersInOrder) {
  const std::vector<int64_t> runs = InsertRuns("e", 4);
  Begin(2);
  ASSERT_THAT(executor_->WaitForStarts(2), SizeIs(2));
  Look();
  EXPECT_THAT(KeysOf(executor_->started()), ElementsAre(runs[0], runs[1]));
  EXPECT_EQ(StateOf(runs[1]), v1::RUN_STATE_RUNNING);
  EXPECT_EQ(StateOf(runs[2]), v1::RUN_STATE_PENDING);
  Complete(runs[1]);
  ASSERT_THAT(executor_->WaitForStarts(3), SizeIs(3));
  Complete(runs[2]);
  EXPECT_THAT(KeysOf(executor_->WaitForStarts(4)), ElementsAre(runs[0], runs[1], runs[2], runs[3]));
}

TEST_F(DispatcherTest, StartsHigherPrioritiesFirst) {
  const std::vector<int64_t> low = InsertRuns("low", 1, -1);
  const std::vector<int64_t> high = InsertRuns("high", 1, 7);
  const std::vector<int64_t> middle = InsertRuns("middle", 1, 3);
  Begin(3);
  EXPECT_THAT(KeysOf(executor_->WaitForStarts(3)), ElementsAre(high[0], middle[0], low[0]));
}

TEST_F(DispatcherTest, StartsRunsThatAreSubmittedLater) {
  Begin(1);
  Look();
  EXPECT_THAT(executor_->started(), IsEmpty());
  const std::vector<int64_t> runs = InsertRuns("e", 1);
  dispatcher_->Wake();
  EXPECT_THAT(KeysOf(executor_->WaitForStarts(1)), ElementsAre(runs[0]));
  EXPECT_EQ(executor_->started()[0].name(), "experiments/e/runs/0");
}

TEST_F(DispatcherTest, RetriesRunsThatAnEarlierDaemonLeftRunning) {
  const std::vector<int64_t> runs = InsertRuns("e", 2);
  for (const int64_t run : runs) {
    ASSERT_EQ(Change(run, v1::RUN_STATE_RUNNING), absl::OkStatus());
  }
  ASSERT_EQ(SetLosses(runs[1], kMaxLosses - 1), absl::OkStatus());
  Begin(2);
  EXPECT_THAT(KeysOf(executor_->WaitForStarts(2)), ElementsAre(runs[0], runs[1]));
  EXPECT_EQ(StateOf(runs[0]), v1::RUN_STATE_RUNNING);
  EXPECT_EQ(LossesOf(runs[0]), 1);
  EXPECT_EQ(LossesOf(runs[1]), kMaxLosses);
}

TEST_F(DispatcherTest, GivesUpARunWhoseWorkerWasLostTooOften) {
  const std::vector<int64_t> runs = InsertRuns("e", 2);
  ASSERT_EQ(Change(runs[0], v1::RUN_STATE_RUNNING), absl::OkStatus());
  ASSERT_EQ(SetLosses(runs[0], kMaxLosses), absl::OkStatus());
  Begin(2);
  EXPECT_THAT(KeysOf(executor_->WaitForStarts(1)), ElementsAre(runs[1]));
  EXPECT_EQ(StateOf(runs[0]), v1::RUN_STATE_FAILED);
  const v1::Failure failure = GetRunOf("e", 0).failure();
  EXPECT_EQ(failure.reason(), v1::FAILURE_REASON_WORKER_LOST);
  EXPECT_THAT(failure.message(), HasSubstr("11 times"));
}

TEST_F(DispatcherTest, CancellingStopsTheWorkerAndIsFinalAtOnce) {
  const std::vector<int64_t> runs = InsertRuns("e", 2);
  Begin(1);
  ASSERT_THAT(executor_->WaitForStarts(1), SizeIs(1));
  EXPECT_FALSE(executor_->WasAskedToStop(runs[0]));
  EXPECT_EQ(dispatcher_->ChangeExperiment("e", Command::kCancel), absl::OkStatus());
  EXPECT_TRUE(executor_->WasAskedToStop(runs[0]));
  EXPECT_EQ(StateOf(runs[0]), v1::RUN_STATE_CANCELLED);
  EXPECT_EQ(StateOf(runs[1]), v1::RUN_STATE_CANCELLED);
  EXPECT_TRUE(dispatcher_->HasWorker(runs[0]));
  EXPECT_EQ(executor_->Report(EpochOf(runs[0], 1)).code(), absl::StatusCode::kCancelled);
  executor_->Leave(runs[0]);
  EXPECT_FALSE(dispatcher_->HasWorker(runs[0]));
  Look();
  EXPECT_THAT(executor_->started(), SizeIs(1)) << "the other run was cancelled too";
}

TEST_F(DispatcherTest, PausingStopsTheWorkerAndGivesItsPlaceToTheNextRun) {
  const std::vector<int64_t> runs = InsertRuns("e", 2);
  Begin(1);
  ASSERT_THAT(executor_->WaitForStarts(1), SizeIs(1));
  EXPECT_EQ(ChangeRun(0, Command::kPause), absl::OkStatus());
  EXPECT_TRUE(executor_->WasAskedToStop(runs[0]));
  EXPECT_EQ(StateOf(runs[0]), v1::RUN_STATE_SUSPENDED);
  executor_->Leave(runs[0]);
  EXPECT_THAT(KeysOf(executor_->WaitForStarts(2)), ElementsAre(runs[0], runs[1]));
  EXPECT_FALSE(executor_->WasAskedToStop(runs[1]));
}

TEST_F(DispatcherTest, ARunStillHeldByAWorkerIsNotReassigned) {
  const std::vector<int64_t> runs = InsertRuns("e", 1);
  Begin(2);
  ASSERT_THAT(executor_->WaitForStarts(1), SizeIs(1));
  EXPECT_EQ(ChangeRun(0, Command::kPause), absl::OkStatus());
  EXPECT_EQ(ChangeRun(0, Command::kResume), absl::OkStatus());
  Look();
  EXPECT_THAT(executor_->started(), SizeIs(1)) << "its first worker has not left";
  EXPECT_EQ(StateOf(runs[0]), v1::RUN_STATE_PENDING);
  // The last epoch of the old worker is recorded, its final report is not.
  EXPECT_EQ(executor_->Report(EpochOf(runs[0], 1)), absl::OkStatus());
  EXPECT_EQ(executor_->Report(Stopped(runs[0])).code(), absl::StatusCode::kCancelled);
  executor_->Leave(runs[0]);
  EXPECT_THAT(KeysOf(executor_->WaitForStarts(2)), ElementsAre(runs[0], runs[0]));
  EXPECT_EQ(GetRunOf("e", 0).epochs_done(), 1);
}

TEST_F(DispatcherTest, AHeldRunDoesNotKeepOthersFromIdleWorkers) {
  const std::vector<int64_t> first = InsertRuns("e", 2, 5);
  Begin(3);
  ASSERT_THAT(executor_->WaitForStarts(2), SizeIs(2));
  EXPECT_EQ(dispatcher_->ChangeExperiment("e", Command::kPause), absl::OkStatus());
  EXPECT_EQ(dispatcher_->ChangeExperiment("e", Command::kResume), absl::OkStatus());
  // Both are at the head of the queue, but workers still hold them.
  const std::vector<int64_t> later = InsertRuns("later", 1);
  dispatcher_->Wake();
  EXPECT_THAT(KeysOf(executor_->WaitForStarts(3)), ElementsAre(first[0], first[1], later[0]));
}

TEST_F(DispatcherTest, InapplicableCommandsAreRejected) {
  const std::vector<int64_t> runs = InsertRuns("e", 1);
  Begin(1);
  ASSERT_THAT(executor_->WaitForStarts(1), SizeIs(1));
  Complete(runs[0]);
  EXPECT_EQ(ChangeRun(0, Command::kPause).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ChangeRun(0, Command::kRetry).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ChangeRun(0, Command::kCancel), absl::OkStatus()) << "it has ended already";
  EXPECT_EQ(StateOf(runs[0]), v1::RUN_STATE_SUCCEEDED);
  EXPECT_EQ(ChangeRun(7, Command::kCancel).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(dispatcher_->ChangeExperiment("none", Command::kCancel).code(),
            absl::StatusCode::kNotFound);
}

TEST_F(DispatcherTest, ACommandOnAnExperimentChangesTheRunsToWhichItApplies) {
  const std::vector<int64_t> runs = InsertRuns("e", 3);
  Begin(1);
  ASSERT_THAT(executor_->WaitForStarts(1), SizeIs(1));
  Complete(runs[0]);
  ASSERT_THAT(executor_->WaitForStarts(2), SizeIs(2));
  EXPECT_EQ(dispatcher_->ChangeExperiment("e", Command::kPause), absl::OkStatus());
  EXPECT_EQ(StateOf(runs[0]), v1::RUN_STATE_SUCCEEDED);
  EXPECT_EQ(StateOf(runs[1]), v1::RUN_STATE_SUSPENDED);
  EXPECT_EQ(StateOf(runs[2]), v1::RUN_STATE_SUSPENDED);
}

TEST_F(DispatcherTest, ARetryResetsTheLossCount) {
  const std::vector<int64_t> runs = InsertRuns("e", 1);
  ASSERT_EQ(Change(runs[0], v1::RUN_STATE_RUNNING), absl::OkStatus());
  ASSERT_EQ(SetLosses(runs[0], kMaxLosses), absl::OkStatus());
  Begin(1);
  ASSERT_EQ(StateOf(runs[0]), v1::RUN_STATE_FAILED);
  EXPECT_EQ(ChangeRun(0, Command::kRetry), absl::OkStatus());
  EXPECT_THAT(KeysOf(executor_->WaitForStarts(1)), ElementsAre(runs[0]));
  EXPECT_EQ(LossesOf(runs[0]), 0);
}

TEST_F(DispatcherTest, ARetryBeyondTheOwnersQuotaChangesNothing) {
  limits_.unended_runs = 1;
  const std::vector<int64_t> runs = InsertRuns("e", 2);
  for (const int64_t run : runs) {
    ASSERT_EQ(Change(run, v1::RUN_STATE_CANCELLED), absl::OkStatus());
  }
  Begin(1);
  EXPECT_EQ(dispatcher_->ChangeExperiment("e", Command::kRetry).code(),
            absl::StatusCode::kResourceExhausted);
  for (const int64_t run : runs) EXPECT_EQ(StateOf(run), v1::RUN_STATE_CANCELLED);
  EXPECT_EQ(ChangeRun(0, Command::kRetry), absl::OkStatus());
}

class CheckpointedRunTest : public DispatcherTest {
 protected:
  // Begins with a run that has checkpoints after steps 10 and 20.
  void SetUp() override {
    DispatcherTest::SetUp();
    run_ = InsertRuns("e", 1)[0];
    Begin(1);
    ASSERT_THAT(executor_->WaitForStarts(1), SizeIs(1));
    EXPECT_EQ(executor_->Report(Started(run_)), absl::OkStatus());
    EXPECT_EQ(executor_->Report(CheckpointOf(run_, 10, "ten")), absl::OkStatus());
    EXPECT_EQ(executor_->Report(CheckpointOf(run_, 20, "twenty")), absl::OkStatus());
    ASSERT_THAT(CheckpointsOf(run_), SizeIs(2));
  }
  // Returns the assignment that the run gets after it was paused and resumed.
  v1::RunAssignment StartAgain() {
    EXPECT_EQ(ChangeRun(0, Command::kPause), absl::OkStatus());
    executor_->Leave(run_);
    EXPECT_EQ(ChangeRun(0, Command::kResume), absl::OkStatus());
    const auto started = executor_->WaitForStarts(2);
    EXPECT_THAT(started, SizeIs(2));
    return started.back();
  }

  int64_t run_ = 0;
};

TEST_F(CheckpointedRunTest, ResumesFromItsLatestCheckpoint) {
  const v1::RunAssignment assignment = StartAgain();
  EXPECT_EQ(assignment.checkpoint(), "twenty");
  EXPECT_EQ(assignment.dataset_sha256(), "0123abcd");
}

TEST_F(CheckpointedRunTest, FallsBackFromADamagedCheckpointAndForgetsIt) {
  Damage(PathOf(CheckpointsOf(run_)[0]));
  const v1::RunAssignment assignment = StartAgain();
  EXPECT_EQ(assignment.checkpoint(), "ten");
  EXPECT_EQ(assignment.dataset_sha256(), "0123abcd");
  const auto rows = CheckpointsOf(run_);
  ASSERT_THAT(rows, SizeIs(1));
  EXPECT_EQ(rows[0].step, 10);
}

TEST_F(CheckpointedRunTest, StartsOverWhenAllItsCheckpointsAreDamaged) {
  for (const store::CheckpointRow& row : CheckpointsOf(run_)) Damage(PathOf(row));
  const v1::RunAssignment assignment = StartAgain();
  EXPECT_EQ(assignment.checkpoint(), "");
  EXPECT_EQ(assignment.dataset_sha256(), "") << "it may start over on other data";
  EXPECT_THAT(CheckpointsOf(run_), IsEmpty());
}

TEST_F(CheckpointedRunTest, StartsOverOnAnotherKindOfBuildOrProcessor) {
  executor_->set_kind("another kind");
  const v1::RunAssignment assignment = StartAgain();
  EXPECT_EQ(assignment.checkpoint(), "");
  EXPECT_EQ(assignment.dataset_sha256(), "");
  EXPECT_THAT(CheckpointsOf(run_), IsEmpty());
  EXPECT_EQ(QueryInt("SELECT started_over = attempts FROM runs"), 1);
}

TEST_F(DispatcherTest, ShutdownRequeuesRunsAndIsIdempotent) {
  const std::vector<int64_t> runs = InsertRuns("e", 2);
  Begin(1);
  ASSERT_THAT(executor_->WaitForStarts(1), SizeIs(1));
  dispatcher_->Shutdown();
  EXPECT_THAT(executor_->shutdown_results(), ElementsAre(absl::OkStatus()));
  EXPECT_EQ(StateOf(runs[0]), v1::RUN_STATE_PENDING);
  dispatcher_->Wake();
  dispatcher_->Shutdown();
  EXPECT_THAT(executor_->started(), SizeIs(1)) << "nothing starts any more";
  EXPECT_EQ(executor_->shutdowns(), 2);
  EXPECT_EQ(StateOf(runs[0]), v1::RUN_STATE_PENDING);
}

TEST_F(DispatcherTest, ShutdownBeforeBeginDoesNothing) {
  InsertRuns("e", 1);
  Create(1);
  dispatcher_->Shutdown();
  EXPECT_THAT(executor_->started(), IsEmpty());
}

TEST_F(DispatcherTest, ShutdownEndsTheWaitForAFullDisk) {
  const std::vector<int64_t> runs = InsertRuns("e", 1);
  Begin(1);
  ASSERT_THAT(executor_->WaitForStarts(1), SizeIs(1));
  std::ofstream(directory_.file("checkpoints")) << "a file where the directory should be";
  absl::Status result;
  std::thread worker([&] { result = executor_->Report(CheckpointOf(runs[0], 5, "a")); });
  dispatcher_->Shutdown();
  worker.join();
  EXPECT_EQ(result.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(CheckpointsOf(runs[0]), IsEmpty());
}

}  // namespace
}  // namespace anneal::scheduling
