#include "server/scheduling/run_recorder.h"

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/scheduling/scheduling_test_util.h"

namespace anneal::scheduling {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RunRecorderTest : public SchedulingTest {
 protected:
  void SetUp() override {
    SchedulingTest::SetUp();
    Insert(store::SomeExperiment("e", 2));
    run_ = RunKeyOf("e", 0);
    ASSERT_EQ(Change(run_, v1::RUN_STATE_RUNNING), absl::OkStatus());
  }

  // For tests of retries: `on_clock` is called at each attempt to write a checkpoint.
  int64_t Now() {
    if (on_clock_) on_clock_();
    return store::kNow;
  }
  int64_t EpochCount() {
    return QueryInt(absl::StrCat("SELECT COUNT(*) FROM epochs WHERE run_id = ", run_));
  }
  std::vector<std::string> Files() const {
    std::vector<std::string> files;
    if (!fs::exists(directory_.file("checkpoints"))) return files;
    for (const auto& entry : fs::recursive_directory_iterator(directory_.file("checkpoints"))) {
      if (entry.is_regular_file()) files.push_back(entry.path().string());
    }
    return files;
  }

  int64_t run_ = 0;
  std::function<void()> on_clock_;
  DiskRetry retry_{std::chrono::milliseconds(1)};
  // The store is made in SetUp.
  RunRecorder Recorder() {
    return {store_.get(), &checkpoints_, &metrics_, &retry_, [this] { return Now(); }};
  }
};

TEST_F(RunRecorderTest, RecordsTheStartAndTheEpochsOfARun) {
  RunRecorder recorder = Recorder();
  EXPECT_EQ(recorder.Record(Started(run_)), absl::OkStatus());
  EXPECT_EQ(GetRunOf("e", 0).engine(), "fused");
  EXPECT_THAT(GetRunOf("e", 0).attempt_log(), SizeIs(1));
  EXPECT_EQ(recorder.Record(EpochOf(run_, 1)), absl::OkStatus());
  EXPECT_EQ(recorder.Record(EpochOf(run_, 2)), absl::OkStatus());
  EXPECT_EQ(GetRunOf("e", 0).epochs_done(), 2);
  EXPECT_EQ(EpochCount(), 2);
}

TEST_F(RunRecorderTest, RecordsACompletedRunWithItsTestResultsAndDigests) {
  v1::RunReport report = Completed(run_);
  report.mutable_end()->mutable_completed()->set_weights_sha256("aaa");
  report.mutable_end()->mutable_completed()->set_best_weights_sha256("bbb");
  EXPECT_EQ(Recorder().Record(report), absl::OkStatus());
  EXPECT_EQ(StateOf(run_), v1::RUN_STATE_SUCCEEDED);
  const v1::Run run = GetRunOf("e", 0);
  EXPECT_THAT(run.test_results(), SizeIs(1));
  EXPECT_EQ(run.weights_sha256(), "aaa");
  EXPECT_EQ(run.best_weights_sha256(), "bbb");
}

TEST_F(RunRecorderTest, RecordsTheDigestsOfARunThatIsNotTested) {
  v1::RunReport report;
  report.set_run_id(run_);
  report.mutable_end()->mutable_completed()->set_weights_sha256("aaa");
  EXPECT_EQ(Recorder().Record(report), absl::OkStatus());
  EXPECT_EQ(StateOf(run_), v1::RUN_STATE_SUCCEEDED);
  EXPECT_EQ(GetRunOf("e", 0).weights_sha256(), "aaa");
  EXPECT_EQ(GetRunOf("e", 0).best_weights_sha256(), "");
  EXPECT_THAT(GetRunOf("e", 0).test_results(), IsEmpty());
}

TEST_F(RunRecorderTest, RecordsAFailureAsTheWorkerReportedIt) {
  EXPECT_EQ(Recorder().Record(FailedWith(run_, v1::FAILURE_REASON_DIVERGED, "loss was inf")),
            absl::OkStatus());
  EXPECT_EQ(StateOf(run_), v1::RUN_STATE_FAILED);
  EXPECT_EQ(GetRunOf("e", 0).failure().reason(), v1::FAILURE_REASON_DIVERGED);
  EXPECT_EQ(GetRunOf("e", 0).failure().message(), "loss was inf");
}

TEST_F(RunRecorderTest, RequeuesARunThatStopped) {
  EXPECT_EQ(Recorder().Record(Stopped(run_)), absl::OkStatus());
  EXPECT_EQ(StateOf(run_), v1::RUN_STATE_PENDING);
}

TEST_F(RunRecorderTest, AnEpochItsEventAndItsCheckpointAreRecordedTogether) {
  v1::RunReport report = EpochOf(run_, 1);
  report.mutable_epoch()->mutable_checkpoint()->set_step(10);
  report.mutable_epoch()->mutable_checkpoint()->set_epoch(1);
  report.mutable_epoch()->mutable_checkpoint()->set_best(true);
  report.mutable_epoch()->mutable_checkpoint()->set_contents("weights");
  EXPECT_EQ(Recorder().Record(report), absl::OkStatus());
  EXPECT_EQ(EpochCount(), 1);
  const auto rows = CheckpointsOf(run_);
  ASSERT_THAT(rows, SizeIs(1));
  EXPECT_EQ(rows[0].step, 10);
  EXPECT_EQ(rows[0].epoch, 1);
  EXPECT_TRUE(rows[0].best);
  EXPECT_EQ(*checkpoints_.Read(rows[0].file), "weights");
}

TEST_F(RunRecorderTest, ACheckpointShowsThatTheRunMakesProgress) {
  ASSERT_EQ(SetLosses(run_, 3), absl::OkStatus());
  EXPECT_EQ(Recorder().Record(CheckpointOf(run_, 5, "a")), absl::OkStatus());
  EXPECT_EQ(LossesOf(run_), 0);
}

TEST_F(RunRecorderTest, RemovesOrphanedFiles) {
  RunRecorder recorder = Recorder();
  EXPECT_EQ(recorder.Record(CheckpointOf(run_, 5, "a")), absl::OkStatus());
  const std::string stray = fs::path(PathOf(CheckpointsOf(run_)[0])).replace_filename("stray");
  std::ofstream(stray) << "left by a crash";
  for (const int step : {6, 7, 8}) {
    EXPECT_EQ(recorder.Record(CheckpointOf(run_, step, "b")), absl::OkStatus());
  }
  const auto rows = CheckpointsOf(run_);
  EXPECT_THAT(rows, SizeIs(2)) << "the last two are kept";
  EXPECT_THAT(Files(), SizeIs(2));
  EXPECT_FALSE(fs::exists(stray));
}

TEST_F(RunRecorderTest, RefusesEveryReportAboutAFinishedRun) {
  ASSERT_EQ(Change(run_, v1::RUN_STATE_CANCELLED), absl::OkStatus());
  RunRecorder recorder = Recorder();
  for (const v1::RunReport& report : {Started(run_), EpochOf(run_, 1), CheckpointOf(run_, 5, "a"),
                                      Completed(run_), Stopped(run_)}) {
    EXPECT_EQ(recorder.Record(report).code(), absl::StatusCode::kCancelled);
  }
  EXPECT_EQ(StateOf(run_), v1::RUN_STATE_CANCELLED);
  EXPECT_EQ(EpochCount(), 0);
  EXPECT_THAT(CheckpointsOf(run_), IsEmpty());
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(RunRecorderTest, TheLastEpochOfASuspendedRunCountsButItsEndDoesNot) {
  ASSERT_EQ(Change(run_, v1::RUN_STATE_SUSPENDED), absl::OkStatus());
  RunRecorder recorder = Recorder();
  EXPECT_EQ(recorder.Record(EpochOf(run_, 1)), absl::OkStatus());
  EXPECT_EQ(recorder.Record(CheckpointOf(run_, 7, "a")), absl::OkStatus());
  for (const v1::RunReport& end :
       {Completed(run_), Stopped(run_), FailedWith(run_, v1::FAILURE_REASON_INTERNAL, "x")}) {
    EXPECT_EQ(recorder.Record(end).code(), absl::StatusCode::kCancelled);
  }
  EXPECT_EQ(StateOf(run_), v1::RUN_STATE_SUSPENDED);
  EXPECT_EQ(EpochCount(), 1);
  EXPECT_THAT(CheckpointsOf(run_), SizeIs(1));
  // Nor after a resume: the next worker reports it.
  ASSERT_EQ(Change(run_, v1::RUN_STATE_PENDING), absl::OkStatus());
  EXPECT_EQ(recorder.Record(EpochOf(run_, 2)), absl::OkStatus());
  EXPECT_EQ(recorder.Record(Completed(run_)).code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(StateOf(run_), v1::RUN_STATE_PENDING);
}

TEST_F(RunRecorderTest, ReportsAboutAPurgedRunAreNotFound) {
  EXPECT_EQ(Recorder().Record(EpochOf(987'654, 1)).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Recorder().Record(CheckpointOf(987'654, 1, "a")).code(), absl::StatusCode::kNotFound);
}

TEST_F(RunRecorderTest, AReportThatCanNeverBeStoredFailsTheRun) {
  v1::RunReport report = Completed(run_);
  *report.mutable_end()->mutable_completed()->add_test_results() =
      store::SomeResult(v1::TestResult::WEIGHTS_LAST);  // two results of the same weights
  EXPECT_EQ(Recorder().Record(report).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(StateOf(run_), v1::RUN_STATE_FAILED);
  const v1::Failure failure = GetRunOf("e", 0).failure();
  EXPECT_EQ(failure.reason(), v1::FAILURE_REASON_INTERNAL);
  EXPECT_THAT(failure.message(), HasSubstr("cannot be stored"));
}

TEST_F(RunRecorderTest, WaitsWhileTheDiskRefusesACheckpoint) {
  const std::string obstacle = directory_.file("checkpoints");
  std::ofstream(obstacle) << "a file where the directory should be";
  int attempts = 0;
  on_clock_ = [&] {
    if (++attempts == 3) fs::remove(obstacle);
  };
  EXPECT_EQ(Recorder().Record(CheckpointOf(run_, 5, "a")), absl::OkStatus());
  EXPECT_GE(attempts, 3);
  EXPECT_THAT(CheckpointsOf(run_), SizeIs(1));
  EXPECT_EQ(StateOf(run_), v1::RUN_STATE_RUNNING);
}

TEST_F(RunRecorderTest, CancellingARunEndsItsWait) {
  std::ofstream(directory_.file("checkpoints")) << "a file where the directory should be";
  int attempts = 0;
  on_clock_ = [&] {
    if (++attempts == 2) {
      EXPECT_EQ(Change(run_, v1::RUN_STATE_CANCELLED), absl::OkStatus());
    }
  };
  EXPECT_EQ(Recorder().Record(CheckpointOf(run_, 5, "a")).code(), absl::StatusCode::kCancelled);
}

TEST_F(RunRecorderTest, GivingUpLeavesTheRunForTheNextDaemon) {
  std::ofstream(directory_.file("checkpoints")) << "a file where the directory should be";
  int attempts = 0;
  on_clock_ = [&] {
    if (++attempts == 2) retry_.GiveUp();
  };
  EXPECT_EQ(Recorder().Record(CheckpointOf(run_, 5, "a")).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(StateOf(run_), v1::RUN_STATE_RUNNING);
  EXPECT_THAT(CheckpointsOf(run_), IsEmpty());
}

}  // namespace
}  // namespace anneal::scheduling
