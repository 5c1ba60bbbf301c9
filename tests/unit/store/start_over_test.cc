#include "server/store/start_over.h"

#include "common/provenance.h"
#include "gmock/gmock.h"
#include "server/store/checkpoint_store.h"
#include "server/store/epoch_store.h"
#include "server/store/event_store.h"
#include "tests/unit/common/test_util.h"
#include "tests/unit/store/store_test_util.h"

namespace anneal::store {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

v1::Provenance Build(const std::string& commit) {
  v1::Provenance provenance;
  provenance.set_version("1");
  provenance.set_git_commit(commit);
  return provenance;
}

class StartOverTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    Insert(SomeExperiment("e"));
    run_ = RunKeyOf("e", 0);
  }

  // A worker of this build begins an attempt.
  void Begin(const std::string& commit) {
    ASSERT_TRUE(Change(run_, v1::RUN_STATE_RUNNING).ok());
    v1::RunStarted started;
    *started.mutable_provenance() = Build(commit);
    ASSERT_TRUE(Write([&](Transaction& transaction) {
                  return RecordStart(transaction, run_, started);
                }).ok());
  }
  void StartOverNow(const std::string& reason) {
    ASSERT_TRUE(Write([&](Transaction& transaction) {
                  return StartOver(transaction, run_, kNow, reason);
                }).ok());
  }
  std::optional<std::string> OtherKind(const std::string& commit) {
    return Read([&](Connection& db) { return OtherKindOf(db, run_, KindOf(Build(commit))); });
  }
  std::vector<v1::Event> Events() {
    return Read([&](Connection& db) {
      return ListEvents(db, {.experiment_key = KeyOf("e"), .limit = 100});
    });
  }
  std::vector<v1::Epoch> Earlier(int32_t attempt, int32_t after = 0) {
    return Read([&](Connection& db) { return ListEarlierEpochs(db, run_, attempt, after, 100); });
  }

  int64_t run_ = 0;
};

TEST_F(StartOverTest, KindOfARunIsThatOfItsLastAttempt) {
  EXPECT_EQ(OtherKind("a"), std::nullopt) << "it has no epoch";
  Begin("a");
  ASSERT_TRUE(Record(run_, SomeReport(1)).ok());
  EXPECT_EQ(OtherKind("a"), std::nullopt);
  EXPECT_EQ(OtherKind("b"), KindOf(Build("a")));
}

TEST_F(StartOverTest, RunOfAnUnrecordedBuildIsOfAnotherKind) {
  ASSERT_TRUE(Change(run_, v1::RUN_STATE_RUNNING).ok());
  ASSERT_TRUE(Record(run_, SomeReport(1)).ok());
  EXPECT_EQ(OtherKind("a"), "");
}

TEST_F(StartOverTest, EarlierEpochsStayWithTheirAttempt) {
  Begin("a");
  ASSERT_TRUE(Record(run_, SomeReport(1)).ok());
  ASSERT_TRUE(Record(run_, SomeReport(2)).ok());
  const std::vector<v1::Epoch> before =
      Read([&](Connection& db) { return ListEpochs(db, run_, 0, 100); });
  ASSERT_TRUE(Change(run_, v1::RUN_STATE_PENDING).ok());
  ASSERT_TRUE(Change(run_, v1::RUN_STATE_RUNNING).ok());
  StartOverNow("another build");
  v1::RunStarted started;
  *started.mutable_provenance() = Build("b");
  ASSERT_TRUE(Write([&](Transaction& transaction) {
                return RecordStart(transaction, run_, started);
              }).ok());
  v1::Run run = GetRunOf("e", 0);
  EXPECT_EQ(run.epochs_done(), 0);
  EXPECT_FALSE(run.has_last_epoch());
  ASSERT_THAT(run.attempt_log(), SizeIs(2));
  EXPECT_FALSE(run.attempt_log(0).starts_over());
  EXPECT_TRUE(run.attempt_log(1).starts_over());
  EXPECT_EQ(run.attempt_log(1).provenance().git_commit(), "b");
  // The new attempt records the same epoch with other values.
  v1::EpochReport report = SomeReport(1);
  report.mutable_epoch()->set_validation_loss(0.0625);
  ASSERT_TRUE(Record(run_, report).ok());
  run = GetRunOf("e", 0);
  EXPECT_EQ(run.epochs_done(), 1);
  EXPECT_EQ(run.last_epoch().validation_loss(), 0.0625);
  ASSERT_THAT(Earlier(1), SizeIs(2));
  EXPECT_TRUE(Same(Earlier(1)[1], before[1]));
  EXPECT_THAT(Earlier(1, 1), SizeIs(1));
  EXPECT_THAT(Earlier(2), IsEmpty());
  EXPECT_EQ(QueryInt("SELECT count(*) FROM run_extremes"), 1);
  EXPECT_EQ(QueryInt("SELECT min_validation_loss = 0.0625 FROM runs"), 1);
}

TEST_F(StartOverTest, LogReplaysTheEarlierEpochsAndSaysWhereTheRunBeganAnew) {
  Begin("a");
  ASSERT_TRUE(Record(run_, SomeReport(1)).ok());
  ASSERT_TRUE(Change(run_, v1::RUN_STATE_PENDING).ok());
  ASSERT_TRUE(Change(run_, v1::RUN_STATE_RUNNING).ok());
  StartOverNow("another build");
  v1::EpochReport report = SomeReport(1);
  report.mutable_epoch()->set_validation_loss(0.0625);
  ASSERT_TRUE(Record(run_, report).ok());
  std::vector<double> losses;
  int began_anew = 0;
  for (const v1::Event& event : Events()) {
    if (event.has_epoch()) losses.push_back(event.epoch().validation_loss());
    if (!event.has_start_over()) continue;
    ++began_anew;
    EXPECT_EQ(losses.size(), 1u) << "between the two";
    EXPECT_EQ(event.start_over().attempt(), 2);
    EXPECT_EQ(event.start_over().reason(), "another build");
    EXPECT_THAT(event.run(), HasSubstr("e/runs/0"));
  }
  EXPECT_EQ(began_anew, 1);
  ASSERT_THAT(losses, SizeIs(2));
  EXPECT_NE(losses[0], 0.0625);
  EXPECT_EQ(losses[1], 0.0625);
}

TEST_F(StartOverTest, CheckpointsNoLongerCount) {
  Begin("a");
  ASSERT_TRUE(Write([&](Transaction& transaction) {
                return InsertCheckpoint(transaction, run_, {.step = 5, .epoch = 0});
              }).ok());
  EXPECT_NE(OtherKind("b"), std::nullopt) << "a checkpoint without an epoch is progress too";
  StartOverNow("another build");
  EXPECT_THAT(Read([&](Connection& db) { return ListCheckpoints(db, run_); }), IsEmpty());
  EXPECT_EQ(OtherKind("b"), std::nullopt);
}

}  // namespace
}  // namespace anneal::store
