#include "server/api/event_reader.h"

#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/store/store_test_util.h"

namespace anneal::api {
namespace {

using store::EventQuery;
using store::kNow;
using store::SomeExperiment;
using store::Transaction;
using ::testing::HasSubstr;

class EventReaderTest : public store::StoreTest {
 protected:
  void SetUp() override {
    store::StoreTest::SetUp();
    reader_ = std::make_unique<EventReader>(store_.get());
  }

  // Creates an experiment of two runs whose log has at least `count` events.
  int64_t InsertWithEvents(const std::string& id, int count) {
    Insert(SomeExperiment(id, 2));
    const int64_t key = KeyOf(id);
    for (int i = 0; i < count; ++i) Append(key, absl::StrCat("event ", i));
    return key;
  }
  // Appends an event without notifying the reader.
  void Append(int64_t key, const std::string& text) {
    const absl::Status status = Write([&](Transaction& transaction) {
      return store::AppendMessage(transaction, key, std::nullopt, kNow, text);
    });
    ASSERT_TRUE(status.ok()) << status;
  }
  void End(const std::string& id) {
    for (int run = 0; run < 2; ++run) {
      ASSERT_TRUE(Change(RunKeyOf(id, run), v1::RUN_STATE_CANCELLED).ok());
    }
  }
  void Prune(int64_t key, int64_t limit) {
    const absl::Status status = Write([&](Transaction& transaction) {
      return store::PruneEvents(transaction, key, kNow + 1, limit).status();
    });
    ASSERT_TRUE(status.ok()) << status;
  }

  std::shared_ptr<const EventPage> ReadPage(const EventQuery& query) {
    auto page = reader_->Read(query);
    EXPECT_TRUE(page.ok()) << page.status();
    return page.ok() ? *page : std::make_shared<const EventPage>();
  }

