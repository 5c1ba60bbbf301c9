// Tests concurrent writes: they are durable on return, fail independently, and notify once.

#include "server/store/writer.h"

#include <signal.h>

#include <atomic>
#include <future>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/store/event_store.h"
#include "tests/unit/common/test_util.h"
#include "tests/unit/store/store_test_util.h"

namespace anneal::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class WriterTest : public StoreTest {
 protected:
  // Keeps the writer's thread busy until it is destroyed, so that writes wait together.
  class Obstacle {
   public:
    explicit Obstacle(Store* store) {
      std::promise<void> begun;
      std::future<void> has_begun = begun.get_future();
      thread_ = std::thread([this, store, begun = std::move(begun)]() mutable {
        EXPECT_TRUE(store
                        ->Write([&](Transaction&) {
                          begun.set_value();
                          open_.get_future().wait();
                          return absl::OkStatus();
                        })
                        .ok());
      });
      has_begun.wait();
    }
    ~Obstacle() {
      open_.set_value();
      thread_.join();
    }

   private:
    std::promise<void> open_;
    std::thread thread_;
  };
};

TEST_F(WriterTest, WritesFromSixteenThreadsAreAllOnDisk) {
  constexpr int kThreads = 16;
  constexpr int kWrites = 25;
  std::atomic<int> written = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kWrites; ++i) {
        const auto experiment = SomeExperiment(absl::StrCat("e-", thread, "-", i));
        if (Write([&](Transaction& transaction) {
              return InsertExperiment(transaction, experiment);
            }).ok()) {
          ++written;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(written, kThreads * kWrites);
  Reopen();
  EXPECT_EQ(QueryInt("SELECT count(*) FROM experiments"), kThreads * kWrites);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM runs"), kThreads * kWrites);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM events"), kThreads * kWrites);
}

TEST_F(WriterTest, AcknowledgedWritesSurviveTheDeathOfTheProcess) {
  store_.reset();
  EXPECT_EQ(InChild([this] {
              auto store = Store::Open(directory());
              if (!store.ok()) return 1;
              for (int i = 0; i < 20; ++i) {
                const auto experiment = SomeExperiment(absl::StrCat("e-", i));
                if (!(*store)
                         ->Write([&](Transaction& transaction) {
                           return InsertExperiment(transaction, experiment);
                         })
                         .ok()) {
                  return 2;
                }
              }
              ::raise(SIGKILL);
              return 3;
            }),
            -1);
  Reopen();
  EXPECT_EQ(QueryInt("SELECT count(*) FROM experiments"), 20);
}

TEST_F(WriterTest, FailingWritesLeaveNoTraceWhileTheirNeighboursCommit) {
  constexpr int kWrites = 24;
  std::vector<absl::Status> statuses(kWrites);
  std::vector<std::thread> threads;
  {
    const Obstacle obstacle(store_.get());
    for (int i = 0; i < kWrites; ++i) {
      threads.emplace_back([&, i] {
        statuses[static_cast<size_t>(i)] = Write([i](Transaction& transaction) -> absl::Status {
          const auto experiment = SomeExperiment(absl::StrCat("e-", i), 2);
          if (absl::Status status = InsertExperiment(transaction, experiment); !status.ok()) {
            return status;
          }
          switch (i % 3) {
            case 0:
              return absl::AbortedError("changed its mind");
            case 1:  // fails half-way, in SQLite
              return InsertExperiment(transaction, experiment);
            default:
              return absl::OkStatus();
          }
        });
      });
    }
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < statuses.size(); ++i) {
    const absl::StatusCode expected = i % 3 == 0   ? absl::StatusCode::kAborted
                                      : i % 3 == 1 ? absl::StatusCode::kAlreadyExists
                                                   : absl::StatusCode::kOk;
    EXPECT_EQ(statuses[i].code(), expected) << i << ": " << statuses[i];
  }
  EXPECT_EQ(QueryInt("SELECT count(*) FROM experiments"), kWrites / 3);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM runs"), 2 * kWrites / 3);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM events"), kWrites / 3);
}

