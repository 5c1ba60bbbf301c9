// Tests what is kept of the attempts at a run, and of the split that it was trained on.

#include "server/store/attempt_store.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/common/test_util.h"
#include "tests/unit/store/store_test_util.h"

namespace anneal::store {
namespace {

using ::testing::SizeIs;

v1::RunStarted Started(const std::string& commit) {
  auto started = FromText<v1::RunStarted>(
      "engine: 'fused' split { train: [5, 6] validation: [1, 0] test: [2, 2] }"
      " provenance { version: '1.2' git_dirty: true compiler: 'GNU 12' simd_target: 'AVX2'"
      "              cpu_model: 'some \"CPU\"' host: 'h' worker: 'thread' }");
  started.mutable_provenance()->set_git_commit(commit);
  return started;
}

class AttemptStoreTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    Insert(SomeExperiment("e", 2));
    run_ = RunKeyOf("e", 0);
  }
  void Begin(int64_t run, const v1::RunStarted& started, int64_t time = kNow) {
    ASSERT_TRUE(Change(run, v1::RUN_STATE_RUNNING, time).ok());
    ASSERT_TRUE(RecordOf(run, started).ok());
  }
  absl::Status RecordOf(int64_t run, const v1::RunStarted& started) {
    return Write([&](Transaction& transaction) { return RecordStart(transaction, run, started); });
  }

  int64_t run_ = 0;
};

TEST_F(AttemptStoreTest, EveryAttemptHasItsStartItsEpochAndItsProvenance) {
  Begin(run_, Started("aaa"), kNow + 1);
  ASSERT_TRUE(Record(run_, SomeReport(1)).ok());
  ASSERT_TRUE(Record(run_, SomeReport(2)).ok());
  ASSERT_TRUE(Change(run_, v1::RUN_STATE_PENDING).ok());
  Begin(run_, Started("bbb"), kNow + 2);
  Reopen();
  const v1::Run run = GetRunOf("e", 0);
  EXPECT_EQ(run.attempts(), 2);
  ASSERT_THAT(run.attempt_log(), SizeIs(2));
  v1::Attempt expected;
  expected.set_number(1);
  *expected.mutable_start_time() = ToTimestamp(kNow + 1);
  *expected.mutable_provenance() = Started("aaa").provenance();
  EXPECT_TRUE(Same(run.attempt_log(0), expected));
  expected.set_number(2);
  *expected.mutable_start_time() = ToTimestamp(kNow + 2);
  expected.set_first_epoch(2);
  *expected.mutable_provenance() = Started("bbb").provenance();
  EXPECT_TRUE(Same(run.attempt_log(1), expected));
  EXPECT_THAT(GetRunOf("e", 0, v1::RUN_VIEW_BASIC).attempt_log(), SizeIs(0));
  EXPECT_THAT(GetRunOf("e", 1).attempt_log(), SizeIs(0));
}

TEST_F(AttemptStoreTest, RepeatedReportOfAStartIsOneAttempt) {
  Begin(run_, Started("aaa"));
  ASSERT_TRUE(RecordOf(run_, Started("bbb")).ok());
  const v1::Run run = GetRunOf("e", 0);
  ASSERT_THAT(run.attempt_log(), SizeIs(1));
  EXPECT_EQ(run.attempt_log(0).provenance().git_commit(), "bbb");
}

TEST_F(AttemptStoreTest, WorkerThatSaysNothingOfItselfHasNoProvenance) {
  v1::RunStarted started;
  started.set_engine("fused");
  Begin(run_, started);
  const v1::Run run = GetRunOf("e", 0);
  ASSERT_THAT(run.attempt_log(), SizeIs(1));
  EXPECT_FALSE(run.attempt_log(0).has_provenance());
  EXPECT_FALSE(run.has_split());
}

TEST_F(AttemptStoreTest, SplitIsReadInTheFullView) {
  Begin(run_, Started("aaa"));
  EXPECT_TRUE(Same(GetRunOf("e", 0).split(), Started("").split()));
  EXPECT_FALSE(GetRunOf("e", 0, v1::RUN_VIEW_BASIC).has_split());
}

TEST_F(AttemptStoreTest, EqualSplitsAndProvenancesAreStoredOnceAndGoWithTheLastRun) {
  Insert(SomeExperiment("other"));
  Begin(run_, Started("aaa"));
  Begin(RunKeyOf("e", 1), Started("bbb"));
  Begin(RunKeyOf("other", 0), Started("aaa"));
  EXPECT_EQ(QueryInt("SELECT count(*) FROM splits"), 1);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM provenances"), 2);
  const auto purge = [this](const std::string& id) {
    return Write(
        [key = KeyOf(id)](Transaction& transaction) { return PurgeExperiment(transaction, key); });
  };
  ASSERT_TRUE(purge("e").ok());
  EXPECT_EQ(QueryInt("SELECT count(*) FROM attempts"), 1);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM splits"), 1);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM provenances"), 1);
  ASSERT_TRUE(purge("other").ok());
  EXPECT_EQ(QueryInt("SELECT count(*) FROM splits"), 0);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM provenances"), 0);
}

}  // namespace
}  // namespace anneal::store