  std::unique_ptr<EventReader> reader_;
};

TEST_F(EventReaderTest, PagesFollowEachOtherToTheEndOfTheLog) {
  const int64_t key = InsertWithEvents("a", 2 * EventReader::kPageEvents);
  End("a");
  int64_t cursor = 0;
  int pages = 0;
  bool at_end = false;
  while (!at_end && pages < 10) {
    const auto page = ReadPage({.experiment_key = key, .after = cursor});
    ASSERT_LE(page->events.size(), static_cast<size_t>(EventReader::kPageEvents));
    for (const v1::Event& event : page->events) EXPECT_EQ(event.sequence(), ++cursor);
    EXPECT_EQ(page->read_to, cursor);
    at_end = page->at_end;
    ++pages;
  }
  EXPECT_TRUE(at_end);
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(cursor, Get("a").last_sequence());
}

TEST_F(EventReaderTest, APageIsOnlyAtTheEndWhenTheExperimentIs) {
  const int64_t key = InsertWithEvents("a", 1);
  const int64_t last = Get("a").last_sequence();
  const auto open = ReadPage({.experiment_key = key, .after = last});
  EXPECT_TRUE(open->events.empty());
  EXPECT_EQ(open->read_to, last);
  EXPECT_FALSE(open->at_end);
  End("a");
  reader_->NoteCommit();
  const auto ended = ReadPage({.experiment_key = key, .after = last});
  EXPECT_FALSE(ended->events.empty());
  EXPECT_TRUE(ended->at_end);
}

TEST_F(EventReaderTest, WatchersAtTheSameCursorShareOneRead) {
  const int64_t key = InsertWithEvents("a", 3);
  const EventQuery query = {.experiment_key = key, .after = 1};
  const auto page = ReadPage(query);
  EXPECT_EQ(ReadPage(query), page);
  EventQuery limited = query;
  limited.limit = 1;
  EXPECT_EQ(ReadPage(limited), page) << "the query's limit is ignored";
  EXPECT_NE(ReadPage({.experiment_key = key, .after = 2}), page);
  EXPECT_NE(ReadPage({.experiment_key = key, .run_key = RunKeyOf("a", 0), .after = 1}), page);
  EXPECT_NE(ReadPage({.after = 1}), page);
}

TEST_F(EventReaderTest, ACommitInvalidatesTheSharedPages) {
  const int64_t key = InsertWithEvents("a", 1);
  const EventQuery query = {.experiment_key = key};
  const auto before = ReadPage(query);
  Append(key, "later");
  EXPECT_EQ(ReadPage(query), before) << "read from the store although nothing was noted";
  reader_->NoteCommit();
  const auto after = ReadPage(query);
  EXPECT_EQ(after->events.size(), before->events.size() + 1);
  EXPECT_EQ(after->events.back().message(), "later");
  EXPECT_EQ(ReadPage(query), after);
}

TEST_F(EventReaderTest, ReadsEvenWhenTooManyPagesAreShared) {
  constexpr int kEvents = 100;
  const int64_t key = InsertWithEvents("a", kEvents);
  for (int64_t after = 0; after < kEvents; ++after) {
    EXPECT_EQ(ReadPage({.experiment_key = key, .after = after})->events.front().sequence(),
              after + 1);
  }
}

TEST_F(EventReaderTest, ARunsPagesHaveItsEventsOnly) {
  const int64_t key = InsertWithEvents("a", 3);
  const int64_t run = RunKeyOf("a", 1);
  ASSERT_TRUE(Change(run, v1::RUN_STATE_CANCELLED).ok());
  const auto page = ReadPage({.experiment_key = key, .run_key = run});
  ASSERT_FALSE(page->events.empty());
  for (const v1::Event& event : page->events) EXPECT_EQ(event.run(), "experiments/a/runs/1");
  EXPECT_EQ(page->read_to, Get("a").last_sequence());
}

TEST_F(EventReaderTest, PagesOfAllExperimentsGoByPositions) {
  InsertWithEvents("a", 1);
  InsertWithEvents("b", 1);
  const auto page = ReadPage({});
  ASSERT_EQ(page->events.size(), 4U);
  for (size_t i = 0; i < page->events.size(); ++i) {
    EXPECT_EQ(page->events[i].position(), static_cast<int64_t>(i) + 1);
  }
  EXPECT_EQ(page->read_to, 4);
  EXPECT_FALSE(page->at_end);
}

TEST_F(EventReaderTest, APurgedExperimentIsNotFound) {
  const int64_t key = InsertWithEvents("a", 1);
  End("a");
  const EventQuery query = {.experiment_key = key};
  ASSERT_TRUE(reader_->Read(query).ok());
  ASSERT_TRUE(Write([&](Transaction& transaction) {
                return store::PurgeExperiment(transaction, key);
              }).ok());
  reader_->NoteCommit();
  const absl::Status status = reader_->Read(query).status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_EXPERIMENT_NOT_FOUND);
}

TEST_F(EventReaderTest, PrunedEventsAreOutOfRangeAndTheErrorNamesTheFirstCursor) {
  const int64_t key = InsertWithEvents("a", 5);
  End("a");
  Prune(key, 3);
  for (const int64_t after : {0, 2}) {
    const absl::Status status =
        reader_->Read(EventQuery{.experiment_key = key, .after = after}).status();
    EXPECT_TRUE(absl::IsOutOfRange(status)) << status;
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_EVENTS_PRUNED);
    EXPECT_EQ(ReasonMetadata(status, "after"), "3");
    EXPECT_THAT(std::string(status.message()), HasSubstr("watch after 3"));
  }
  EXPECT_EQ(ReadPage({.experiment_key = key, .after = 3})->events.front().sequence(), 4);
}

TEST_F(EventReaderTest, ErrorsAreNotShared) {
  const int64_t key = InsertWithEvents("a", 1);
  const EventQuery query = {.experiment_key = key + 1};
  EXPECT_TRUE(absl::IsNotFound(reader_->Read(query).status()));
  Insert(SomeExperiment("b", 2));
  ASSERT_EQ(KeyOf("b"), key + 1);
  EXPECT_EQ(ReadPage(query)->events.size(), 1U);
}

}  // namespace
}  // namespace anneal::api
