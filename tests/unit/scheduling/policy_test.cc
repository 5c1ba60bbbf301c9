#include "server/scheduling/policy.h"

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/scheduling/estimate.h"

namespace anneal::scheduling {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(QueuePolicyTest, HigherPriorityGoesFirstThenEarlierSubmission) {
  EXPECT_THAT(NextRuns({.pending = {{.key = 1, .priority = 0},
                                    {.key = 2, .priority = 5},
                                    {.key = 3, .priority = -5},
                                    {.key = 4, .priority = 5},
                                    {.key = 5, .priority = 0}}},
                       10),
              ElementsAre(2, 4, 1, 5, 3));
}

TEST(QueuePolicyTest, OrderOfTheSnapshotDoesNotMatter) {
  std::vector<PendingRun> pending;
  for (int64_t key = 0; key < 20; ++key) {
    pending.push_back({.key = key, .priority = static_cast<int32_t>(key % 3)});
  }
  const std::vector<int64_t> expected = NextRuns({.pending = pending}, 20);
  std::mt19937 random(1);
  for (int i = 0; i < 20; ++i) {
    std::shuffle(pending.begin(), pending.end(), random);
    EXPECT_EQ(NextRuns({.pending = pending}, 20), expected);
  }
}

TEST(QueuePolicyTest, NoMoreRunsStartThanThereAreIdleWorkers) {
  const std::vector<PendingRun> pending = {{.key = 1}, {.key = 2}, {.key = 3}};
  EXPECT_THAT(NextRuns({.pending = pending}, 2), ElementsAre(1, 2));
  EXPECT_THAT(NextRuns({.pending = pending}, 0), IsEmpty());
  EXPECT_THAT(NextRuns({.pending = {}}, 4), IsEmpty());
}

TEST(QueuePolicyTest, LostRunIsRetriedAtMostMaxLossesTimes) {
  for (int64_t losses = 1; losses <= kMaxLosses; ++losses) {
    EXPECT_EQ(RecoverLostRun(losses), Recovery::kRetry) << losses;
  }
  EXPECT_EQ(RecoverLostRun(kMaxLosses + 1), Recovery::kGiveUp);
  EXPECT_EQ(RecoverLostRun(1'000'000), Recovery::kGiveUp);
}

PendingRun Waiting(int64_t key, const std::string& user, int32_t priority = 0) {
  return {.key = key, .priority = priority, .user = user};
}

TEST(QueuePolicyTest, UsersTakeTurnsInsideAPriority) {
  const QueueSnapshot snapshot = {
      .pending = {Waiting(1, "ada"), Waiting(2, "ada"), Waiting(3, "ada"), Waiting(4, "bob"),
                  Waiting(5, "bob"), Waiting(6, "ada", 1)},
      .users = {{"ada", {.last_start = 7}}, {"bob", {.last_start = 9}}}};
  EXPECT_THAT(NextRuns(snapshot, 9), ElementsAre(6, 1, 4, 2, 5, 3));
}

TEST(QueuePolicyTest, UserWithFewestRunningRunsGoesFirstThenLeastRecentlyStarted) {
  QueueSnapshot snapshot = {
      .pending = {Waiting(1, "ada"), Waiting(2, "ada"), Waiting(3, "bob"), Waiting(4, "cy")},
      .users = {{"ada", {.running = 1, .last_start = 1}},
                {"bob", {.last_start = 9}},
                {"cy", {.last_start = 8}}}};
  EXPECT_THAT(NextRuns(snapshot, 9), ElementsAre(4, 3, 1, 2));
  snapshot.users["cy"].running = 2;
  EXPECT_THAT(NextRuns(snapshot, 9), ElementsAre(3, 1, 2, 4));
}

TEST(QueuePolicyTest, OneWorkerServesUsersAlternately) {
  std::vector<PendingRun> pending;
  for (int64_t key = 0; key < 100; ++key) pending.push_back(Waiting(key, "many"));
  for (int64_t key = 100; key < 103; ++key) pending.push_back(Waiting(key, "few"));
  Standings users;
  std::vector<int64_t> started;
  for (int64_t start = 1; start <= 7; ++start) {
    const std::vector<int64_t> next = NextRuns({.pending = pending, .users = users}, 1);
    ASSERT_EQ(next.size(), 1U);
    started.push_back(next[0]);
    const auto run = std::find_if(pending.begin(), pending.end(), [&](const PendingRun& waiting) {
      return waiting.key == next[0];
    });
    users[run->user].last_start = start;  // the run ends before the next is chosen
    pending.erase(run);
  }
  EXPECT_THAT(started, ElementsAre(100, 0, 101, 1, 102, 2, 3));
}

// Checks the closed form of the queue position against the complete order.
TEST(QueuePolicyTest, PositionOfARunIsItsIndexInTheOrder) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    QueueSnapshot snapshot;
    std::map<std::string, int64_t> counts;
    for (const char* user : {"a", "b", "c", "d"}) {
      snapshot.users[user] = {.running = static_cast<int64_t>(random() % 4),
                              .last_start = static_cast<int64_t>(random() % 3)};
    }
    const auto runs = static_cast<int64_t>(random() % 20);
    for (int64_t key = 0; key < runs; ++key) {
      const std::string user(1, static_cast<char>('a' + random() % 5));  // no state for user e
      snapshot.pending.push_back(Waiting(key, user));
      ++counts[user];
    }
    std::map<std::string, int64_t> ranks;
    int64_t place = 0;
    for (const PendingRun& run : QueueOrder(snapshot)) {
      EXPECT_EQ(RunsBefore(run.user, ranks[run.user]++, counts, snapshot.users), place++);
    }
  }
}

TEST(QueueEstimateTest, FirstFreeWorkerTakesTheNextRun) {
  using ::testing::Optional;
  EXPECT_THAT(StartSeconds(2, {10.0, 4.0}, {3.0, 9.0, 1.0, 1.0}),
              ElementsAre(Optional(4.0), Optional(7.0), Optional(10.0), Optional(11.0)));
  EXPECT_THAT(StartSeconds(2, {10.0}, {3.0, 2.0}), ElementsAre(Optional(0.0), Optional(3.0)));
}

TEST(QueueEstimateTest, UnknownDurationsGiveNoEstimate) {
  using ::testing::Optional;
  EXPECT_THAT(StartSeconds(1, {5.0}, {std::nullopt, 1.0}),
              ElementsAre(Optional(5.0), std::nullopt));
  EXPECT_THAT(StartSeconds(1, {std::nullopt}, {1.0}), ElementsAre(std::nullopt));
  EXPECT_THAT(StartSeconds(2, {std::nullopt, 5.0}, {1.0, 1.0}),
              ElementsAre(Optional(5.0), Optional(6.0)));
  EXPECT_THAT(StartSeconds(2, {}, {}), IsEmpty());
}

}  // namespace
}  // namespace anneal::scheduling
