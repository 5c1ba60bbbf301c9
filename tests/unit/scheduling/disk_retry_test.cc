#include "server/scheduling/disk_retry.h"

#include <chrono>
#include <thread>

#include "gtest/gtest.h"

namespace anneal::scheduling {
namespace {

// Longer than a test may take: a pause that is not ended early fails by its timeout.
constexpr std::chrono::hours kForEver(10);
constexpr std::chrono::milliseconds kShort(1);

TEST(DiskRetryTest, DistinguishesDiskErrorsFromDataErrors) {
  EXPECT_TRUE(IsDiskError(absl::ResourceExhaustedError("full")));
  EXPECT_TRUE(IsDiskError(absl::UnavailableError("cannot read")));
  EXPECT_TRUE(IsDiskError(absl::InternalError("I/O error")));
  EXPECT_TRUE(IsDiskError(absl::DataLossError("corrupt")));
  EXPECT_TRUE(IsDiskError(absl::PermissionDeniedError("read-only")));
  EXPECT_FALSE(IsDiskError(absl::OkStatus()));
  EXPECT_FALSE(IsDiskError(absl::CancelledError("the run is CANCELLED")));
  EXPECT_FALSE(IsDiskError(absl::NotFoundError("purged")));
  EXPECT_FALSE(IsDiskError(absl::FailedPreconditionError("not RUNNING")));
  EXPECT_FALSE(IsDiskError(absl::AlreadyExistsError("a result")));
}

TEST(DiskRetryTest, ReturnsSuccessAndDataErrorsImmediately) {
  DiskRetry retry(kForEver);
  int calls = 0;
  for (const absl::Status& result : {absl::OkStatus(), absl::CancelledError("ended"),
                                     absl::InvalidArgumentError("no such column")}) {
    calls = 0;
    EXPECT_EQ(retry.Run([&] {
      ++calls;
      return result;
    }),
              result);
    EXPECT_EQ(calls, 1);
  }
}

TEST(DiskRetryTest, RetriesDiskErrorsUntilSuccess) {
  DiskRetry retry(kShort);
  int calls = 0;
  EXPECT_EQ(retry.Run([&]() -> absl::Status {
    if (++calls < 4) return absl::ResourceExhaustedError("full");
    return absl::OkStatus();
  }),
            absl::OkStatus());
  EXPECT_EQ(calls, 4);
}

TEST(DiskRetryTest, ReturnsADataErrorAfterDiskErrors) {
  DiskRetry retry(kShort);
  int calls = 0;
  EXPECT_EQ(retry.Run([&]() -> absl::Status {
    if (++calls < 3) return absl::UnavailableError("cannot write");
    return absl::CancelledError("ended meanwhile");
  }),
            absl::CancelledError("ended meanwhile"));
}

TEST(DiskRetryTest, GivingUpEndsAPauseWithTheDiskError) {
  DiskRetry retry(kForEver);
  Mutex mutex;
  CondVar changed;
  bool called = false;
  absl::Status result;
  std::thread run([&] {
    result = retry.Run([&] {
      MutexLock lock(&mutex);
      called = true;
      changed.SignalAll();
      return absl::ResourceExhaustedError("full");
    });
  });
  {
    MutexLock lock(&mutex);
    while (!called) changed.Wait(&mutex);
  }
  retry.GiveUp();
  run.join();
  EXPECT_EQ(result, absl::ResourceExhaustedError("full"));
}

TEST(DiskRetryTest, TriesOnceAfterGivingUp) {
  DiskRetry retry(kForEver);
  retry.GiveUp();
  retry.GiveUp();
  int calls = 0;
  EXPECT_EQ(retry.Run([&] {
    ++calls;
    return absl::ResourceExhaustedError("full");
  }),
            absl::ResourceExhaustedError("full"));
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(retry.Run([] { return absl::OkStatus(); }), absl::OkStatus());
}

}  // namespace
}  // namespace anneal::scheduling
