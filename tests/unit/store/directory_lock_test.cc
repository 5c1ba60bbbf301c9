#include "server/store/directory_lock.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/store/store.h"
#include "tests/fixtures/temp_directory.h"
#include "tests/unit/common/test_util.h"
#include "tests/unit/store/store_test_util.h"

namespace anneal::store {
namespace {

int ModeOf(const std::string& path) {
  struct stat status = {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return static_cast<int>(status.st_mode & 0777);
}

TEST(DirectoryLockTest, SecondHolderIsRefusedWithTheDirectorysName) {
  const TempDirectory directory;
  const auto first = DirectoryLock::Take(directory.path());
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = DirectoryLock::Take(directory.path());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Mentions(second.status().message(), {directory.path(), "another", "--data-dir"}));
}

TEST(DirectoryLockTest, AnotherProcessIsRefusedToo) {
  const TempDirectory directory;
  const auto first = DirectoryLock::Take(directory.path());
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(InChild([&] {
              return static_cast<int>(DirectoryLock::Take(directory.path()).status().code());
            }),
            static_cast<int>(absl::StatusCode::kFailedPrecondition));
}

TEST(DirectoryLockTest, CreatesADirectoryWithARelativePath) {
  const TempDirectory directory;
  EXPECT_EQ(InChild([&] {
              if (::chdir(directory.path().c_str()) != 0) return 1;
              return DirectoryLock::Take("data").ok() ? 0 : 2;
            }),
            0);
  EXPECT_EQ(ModeOf(directory.path() + "/data"), 0700);
}

TEST(DirectoryLockTest, IsReleasedByItsDestructor) {
  const TempDirectory directory;
  { ASSERT_TRUE(DirectoryLock::Take(directory.path()).ok()); }
  EXPECT_TRUE(DirectoryLock::Take(directory.path()).ok());
}

TEST(DirectoryLockTest, IsReleasedWhenItsProcessIsKilled) {
  const TempDirectory directory;
  EXPECT_EQ(InChild([&] {
              const auto lock = DirectoryLock::Take(directory.path());
              if (lock.ok()) ::raise(SIGKILL);
              return 0;
            }),
            -1)
      << "the child was to be killed with the lock in its hands";
  EXPECT_TRUE(DirectoryLock::Take(directory.path()).ok());
}

TEST(DirectoryLockTest, MissingParentsAreCreatedPrivateToTheOwner) {
  const TempDirectory directory;
  const std::string deep = directory.file("a/b/c");
  ASSERT_TRUE(DirectoryLock::Take(deep).ok());
  EXPECT_EQ(ModeOf(directory.file("a")), 0700);
  EXPECT_EQ(ModeOf(directory.file("a/b")), 0700);
  EXPECT_EQ(ModeOf(deep), 0700);
}

TEST(DirectoryLockTest, ExistingDirectoryKeepsItsMode) {
  const TempDirectory directory;
  ASSERT_EQ(::chmod(directory.path().c_str(), 0755), 0);
  ASSERT_TRUE(DirectoryLock::Take(directory.path()).ok());
  EXPECT_EQ(ModeOf(directory.path()), 0755);
}

TEST(DirectoryLockTest, PathThroughAFileIsRefusedWithItsNameAndTheReason) {
  const TempDirectory directory;
  std::ofstream(directory.file("file")) << "x";
  for (const std::string& path : {directory.file("file"), directory.file("file/below")}) {
    const auto lock = DirectoryLock::Take(path);
    EXPECT_EQ(lock.status().code(), absl::StatusCode::kPermissionDenied) << lock.status();
    EXPECT_TRUE(Mentions(lock.status().message(), {path, "ot a directory"}));
  }
}

TEST(StoreLockTest, SecondStoreOnTheSameDirectoryIsRejectedWithoutHarm) {
  const TempDirectory directory;
  auto first = Store::Open(directory.file("data"));
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = Store::Open(directory.file("data"));
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Mentions(second.status().message(), {directory.file("data")}));
  EXPECT_TRUE((*first)
                  ->Write([](Transaction& transaction) {
                    return InsertExperiment(transaction, SomeExperiment("still-here"));
                  })
                  .ok());
  EXPECT_EQ(ModeOf(directory.file("data")), 0700);
}

}  // namespace
}  // namespace anneal::store
