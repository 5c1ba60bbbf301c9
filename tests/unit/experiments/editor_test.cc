#include "server/experiments/editor.h"

#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "common/status.h"
#include "gtest/gtest.h"
#include "server/store/experiment_store.h"
#include "server/store/run_store.h"
#include "tests/unit/scheduling/fake_executor.h"
#include "tests/unit/scheduling/scheduling_test_util.h"

namespace anneal::experiments {
namespace {

// An editor over a stored experiment `e` of two pending runs; the dispatcher starts none.
class EditorTest : public scheduling::SchedulingTest {
 protected:
  void SetUp() override {
    SchedulingTest::SetUp();
    const auto clock = [] { return store::kNow; };
    dispatcher_ = std::make_unique<scheduling::Dispatcher>(store_.get(), &checkpoints_, &executor_,
                                                           &metrics_, store::UsageLimits(), clock);
    editor_ = std::make_unique<Editor>(store_.get(), &checkpoints_, dispatcher_.get(), clock);
    Insert(store::SomeExperiment("e", 2));
  }

  v1::Experiment Stored(const std::string& id = "e") {
    return Read([&](store::Connection& db) { return store::GetExperiment(db, id); });
  }
  v1::Run StoredRun(int64_t ordinal) {
    return Read([&](store::Connection& db) {
      return store::GetRun(db, {.experiment_id = "e", .ordinal = ordinal}, v1::RUN_VIEW_BASIC);
    });
  }
  static v1::UpdateExperimentRequest UpdateOf(const std::string& field) {
    v1::UpdateExperimentRequest request;
    request.mutable_experiment()->set_name("experiments/e");
    request.mutable_update_mask()->add_paths(field);
    return request;
  }
  void CancelRuns() {
    ASSERT_EQ(dispatcher_->ChangeExperiment("e", scheduling::Command::kCancel), absl::OkStatus());
  }

