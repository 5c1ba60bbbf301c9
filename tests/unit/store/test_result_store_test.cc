#include "server/store/test_result_store.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/common/test_util.h"
#include "tests/unit/store/store_test_util.h"

namespace anneal::store {
namespace {

using ::testing::IsEmpty;

class TestResultStoreTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    Insert(SomeExperiment("e", 2));
    run_ = RunKeyOf("e", 0);
  }
  absl::Status TryInsert(const v1::TestResult& result) {
    return Write(
        [&](Transaction& transaction) { return InsertTestResult(transaction, run_, result); });
  }
  std::vector<v1::TestResult> List(bool full) {
    return Read([&](Connection& db) { return ListTestResults(db, run_, full); });
  }

  int64_t run_ = 0;
};

TEST_F(TestResultStoreTest, ResultsRoundTripExactlyLastBeforeBest) {
  const v1::TestResult last = SomeResult(v1::TestResult::WEIGHTS_LAST);
  const v1::TestResult best = SomeResult(v1::TestResult::WEIGHTS_BEST);
  ASSERT_TRUE(TryInsert(best).ok());
  ASSERT_TRUE(TryInsert(last).ok());
  Reopen();
  std::vector<v1::TestResult> results = List(/*full=*/true);
  ASSERT_EQ(results.size(), 2U);
  for (v1::TestResult& result : results) result.clear_classes();
  EXPECT_EQ(results[0].SerializeAsString(), last.SerializeAsString());
  EXPECT_EQ(results[1].SerializeAsString(), best.SerializeAsString());
}

TEST_F(TestResultStoreTest, NumbersAtThetaZeroAreUnsetWhereThereAreNone) {
  v1::TestResult last = SomeResult(v1::TestResult::WEIGHTS_LAST);
  last.clear_relu_loss();
  last.clear_relu_accuracy();
  last.clear_relu_precision();
  last.clear_relu_recall();
  last.clear_relu_f1();
  v1::TestResult best = SomeResult(v1::TestResult::WEIGHTS_BEST);
  best.set_relu_loss(0);
  ASSERT_TRUE(TryInsert(last).ok());
  ASSERT_TRUE(TryInsert(best).ok());
  std::vector<v1::TestResult> results = List(/*full=*/true);
  ASSERT_EQ(results.size(), 2U);
  for (v1::TestResult& result : results) result.clear_classes();
  EXPECT_TRUE(Same(results[0], last));
  EXPECT_TRUE(Same(results[1], best)) << "0 is not unset";
}

TEST_F(TestResultStoreTest, ClassMetricsFollowFromTheConfusionMatrix) {
  ASSERT_TRUE(TryInsert(SomeResult(v1::TestResult::WEIGHTS_LAST)).ok());
  const std::vector<v1::TestResult> results = List(/*full=*/true);
  ASSERT_EQ(results.size(), 1U);
  // Rows (true classes): 8 2 0 | 1 9 0 | 4 0 6.
  ASSERT_EQ(results[0].classes_size(), 3);
  EXPECT_DOUBLE_EQ(results[0].classes(0).precision(), 8.0 / 13);
  EXPECT_DOUBLE_EQ(results[0].classes(0).recall(), 8.0 / 10);
  EXPECT_DOUBLE_EQ(results[0].classes(0).f1(), 16.0 / 23);
  EXPECT_DOUBLE_EQ(results[0].classes(1).precision(), 9.0 / 11);
  EXPECT_DOUBLE_EQ(results[0].classes(2).recall(), 6.0 / 10);
  EXPECT_DOUBLE_EQ(results[0].classes(2).precision(), 1);
  for (const v1::ClassMetrics& metrics : results[0].classes()) EXPECT_EQ(metrics.support(), 10);
}

TEST_F(TestResultStoreTest, ShortViewLeavesOutTheConfusionMatrix) {
  const v1::TestResult last = SomeResult(v1::TestResult::WEIGHTS_LAST);
  ASSERT_TRUE(TryInsert(last).ok());
  v1::TestResult expected = last;
  expected.clear_confusion();
  ASSERT_EQ(List(/*full=*/false).size(), 1U);
  EXPECT_TRUE(Same(List(/*full=*/false)[0], expected));
}

TEST_F(TestResultStoreTest, SecondResultForTheSameWeightsIsRefused) {
  const v1::TestResult last = SomeResult(v1::TestResult::WEIGHTS_LAST);
  ASSERT_TRUE(TryInsert(last).ok());
  v1::TestResult other = last;
  other.set_loss(99);
  EXPECT_EQ(TryInsert(other).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(List(/*full=*/false)[0].loss(), last.loss());
  EXPECT_EQ(QueryInt("SELECT count(*) FROM confusion"), 9);
}

TEST_F(TestResultStoreTest, RunShowsItsResultsOnceItHasSucceeded) {
  ASSERT_TRUE(Change(run_, v1::RUN_STATE_RUNNING).ok());
  ASSERT_TRUE(TryInsert(SomeResult(v1::TestResult::WEIGHTS_LAST)).ok());
  ASSERT_TRUE(TryInsert(SomeResult(v1::TestResult::WEIGHTS_BEST)).ok());
  ASSERT_TRUE(Change(run_, v1::RUN_STATE_SUCCEEDED).ok());
  const v1::Run full = GetRunOf("e", 0, v1::RUN_VIEW_FULL);
  ASSERT_EQ(full.test_results_size(), 2);
  EXPECT_EQ(full.test_results(0).confusion_size(), 9);
  EXPECT_EQ(full.test_results(1).classes_size(), 3);
  const v1::Run basic = GetRunOf("e", 0, v1::RUN_VIEW_BASIC);
  ASSERT_EQ(basic.test_results_size(), 2);
  EXPECT_EQ(basic.test_results(0).confusion_size(), 0);
  EXPECT_EQ(basic.test_results(0).classes_size(), 0);
  EXPECT_EQ(basic.test_results(0).accuracy(), full.test_results(0).accuracy());
  EXPECT_THAT(GetRunOf("e", 1).test_results(), IsEmpty());
}

TEST_F(TestResultStoreTest, UnspecifiedWeightsAreRejected) {
  EXPECT_FALSE(TryInsert(SomeResult(v1::TestResult::WEIGHTS_UNSPECIFIED)).ok());
  EXPECT_THAT(List(/*full=*/true), IsEmpty());
}

}  // namespace
}  // namespace anneal::store
