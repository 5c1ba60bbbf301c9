#include "server/store/event_store.h"

#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/unit/common/test_util.h"
#include "tests/unit/store/store_test_util.h"

namespace anneal::store {
namespace {

class EventStoreTest : public StoreTest {
 protected:
  absl::Status Say(int64_t experiment, const std::string& text,
                   std::optional<int64_t> run = std::nullopt, int64_t time = kNow) {
    return Write([&](Transaction& transaction) {
      return AppendMessage(transaction, experiment, run, time, text);
    });
  }
  std::vector<v1::Event> List(const std::string& id, int64_t after, int limit) {
    const EventQuery query{.experiment_key = KeyOf(id), .after = after, .limit = limit};
    return Read([&](Connection& db) { return ListEvents(db, query); });
  }
};

TEST_F(EventStoreTest, SequencesHaveNoGapsDespiteConcurrentFailures) {
  Insert(SomeExperiment("a"));
  Insert(SomeExperiment("b"));
  const int64_t keys[] = {KeyOf("a"), KeyOf("b")};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 20; ++i) {
        const bool fails = i % 4 == 3;
        const absl::Status status = Write([&](Transaction& transaction) -> absl::Status {
          absl::Status appended = AppendMessage(transaction, keys[thread % 2], std::nullopt, kNow,
                                                absl::StrCat(thread, "-", i));
          return fails ? absl::AbortedError("no") : appended;
        });
        EXPECT_EQ(status.ok(), !fails) << status;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const char* id : {"a", "b"}) {
    const std::vector<v1::Event> events = List(id, 0, 1000);
    ASSERT_EQ(events.size(), 61U);
    for (size_t i = 0; i < events.size(); ++i) {
      EXPECT_EQ(events[i].sequence(), static_cast<int64_t>(i) + 1);
      EXPECT_EQ(events[i].experiment(), absl::StrCat("experiments/", id));
    }
    EXPECT_EQ(Get(id).last_sequence(), 61);
  }
}

TEST_F(EventStoreTest, MessagesRoundTripWithTimeAndRun) {
  Insert(SomeExperiment("a", 2));
  ASSERT_TRUE(Say(KeyOf("a"), "about all \xe2\x82\xac").ok());
  // The clock was set back: events are ordered by sequence.
  ASSERT_TRUE(Say(KeyOf("a"), "about one", RunKeyOf("a", 1), kNow - 1'000'000).ok());
  const std::vector<v1::Event> events = List("a", 1, 10);
  ASSERT_EQ(events.size(), 2U);
  v1::Event expected;
  expected.set_experiment("experiments/a");
  expected.set_sequence(2);
  expected.set_position(2);
  *expected.mutable_time() = ToTimestamp(kNow);
  expected.set_message("about all \xe2\x82\xac");
  EXPECT_TRUE(Same(events[0], expected));
  expected.set_sequence(3);
  expected.set_position(3);
  *expected.mutable_time() = ToTimestamp(kNow - 1'000'000);
  expected.set_run("experiments/a/runs/1");
  expected.set_message("about one");
  EXPECT_TRUE(Same(events[1], expected));
}

TEST_F(EventStoreTest, EventsAreListedAfterAnySequence) {
  Insert(SomeExperiment("a"));
  for (int i = 2; i <= 10; ++i) ASSERT_TRUE(Say(KeyOf("a"), absl::StrCat(i)).ok());
  for (int64_t after = 0; after <= 11; ++after) {
    const std::vector<v1::Event> events = List("a", after, 4);
    EXPECT_EQ(static_cast<int64_t>(events.size()),
              std::min<int64_t>(4, std::max<int64_t>(0, 10 - after)));
    for (size_t i = 0; i < events.size(); ++i) {
      EXPECT_EQ(events[i].sequence(), after + 1 + static_cast<int64_t>(i));
    }
  }
}

TEST_F(EventStoreTest, EventOfAnUnknownExperimentIsRejected) {
  EXPECT_FALSE(Say(999, "to nobody").ok());
  EXPECT_EQ(QueryInt("SELECT count(*) FROM events"), 0);
}

TEST_F(EventStoreTest, PositionReportsWhetherTheLogHasEnded) {
  Insert(SomeExperiment("a", 3));
  const auto position = [this] {
    return Read([&](Connection& db) { return GetLogPosition(db, {.experiment_key = KeyOf("a")}); });
  };
  EXPECT_EQ(position().last, 1);
  EXPECT_FALSE(position().ended);
  ASSERT_TRUE(Change(RunKeyOf("a", 0), v1::RUN_STATE_CANCELLED).ok());
  ASSERT_TRUE(Change(RunKeyOf("a", 1), v1::RUN_STATE_RUNNING).ok());
  ASSERT_TRUE(Change(RunKeyOf("a", 1), v1::RUN_STATE_SUCCEEDED).ok());
  ASSERT_TRUE(Change(RunKeyOf("a", 2), v1::RUN_STATE_SUSPENDED).ok());
  EXPECT_FALSE(position().ended) << "a suspended run comes back";
  ASSERT_TRUE(Change(RunKeyOf("a", 2), v1::RUN_STATE_CANCELLED).ok());
  EXPECT_TRUE(position().ended);
  EXPECT_EQ(position().last, 6);
  EXPECT_EQ(TryRead([](Connection& db) {
              return GetLogPosition(db, {.experiment_key = 999}).status();
            }).code(),
            absl::StatusCode::kNotFound);
}

TEST_F(EventStoreTest, PositionsOrderTheEventsOfAllExperiments) {
  Insert(SomeExperiment("a", 2));
  Insert(SomeExperiment("b"));
  ASSERT_TRUE(Say(KeyOf("a"), "third").ok());
  ASSERT_TRUE(Say(KeyOf("b"), "fourth").ok());
  const auto list = [this](const EventQuery& query) {
    std::vector<std::string> events;
    for (const v1::Event& event : Read([&](Connection& db) { return ListEvents(db, query); })) {
      events.push_back(
          absl::StrCat(event.position(), " ", event.experiment(), " ", event.sequence()));
    }
    return events;
  };
  EXPECT_EQ(list({.after = 1, .limit = 2}),
            (std::vector<std::string>{"2 experiments/b 1", "3 experiments/a 2"}));
  EXPECT_EQ(list({.after = 3, .limit = 9}), std::vector<std::string>{"4 experiments/b 2"});
  EXPECT_EQ(Read([](Connection& db) { return GetLogPosition(db, {}); }).last, 4);
  EXPECT_FALSE(Read([](Connection& db) { return GetLogPosition(db, {}); }).ended);
  // Purged events leave a gap; their positions are not reused.
  ASSERT_TRUE(Write([key = KeyOf("b")](Transaction& transaction) {
                return PurgeExperiment(transaction, key);
              }).ok());
  ASSERT_TRUE(Say(KeyOf("a"), "fifth").ok());
  EXPECT_EQ(list({.after = 1, .limit = 9}),
            (std::vector<std::string>{"3 experiments/a 2", "5 experiments/a 3"}));
}

TEST_F(EventStoreTest, EventsOfARunAreThoseAboutItAndEndWithIt) {
  Insert(SomeExperiment("a", 2));
  const int64_t run = RunKeyOf("a", 1);
  ASSERT_TRUE(Change(RunKeyOf("a", 0), v1::RUN_STATE_RUNNING).ok());
  ASSERT_TRUE(Change(run, v1::RUN_STATE_RUNNING).ok());
  const EventQuery query{.experiment_key = KeyOf("a"), .run_key = run, .limit = 9};
  EXPECT_FALSE(Read([&](Connection& db) { return GetLogPosition(db, query); }).ended);
  ASSERT_TRUE(Change(run, v1::RUN_STATE_SUCCEEDED).ok());
  const auto events = Read([&](Connection& db) { return ListEvents(db, query); });
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].sequence(), 3);
  EXPECT_EQ(events[1].sequence(), 4);
  EXPECT_EQ(events[1].run(), "experiments/a/runs/1");
  EXPECT_TRUE(Read([&](Connection& db) { return GetLogPosition(db, query); }).ended);
}