TEST_F(WriterTest, ErrorsKeepTheirPayloads) {
  const absl::Status status =
      Write([](Transaction&) { return InvalidField("epochs", "is 0; allowed is 1..100000"); });
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ViolationsOf(status).count("epochs"), 1U);
}

TEST_F(WriterTest, ListenerIsNotifiedOnceEventsAreReadable) {
  std::vector<std::set<int64_t>> told;
  std::vector<int64_t> readable;
  store_->set_commit_listener([&](const std::set<int64_t>& experiments) {
    told.push_back(experiments);
    for (const int64_t key : experiments) {
      const LogPosition position =
          Read([key](Connection& db) { return GetLogPosition(db, {.experiment_key = key}); });
      readable.push_back(position.last);
    }
  });
  Insert(SomeExperiment("first"));
  Insert(SomeExperiment("second"));
  ASSERT_TRUE(Change(RunKeyOf("first", 0), v1::RUN_STATE_RUNNING).ok());
  const int64_t first = KeyOf("first");
  const int64_t second = KeyOf("second");
  EXPECT_THAT(told, ElementsAre(std::set{first}, std::set{second}, std::set{first}));
  EXPECT_THAT(readable, ElementsAre(1, 1, 2));
}

TEST_F(WriterTest, ListenerIsNotNotifiedOfFailedOrEventlessWrites) {
  std::vector<std::set<int64_t>> told;
  store_->set_commit_listener(
      [&](const std::set<int64_t>& experiments) { told.push_back(experiments); });
  EXPECT_FALSE(Write([](Transaction& transaction) {
                 EXPECT_TRUE(InsertExperiment(transaction, SomeExperiment("undone")).ok());
                 return absl::AbortedError("no");
               }).ok());
  EXPECT_TRUE(Write([](Transaction&) { return absl::OkStatus(); }).ok());
  EXPECT_THAT(told, IsEmpty());
}

TEST_F(WriterTest, EventsOfAFailedWriteAreNotAnnouncedWithItsNeighbours) {
  Insert(SomeExperiment("good"));
  Insert(SomeExperiment("bad"));
  const int64_t good = KeyOf("good");
  const int64_t bad = KeyOf("bad");
  std::set<int64_t> told;
  store_->set_commit_listener([&](const std::set<int64_t>& experiments) {
    told.insert(experiments.begin(), experiments.end());
  });
  std::vector<std::thread> threads;
  {
    const Obstacle obstacle(store_.get());
    threads.emplace_back([&] {
      EXPECT_FALSE(Write([bad](Transaction& transaction) {
                     EXPECT_TRUE(AppendMessage(transaction, bad, std::nullopt, kNow, "x").ok());
                     return absl::AbortedError("no");
                   }).ok());
    });
    threads.emplace_back([&] {
      EXPECT_TRUE(Write([good](Transaction& transaction) {
                    return AppendMessage(transaction, good, std::nullopt, kNow, "x");
                  }).ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(told, ElementsAre(good));
  EXPECT_EQ(Get("bad").last_sequence(), 1);
  EXPECT_EQ(Get("good").last_sequence(), 2);
}

TEST_F(WriterTest, ReadersDoNotSeeAnUncommittedWriteAndKeepTheirSnapshot) {
  Insert(SomeExperiment("before"));
  const absl::Status status = TryRead([this](Connection& db) -> absl::Status {
    EXPECT_EQ(db.QueryInt("SELECT count(*) FROM experiments").value_or(-1), 1);
    Insert(SomeExperiment("meanwhile"));
    EXPECT_EQ(db.QueryInt("SELECT count(*) FROM experiments").value_or(-1), 1);
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(QueryInt("SELECT count(*) FROM experiments"), 2);
}

TEST_F(WriterTest, ReadThatFailsLeavesTheStoreUsable) {
  EXPECT_EQ(TryRead([](Connection&) { return absl::AbortedError("no"); }).code(),
            absl::StatusCode::kAborted);
  EXPECT_FALSE(TryRead([](Connection& db) { return db.Execute("SELEKT"); }).ok());
  EXPECT_EQ(QueryInt("SELECT count(*) FROM experiments"), 0);
}

}  // namespace
}  // namespace anneal::store