  scheduling::FakeExecutor executor_{/*workers=*/1};
  std::unique_ptr<scheduling::Dispatcher> dispatcher_;
  std::unique_ptr<Editor> editor_;
};

TEST_F(EditorTest, UpdatesTheFieldsOfTheMaskOnly) {
  v1::UpdateExperimentRequest request = UpdateOf("note");
  request.mutable_experiment()->set_note("new");
  request.mutable_experiment()->set_priority(7);
  ASSERT_EQ(editor_->Update(request), absl::OkStatus());
  EXPECT_EQ(Stored().note(), "new");
  EXPECT_EQ(Stored().priority(), 0);
}

TEST_F(EditorTest, AnUpdateOfAnotherVersionIsAborted) {
  v1::UpdateExperimentRequest request = UpdateOf("note");
  request.mutable_experiment()->set_note("mine");
  request.mutable_experiment()->set_etag("another");
  const absl::Status status = editor_->Update(request);
  EXPECT_TRUE(absl::IsAborted(status)) << status;
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_ETAG_MISMATCH);
  EXPECT_EQ(Stored().note(), store::SomeExperiment("e").submission.note());
}

TEST_F(EditorTest, AnUpdateOfARunKeepsWhatTheMaskLeavesOut) {
  v1::UpdateRunRequest request;
  request.mutable_run()->set_name("experiments/e/runs/1");
  request.mutable_run()->set_note("odd");
  (*request.mutable_run()->mutable_labels())["kind"] = "odd";
  ASSERT_EQ(editor_->UpdateRun(request), absl::OkStatus());
  const int64_t events = Stored().last_sequence();
  request.mutable_run()->set_note("odder");
  request.mutable_run()->clear_labels();
  request.mutable_update_mask()->add_paths("note");
  ASSERT_EQ(editor_->UpdateRun(request), absl::OkStatus());
  const v1::Run run = StoredRun(1);
  EXPECT_EQ(run.note(), "odder");
  EXPECT_EQ(run.labels().at("kind"), "odd");
  EXPECT_EQ(StoredRun(0).note(), "");
  EXPECT_EQ(Stored().last_sequence(), events + 1) << "watchers hear of it";
  ASSERT_EQ(editor_->UpdateRun(request), absl::OkStatus());
  EXPECT_EQ(Stored().last_sequence(), events + 1) << "nothing has changed";
  request.mutable_run()->clear_note();
  *request.mutable_update_mask()->mutable_paths(0) = "*";
  ASSERT_EQ(editor_->UpdateRun(request), absl::OkStatus());
  EXPECT_EQ(StoredRun(1).note(), "");
  EXPECT_EQ(StoredRun(1).labels_size(), 0);
}

TEST_F(EditorTest, InvalidUpdatesOfRunsAreRejectedAndNameTheFields) {
  v1::UpdateRunRequest request;
  request.mutable_run()->set_name("experiments/e");
  request.mutable_run()->set_note(std::string(4097, 'x'));
  request.mutable_update_mask()->add_paths("seed");
  const absl::Status status = editor_->UpdateRun(request);
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  for (const char* field : {"run.name", "note", "update_mask"}) {
    EXPECT_TRUE(absl::StrContains(status.message(), field)) << status;
  }
  request.mutable_run()->set_name("experiments/e/runs/9");
  request.mutable_run()->set_note("fine");
  *request.mutable_update_mask()->mutable_paths(0) = "note";
  EXPECT_TRUE(absl::IsNotFound(editor_->UpdateRun(request)));
  request.mutable_run()->set_name("experiments/e/runs/1");
  ASSERT_EQ(editor_->Delete("e", /*force=*/true), absl::OkStatus());
  EXPECT_EQ(ReasonOf(editor_->UpdateRun(request)), v1::ERROR_REASON_EXPERIMENT_DELETED);
}

TEST_F(EditorTest, ALockKeepsTheExperimentAndItsRuns) {
  v1::UpdateExperimentRequest request = UpdateOf("locked");
  request.mutable_experiment()->set_locked(true);
  ASSERT_EQ(editor_->Update(request), absl::OkStatus());
  for (const bool force : {false, true}) {
    const absl::Status status = editor_->Delete("e", force);
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_EXPERIMENT_LOCKED);
  }
  EXPECT_FALSE(Stored().has_delete_time());
  EXPECT_EQ(Stored().run_counts().pending(), 2) << "force must not cancel them first";
  request.mutable_experiment()->set_locked(false);
  ASSERT_EQ(editor_->Update(request), absl::OkStatus());
  EXPECT_EQ(editor_->Delete("e", /*force=*/true), absl::OkStatus());
}

TEST_F(EditorTest, DeletionWaitsForTheRunsUnlessForced) {
  const absl::Status status = editor_->Delete("e", /*force=*/false);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_RUNS_NOT_ENDED) << status;
  EXPECT_FALSE(Stored().has_delete_time());
  ASSERT_EQ(editor_->Delete("e", /*force=*/true), absl::OkStatus());
  EXPECT_TRUE(Stored().has_delete_time());
  EXPECT_EQ(Stored().run_counts().cancelled(), 2);
}

TEST_F(EditorTest, ADeletedExperimentIsUndeletedOrPurged) {
  CancelRuns();
  ASSERT_EQ(editor_->Delete("e", /*force=*/false), absl::OkStatus());
  EXPECT_EQ(editor_->Delete("e", /*force=*/false), absl::OkStatus()) << "deleting again";
  ASSERT_EQ(editor_->Undelete("e"), absl::OkStatus());
  EXPECT_FALSE(Stored().has_delete_time());
  EXPECT_TRUE(absl::IsFailedPrecondition(editor_->Purge("e"))) << "it is not deleted";
  ASSERT_EQ(editor_->Delete("e", /*force=*/false), absl::OkStatus());
  ASSERT_EQ(editor_->Purge("e"), absl::OkStatus());
  EXPECT_TRUE(absl::IsNotFound(editor_->Delete("e", /*force=*/false)));
}

}  // namespace
}  // namespace anneal::experiments