class PruneTest : public EventStoreTest {
 protected:
  std::vector<int64_t> Prunable(int64_t before) {
    return Read([&](Connection& db) { return ListPrunable(db, before); });
  }
  int64_t Prune(const std::string& id, int64_t before, int64_t limit) {
    const int64_t key = KeyOf(id);
    int64_t pruned = -1;
    EXPECT_TRUE(Write([&](Transaction& transaction) -> absl::Status {
                  auto result = PruneEvents(transaction, key, before, limit);
                  if (result.ok()) pruned = *result;
                  return result.status();
                }).ok());
    return pruned;
  }
  LogPosition PositionOf(const EventQuery& query) {
    return Read([&](Connection& db) { return GetLogPosition(db, query); });
  }
  LogPosition PositionOf(const std::string& id) {
    return PositionOf(EventQuery{.experiment_key = KeyOf(id)});
  }
  void End(const std::string& id, int64_t time) {
    ASSERT_TRUE(Change(RunKeyOf(id, 0), v1::RUN_STATE_CANCELLED, time).ok());
  }
};

TEST_F(PruneTest, OnlyLogsThatEndedBeforeTheCutoffArePrunable) {
  for (const char* id : {"goes-on", "ended", "ended-later"}) Insert(SomeExperiment(id));
  End("ended", kNow + 10);
  End("ended-later", kNow + 20);
  EXPECT_EQ(Prunable(kNow + 10).size(), 0U);
  EXPECT_EQ(Prunable(kNow + 11), std::vector<int64_t>{KeyOf("ended")});
  EXPECT_EQ(Prunable(kNow + 21).size(), 2U);
  EXPECT_EQ(Prune("goes-on", kNow + 100, 10), 0) << "it has gone on since it was listed";
  EXPECT_EQ(Prune("ended-later", kNow + 11, 10), 0);
}

TEST_F(PruneTest, RemovesTheOldestEventsAndRecordsTheCursor) {
  Insert(SomeExperiment("a"));
  Insert(SomeExperiment("b"));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Say(KeyOf("a"), "hello").ok());
  End("a", kNow);
  const int64_t last = Get("a").last_sequence();
  EXPECT_EQ(PositionOf("a").pruned, 0);
  EXPECT_EQ(Prune("a", kNow + 1, 3), 3);
  EXPECT_EQ(PositionOf("a").pruned, 3);
  EXPECT_EQ(List("a", 3, 100).front().sequence(), 4);
  EXPECT_EQ(Prune("a", kNow + 1, 100), last - 3);
  EXPECT_EQ(PositionOf("a").pruned, last);
  EXPECT_EQ(PositionOf("a").last, last) << "numbers are not given twice";
  EXPECT_EQ(PositionOf("b").pruned, 0);
  const int64_t position = PositionOf(EventQuery{}).pruned;
  EXPECT_EQ(position, QueryInt("SELECT value FROM counters WHERE name = 'events'"))
      << "the last event of all was one of them";
  EXPECT_EQ(Prunable(kNow + 1).size(), 0U);
  ASSERT_TRUE(Say(KeyOf("a"), "again").ok());
  EXPECT_EQ(PositionOf("a").pruned, last);
  EXPECT_EQ(List("a", last, 10).size(), 1U);
}

}  // namespace
}  // namespace anneal::store
