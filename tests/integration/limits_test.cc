// Tests per-user quotas and retention.

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/daemon_test.h"

namespace anneal {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class LimitsTest : public DaemonTest {
 protected:
  LimitsTest() {
    workers_ = 1;
    limits_ = {.unended_runs = 3};
  }

  static v1::CreateExperimentRequest Of(const std::string& user, const std::string& id, int runs) {
    v1::CreateExperimentRequest request = TinyRequest(id, kEndless);
    request.mutable_experiment()->set_user(user);
    for (int seed = 0; seed < runs; ++seed) request.mutable_experiment()->add_seeds(seed);
    return request;
  }
};

TEST_F(LimitsTest, QuotaLimitsQueuedRuns) {
  Create(Of("ada", "two", 2));
  v1::CreateExperimentRequest more = Of("ada", "more", 2);
  for (const bool only_validates : {true, false}) {
    more.set_validate_only(only_validates);
    const grpc::Status refused = TryCreate(more);
    EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_THAT(refused.error_message(),
                AllOf(HasSubstr("ada has 2"), HasSubstr("quota of 3"), HasSubstr("cancel")));
    EXPECT_EQ(ReasonOf(refused), "QUOTA_EXCEEDED");
  }
  EXPECT_FALSE(TryGet("experiments/more").ok()) << "nothing of it is stored";
  Create(Of("bob", "bobs", 3));
  Create(Of("ada", "one", 1));
  Cancel("experiments/two");
  EXPECT_TRUE(TryCreate(more).ok()) << "what has ended does not count";
}

TEST_F(LimitsTest, ARepeatedRequestDoesNotCountTwice) {
  v1::CreateExperimentRequest request = Of("ada", "", 3);
  request.set_request_id("once");
  const std::string name = Create(request).name();
  EXPECT_EQ(Create(request).name(), name);
}

TEST_F(LimitsTest, QuotaLimitsRetriesAndExtensions) {
  v1::CreateExperimentRequest short_run = TinyRequest("done", 1);
  short_run.mutable_experiment()->set_user("ada");
  const std::string done = RunToEnd(short_run).name() + "/runs/0";
  const std::string first = Create(Of("ada", "first", 3)).name();
  Cancel(first);
  Create(Of("ada", "second", 2));

  v1::RetryExperimentRequest all;
  all.set_name(first);
  v1::Experiment experiment;
  Context all_context;
  const grpc::Status refused = experiments_->RetryExperiment(&all_context, all, &experiment);
  EXPECT_EQ(ReasonOf(refused), "QUOTA_EXCEEDED");
  EXPECT_THAT(refused.error_message(), AllOf(HasSubstr("ada has 2"), HasSubstr("3 more")));
  EXPECT_EQ(Get(first).run_counts().cancelled(), 3) << "all of them or none";

  const auto retry = [&](const std::string& name) {
    Context context;
    v1::RetryRunRequest request;
    request.set_name(name);
    v1::Run run;
    return runs_->RetryRun(&context, request, &run);
  };
  EXPECT_TRUE(retry(first + "/runs/0").ok());
  EXPECT_EQ(ReasonOf(retry(first + "/runs/1")), "QUOTA_EXCEEDED");
  v1::ExtendRunRequest more;
  more.set_name(done);
  more.set_epochs(2);
  v1::Run run;
  Context context;
  EXPECT_EQ(ReasonOf(runs_->ExtendRun(&context, more, &run)), "QUOTA_EXCEEDED");
  EXPECT_EQ(GetRun(done).state(), v1::RUN_STATE_SUCCEEDED);
}

class StoredBytesTest : public LimitsTest {
 protected:
  StoredBytesTest() { limits_ = {.stored_bytes = 5'000}; }
};

TEST_F(StoredBytesTest, PurgingFreesTheStorageQuota) {
  v1::CreateExperimentRequest request = TinyRequest("first", 3);
  request.mutable_experiment()->set_user("ada");
  RunToEnd(request);
  request.set_experiment_id("second");
  const grpc::Status refused = TryCreate(request);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_message(), AllOf(HasSubstr("ada has stored"), HasSubstr("purge")));
  request.mutable_experiment()->set_user("bob");
  EXPECT_TRUE(TryCreate(request).ok());
  {
    Context context;
    v1::DeleteExperimentRequest remove;
    remove.set_name("experiments/first");
    v1::Experiment deleted;
    EXPECT_TRUE(experiments_->DeleteExperiment(&context, remove, &deleted).ok());
  }
  {
    Context context;
    v1::PurgeExperimentRequest purge;
    purge.set_name("experiments/first");
    v1::PurgeExperimentResponse purged;
    const grpc::Status status = experiments_->PurgeExperiment(&context, purge, &purged);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  request.set_experiment_id("third");
  request.mutable_experiment()->set_user("ada");
  EXPECT_TRUE(TryCreate(request).ok());
}

class RetentionTest : public DaemonTest {
 protected:
  RetentionTest() {
    clock_ = [this] { return SystemWallClock() + ahead_; };
    retention_ = {.checkpoints = absl::Hours(48), .events = absl::Hours(72)};
  }

  void GoOnAfter(absl::Duration time) {
    Stop();
    ahead_ += absl::ToInt64Microseconds(time);
    ASSERT_NO_FATAL_FAILURE(Start());
  }
  int Checkpoints(const std::string& run) {
    Context context;
    v1::ListCheckpointsRequest request;
    request.set_parent(run);
    v1::ListCheckpointsResponse response;
    EXPECT_TRUE(runs_->ListCheckpoints(&context, request, &response).ok());
    return response.checkpoints_size();
  }
  bool HasFiles(const std::string& run) const {
    return std::filesystem::exists(directory_.file("data/checkpoints/" + run));
  }
  bool IsPruned(const std::string& name) {
    Watch watch(experiments_.get(), name);
    return watch.Finish().error_code() == grpc::StatusCode::OUT_OF_RANGE;
  }
  template <typename Condition>
  void WaitUntil(Condition condition) {
    for (int i = 0; i < 600 && !condition(); ++i) absl::SleepFor(absl::Milliseconds(50));
    EXPECT_TRUE(condition());
  }

  std::atomic<int64_t> ahead_ = 0;
};

TEST_F(RetentionTest, OldCheckpointsAreRemovedAndRecordsAreKept) {
  const std::string run = RunToEnd(TinyRequest("old")).name() + "/runs/0";
  ASSERT_GT(Checkpoints(run), 0);
  GoOnAfter(absl::Hours(47));
  RunToEnd(TinyRequest("young"));
  EXPECT_GT(Checkpoints(run), 0) << "not yet";
  GoOnAfter(absl::Hours(2));
  WaitUntil([&] { return Checkpoints(run) == 0 && !HasFiles("old/0"); });
  EXPECT_GT(Checkpoints("experiments/young/runs/0"), 0);
  EXPECT_TRUE(HasFiles("young/0"));
  EXPECT_EQ(ListEpochs(run).size(), 2U);
  EXPECT_EQ(GetRun(run).test_results_size(), 2);
  WaitForEnd("experiments/old");  // events are kept longer
  Context context;
  v1::ExtendRunRequest extend;
  extend.set_name(run);
  extend.set_epochs(4);
  v1::Run extended;
  const grpc::Status refused = runs_->ExtendRun(&context, extend, &extended);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(refused.error_message(), HasSubstr("no checkpoint"));
}

TEST_F(RetentionTest, WatchingFromAPrunedEventNamesTheOldestEvent) {
  const std::string name = RunToEnd(TinyRequest("old")).name();
  const int64_t last = Get(name).last_sequence();
  GoOnAfter(absl::Hours(73));
  WaitUntil([&] { return IsPruned(name); });
  for (const int64_t after : {int64_t{0}, last - 1}) {
    Watch watch(experiments_.get(), name, after);
    const grpc::Status status = watch.Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
    EXPECT_THAT(status.error_message(), AllOf(HasSubstr(absl::StrCat("up to ", last)),
                                              HasSubstr(absl::StrCat("oldest is ", last + 1))));
    EXPECT_EQ(ReasonOf(status), "EVENTS_PRUNED");
  }
  Watch watch(experiments_.get(), name, last);
  EXPECT_TRUE(watch.Finish().ok());
  EXPECT_EQ(watch.events().size(), 0U);
  EXPECT_EQ(ListEpochs(name + "/runs/0").size(), 2U);
  // Positions continue after the pruned ones.
  RunToEnd(TinyRequest("new"));
  EXPECT_FALSE(IsPruned("experiments/new"));
  Context context;
  v1::WatchExperimentRequest all;
  all.set_name("experiments/-");
  auto reader = experiments_->WatchExperiment(&context, all);
  v1::Event event;
  EXPECT_FALSE(reader->Read(&event));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::OUT_OF_RANGE);
}

TEST_F(RetentionTest, EventsOfAnUnfinishedExperimentAreNotPruned) {
  const std::string name = StartEndless("endless");
  RunToEnd(TinyRequest("ended"));
  GoOnAfter(absl::Hours(24 * 365));
  WaitUntil([&] { return IsPruned("experiments/ended"); });
  Watch watch(experiments_.get(), name);
  EXPECT_TRUE(watch.Next());
  EXPECT_EQ(watch.events()[0].sequence(), 1);
  watch.Cancel();
  (void)watch.Finish();
  Cancel(name);
}

}  // namespace
}  // namespace anneal
