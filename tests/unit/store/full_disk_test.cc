// Tests a full disk: writes fail atomically, acknowledged writes persist, and writing resumes once
// there is space.

#include <signal.h>
#include <sys/resource.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "gtest/gtest.h"
#include "tests/unit/store/store_test_util.h"

namespace anneal::store {
namespace {

// Outcomes of the child processes below; gtest's own assertions do not cross the fork.
enum Outcome : int {
  kAsPromised = 0,
  kDidNotOpen,
  kLimitNotSet,
  kNeverFailed,
  kUnclearError,
  kLostAWrite,
  kHalfWritten,
  kDamaged,
  kDidNotRecover,
};

bool LimitFileSize(rlim_t bytes) {
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0) return false;
  limit.rlim_cur = bytes;
  return ::setrlimit(RLIMIT_FSIZE, &limit) == 0;
}

absl::Status InsertLarge(Store* store, int number) {
  NewExperiment experiment = SomeExperiment(absl::StrCat("e-", number), 2);
  experiment.submission.set_note(std::string(4000, 'n'));
  return store->Write(
      [&](Transaction& transaction) { return InsertExperiment(transaction, experiment); });
}

int64_t Count(Store* store, const std::string& sql) {
  return store->Read([&](Connection& db) { return db.QueryInt(sql); }).value_or(-1);
}

bool IsIntact(Store* store) {
  const auto intact = store->Read([](Connection& db) -> absl::StatusOr<bool> {
    Statement check = db.Prepare("PRAGMA integrity_check");
    const bool ok = check.Next() && check.Text(0) == "ok" && !check.Next();
    ANNEAL_RETURN_IF_ERROR(check.status());
    return ok;
  });
  return intact.value_or(false);
}

Outcome Check(Store* store, int acknowledged) {
  if (Count(store, "SELECT count(*) FROM experiments") != acknowledged) return kLostAWrite;
  if (Count(store, "SELECT count(*) FROM runs") != 2 * acknowledged) return kHalfWritten;
  if (Count(store, "SELECT count(*) FROM events") != acknowledged) return kHalfWritten;
  return IsIntact(store) ? kAsPromised : kDamaged;
}

// Fills the disk, checks, frees space and checks again; then repeats this after a reopen.
Outcome FillTheDisk(const std::string& directory) {
  auto opened = Store::Open(directory);
  if (!opened.ok()) return kDidNotOpen;
  if (!LimitFileSize(600'000)) return kLimitNotSet;
  int acknowledged = 0;
  absl::Status status;
  while (acknowledged < 10'000 && (status = InsertLarge(opened->get(), acknowledged)).ok()) {
    ++acknowledged;
  }
  if (status.ok() || acknowledged == 0) return kNeverFailed;
  if (status.message().empty() ||
      (!absl::IsResourceExhausted(status) && !absl::IsInternal(status))) {
    return kUnclearError;
  }
  if (const Outcome now = Check(opened->get(), acknowledged); now != kAsPromised) return now;

  LimitFileSize(RLIM_INFINITY);
  if (!InsertLarge(opened->get(), acknowledged).ok()) return kDidNotRecover;
  ++acknowledged;
  if (const Outcome then = Check(opened->get(), acknowledged); then != kAsPromised) return then;
  opened->reset();
  opened = Store::Open(directory);
  if (!opened.ok()) return kDidNotOpen;
  return Check(opened->get(), acknowledged);
}

TEST(FullDiskTest, WritesFailAtomicallyUntilSpaceIsFreed) {
  const TempDirectory directory;
  EXPECT_EQ(InChild([&] { return FillTheDisk(directory.path()); }), kAsPromised);
}

// The process ends while the disk is still full, which also prevents the last checkpoint of the
// WAL.
TEST(FullDiskTest, AcknowledgedWritesSurviveAStopOnAFullDisk) {
  const TempDirectory directory;
  EXPECT_EQ(InChild([&]() -> int {
              auto opened = Store::Open(directory.path());
              if (!opened.ok()) return kDidNotOpen;
              if (!LimitFileSize(600'000)) return kLimitNotSet;
              int acknowledged = 0;
              while (acknowledged < 10'000 && InsertLarge(opened->get(), acknowledged).ok()) {
                ++acknowledged;
              }
              opened->reset();
              LimitFileSize(RLIM_INFINITY);
              opened = Store::Open(directory.path());
              if (!opened.ok()) return kDidNotOpen;
              return Check(opened->get(), acknowledged);
            }),
            kAsPromised);
}

class FullDatabaseTest : public StoreTest {
 protected:
  void SetMaxPages(int64_t pages) {
    ASSERT_TRUE(Write([pages](Transaction& transaction) {
                  return transaction.db().Execute(absl::StrCat("PRAGMA max_page_count = ", pages));
                }).ok());
  }
};

TEST_F(FullDatabaseTest, FullDatabaseIsResourceExhaustedUntilItMayGrow) {
  SetMaxPages(QueryInt("PRAGMA page_count") + 20);
  int acknowledged = 0;
  absl::Status status;
  while (acknowledged < 1000 && (status = InsertLarge(store_.get(), acknowledged)).ok()) {
    ++acknowledged;
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_EQ(Check(store_.get(), acknowledged), kAsPromised);
  SetMaxPages(1'000'000);
  EXPECT_TRUE(InsertLarge(store_.get(), acknowledged).ok());
  EXPECT_EQ(Check(store_.get(), acknowledged + 1), kAsPromised);
}

// SQLite rolls the whole transaction back on a full disk: no write that shared it may claim
// success.
TEST_F(FullDatabaseTest, ConcurrentWritesOnAFullDiskPersistOnlyIfAcknowledged) {
  SetMaxPages(QueryInt("PRAGMA page_count") + 30);
  constexpr int kThreads = 16;
  std::vector<std::vector<int>> acknowledged(kThreads);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 8; ++i) {
        const absl::Status status = InsertLarge(store_.get(), thread * 100 + i);
        if (status.ok()) acknowledged[static_cast<size_t>(thread)].push_back(thread * 100 + i);
        if (!status.ok()) {
          EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  int total = 0;
  for (const std::vector<int>& numbers : acknowledged) {
    total += static_cast<int>(numbers.size());
    for (const int number : numbers) EXPECT_GT(KeyOf(absl::StrCat("e-", number)), 0);
  }
  EXPECT_LT(total, kThreads * 8);
  EXPECT_EQ(Check(store_.get(), total), kAsPromised);
}

}  // namespace
}  // namespace anneal::store
