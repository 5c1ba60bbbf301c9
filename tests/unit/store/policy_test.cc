#include "server/queue/policy.h"

#include <algorithm>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anneal::queue {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(QueuePolicyTest, HigherPriorityGoesFirstThenEarlierSubmission) {
  EXPECT_THAT(NextRuns({.pending = {{.key = 1, .priority = 0},
                                    {.key = 2, .priority = 5},
                                    {.key = 3, .priority = -5},
                                    {.key = 4, .priority = 5},
                                    {.key = 5, .priority = 0}},
                        .idle_workers = 10}),
              ElementsAre(2, 4, 1, 5, 3));
}

TEST(QueuePolicyTest, OrderOfTheSnapshotDoesNotMatter) {
  std::vector<PendingRun> pending;
  for (int64_t key = 0; key < 20; ++key) {
    pending.push_back({.key = key, .priority = static_cast<int32_t>(key % 3)});
  }
  const std::vector<int64_t> expected = NextRuns({.pending = pending, .idle_workers = 20});
  std::mt19937 random(1);
  for (int i = 0; i < 20; ++i) {
    std::shuffle(pending.begin(), pending.end(), random);
    EXPECT_EQ(NextRuns({.pending = pending, .idle_workers = 20}), expected);
  }
}

TEST(QueuePolicyTest, NoMoreRunsStartThanThereAreIdleWorkers) {
  const std::vector<PendingRun> pending = {{.key = 1}, {.key = 2}, {.key = 3}};
  EXPECT_THAT(NextRuns({.pending = pending, .idle_workers = 2}), ElementsAre(1, 2));
  EXPECT_THAT(NextRuns({.pending = pending, .idle_workers = 0}), IsEmpty());
  EXPECT_THAT(NextRuns({.pending = {}, .idle_workers = 4}), IsEmpty());
}

TEST(QueuePolicyTest, LostRunIsTriedAgainAtMostSoManyTimes) {
  for (int64_t losses = 1; losses <= kMaxLosses; ++losses) {
    EXPECT_EQ(RecoverLostRun(losses), Recovery::kRetry) << losses;
  }
  EXPECT_EQ(RecoverLostRun(kMaxLosses + 1), Recovery::kGiveUp);
  EXPECT_EQ(RecoverLostRun(1'000'000), Recovery::kGiveUp);
}

}  // namespace
}  // namespace anneal::queue
