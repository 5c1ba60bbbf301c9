#include "server/store/usage_store.h"

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/store/checkpoint_store.h"
#include "tests/unit/store/store_test_util.h"

namespace anneal::store {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class UsageStoreTest : public StoreTest {
 protected:
  void InsertOf(const std::string& user, const std::string& id, int runs) {
    NewExperiment experiment = SomeExperiment(id, runs);
    experiment.submission.set_user(user);
    Insert(experiment);
  }
  Usage Of(const std::string& user) {
    return Read([&](Connection& db) { return UsageOf(db, user); });
  }
  // Computes the expected usage from the tables.
  Usage Counted(const std::string& user) {
    const std::string of = absl::StrCat(" WHERE user = '", user, "'");
    const std::string runs = absl::StrCat(" (SELECT run_id FROM runs", of, ")");
    return {
        .unended_runs = QueryInt(absl::StrCat("SELECT count(*) FROM runs", of,
                                              " AND state IN ('PENDING', 'RUNNING', 'SUSPENDED')")),
        .stored_bytes = QueryInt(absl::StrCat(
            "SELECT (SELECT coalesce(sum(length(submission)), 0) FROM experiments", of,
            ") + (SELECT 1000 * count(*) FROM runs", of,
            ") + (SELECT 500 * count(*) FROM epochs WHERE run_id IN", runs,
            ") + (SELECT coalesce(sum(length(radians)), 0) FROM thetas WHERE run_id IN", runs,
            ") + (SELECT coalesce(sum(bytes), 0) FROM checkpoints WHERE run_id IN", runs,
            ") + (SELECT coalesce(sum(length(note)), 0) FROM runs", of,
            ") + (SELECT coalesce(sum(length(key) + length(value)), 0) FROM run_labels",
            " WHERE run_id IN", runs, ")"))};
  }
  void ExpectCounted(const std::string& when) {
    for (const char* user : {"ada", "bob", ""}) {
      EXPECT_EQ(Of(user).unended_runs, Counted(user).unended_runs) << when << ", " << user;
      EXPECT_EQ(Of(user).stored_bytes, Counted(user).stored_bytes) << when << ", " << user;
    }
  }
  absl::Status Checkpoint(int64_t run, int64_t step, int64_t bytes, bool best = false) {
    return Write([&](Transaction& transaction) {
      return InsertCheckpoint(
          transaction, run,
          {.step = step,
           .epoch = 1,
           .best = best,
           .file = {.name = absl::StrCat("f", step), .bytes = bytes, .sha256 = "00"}});
    });
  }
};

TEST_F(UsageStoreTest, TracksEveryChangeOfStoredBytesAndRuns) {
  InsertOf("ada", "a", 3);
  InsertOf("bob", "b", 2);
  InsertOf("", "nobody", 1);
  ExpectCounted("submitted");
  EXPECT_EQ(Of("ada").unended_runs, 3);

  const int64_t run = RunKeyOf("a", 0);
  ASSERT_TRUE(Change(run, v1::RUN_STATE_RUNNING).ok());
  ExpectCounted("running");
  for (int epoch = 1; epoch <= 3; ++epoch) {
    ASSERT_TRUE(Record(run, SomeReport(epoch)).ok());
    ASSERT_TRUE(Checkpoint(run, 10 * epoch, 1'000'000 * epoch, epoch == 1).ok());
  }
  ExpectCounted("trained, with the first of three checkpoints the best");
  EXPECT_GT(Of("ada").stored_bytes, 6'000'000);
  ASSERT_TRUE(Checkpoint(run, 30, 5).ok());
  ExpectCounted("the last checkpoint written again, smaller");
  EXPECT_LT(Of("ada").stored_bytes, 4'000'000);

  ASSERT_TRUE(Change(run, v1::RUN_STATE_SUSPENDED).ok());
  EXPECT_EQ(Of("ada").unended_runs, 3) << "paused is not ended";
  ASSERT_TRUE(Change(run, v1::RUN_STATE_CANCELLED).ok());
  ASSERT_TRUE(Change(RunKeyOf("a", 1), v1::RUN_STATE_CANCELLED).ok());
  EXPECT_EQ(Of("ada").unended_runs, 1);
  ExpectCounted("two of three cancelled");
  ASSERT_TRUE(Write([&](Transaction& transaction) {
                v1::Experiment longer;
                longer.set_note(std::string(1000, 'n'));
                longer.set_user("ada");
                return UpdateSubmission(transaction, KeyOf("a"), longer);
              }).ok());
  ExpectCounted("annotated");
  for (const std::map<std::string, std::string>& labels :
       {std::map<std::string, std::string>{{"a", "bc"}, {"def", "ghij"}}, {{"a", ""}}}) {
    const int64_t before = Of("ada").stored_bytes;
    ASSERT_TRUE(Write([&](Transaction& transaction) {
                  return UpdateRunAnnotations(transaction, RunKeyOf("a", 1),
                                              {labels.begin(), labels.end()},
                                              std::string(7 * labels.size(), 'n'));
                }).ok());
    ExpectCounted("a run annotated");
    EXPECT_NE(Of("ada").stored_bytes, before);
  }

  ASSERT_TRUE(Change(RunKeyOf("a", 2), v1::RUN_STATE_CANCELLED).ok());
  ASSERT_TRUE(Write([&](Transaction& transaction) {
                return PurgeExperiment(transaction, KeyOf("a"));
              }).ok());
  ExpectCounted("purged");
  EXPECT_EQ(Of("ada").stored_bytes, 0);
  EXPECT_EQ(Of("ada").unended_runs, 0);
}

TEST_F(UsageStoreTest, LimitsAreExactAndNamed) {
  InsertOf("ada", "a", 3);
  const auto check = [&](const UsageLimits& limits, int64_t new_runs) {
    return TryRead([&](Connection& db) { return CheckUsage(db, limits, "ada", new_runs); });
  };
  EXPECT_TRUE(check({}, 1'000'000).ok()) << "0 is no limit";
  EXPECT_TRUE(check({.unended_runs = 5}, 2).ok());
  const absl::Status many = check({.unended_runs = 5}, 3);
  EXPECT_EQ(many.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(many), v1::ERROR_REASON_QUOTA_EXCEEDED);
  EXPECT_THAT(std::string(many.message()),
              AllOf(HasSubstr("ada has 3"), HasSubstr("3 more"), HasSubstr("quota of 5")));
  const int64_t stored = Of("ada").stored_bytes;
  EXPECT_TRUE(check({.stored_bytes = stored + 1}, 1).ok());
  const absl::Status full = check({.stored_bytes = stored}, 1);
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(full.message()), AllOf(HasSubstr("ada"), HasSubstr("quota of 0.0 MiB")));
}

}  // namespace
}  // namespace anneal::store
