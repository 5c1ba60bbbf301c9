// Tests the reserve on a full file system of a few MiB, in a private mount namespace.

#include "server/store/reserve.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/unit/store/store_test_util.h"

namespace anneal::store {
namespace {

// gtest's own assertions do not cross the fork.
enum Outcome : int {
  kAsPromised = 0,
  kNoFileSystem,
  kDidNotOpen,
  kNoReserve,
  kNeverFull,
  kTookAWrite,
  kCouldNotDelete,
  kNotFilledAgain,
  kDidNotRecover,
};

void WriteText(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

// Mounts a small tmpfs that only this process sees; without root, inside a user namespace.
bool MountSmall(const std::string& directory, int mebibytes) {
  const std::string uid_map = absl::StrCat("0 ", ::getuid(), " 1");
  const bool is_root = ::geteuid() == 0;
  if (::unshare(is_root ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0) return false;
  if (!is_root) WriteText("/proc/self/uid_map", uid_map);
  return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("tmpfs", directory.c_str(), "tmpfs", 0,
                 absl::StrCat("size=", mebibytes, "m").c_str()) == 0;
}

int64_t SizeOf(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? 512 * info.st_blocks : -1;
}

// Fills the remaining space.
void FillUp(const std::string& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  const std::string block(4096, 'x');
  while (::write(file, block.data(), block.size()) > 0) {
  }
  ::close(file);
}

absl::Status Annotate(Store* store, int64_t key, const std::string& note, Writer::Purpose purpose) {
  v1::Experiment changed;
  changed.set_note(note);
  return store->Write(
      [&](Transaction& transaction) { return UpdateSubmission(transaction, key, changed); },
      purpose);
}

constexpr int64_t kReserve = 1 << 20;
constexpr int64_t kFirst = 1;  // the key of the first experiment

Outcome FillDeleteAndGoOn(const std::string& directory) {
  if (!MountSmall(directory, 8)) return kNoFileSystem;
  const std::string reserve = directory + "/reserve";
  auto store = Store::Open(directory, kReserve);
  if (!store.ok()) return kDidNotOpen;
  if (SizeOf(reserve) < kReserve) return kNoReserve;
  for (int i = 0; i < 20; ++i) {
    const NewExperiment experiment = SomeExperiment(absl::StrCat("e-", i), 50);
    (void)(*store)->Write(
        [&](Transaction& transaction) { return InsertExperiment(transaction, experiment); });
  }
  FillUp(directory + "/rubbish");
  // Uses up the free space inside SQLite's files, too.
  absl::Status status;
  for (int i = 0; i < 10'000 && status.ok(); ++i) {
    status = Annotate(store->get(), kFirst, std::string(4000, static_cast<char>('a' + i % 26)),
                      Writer::Purpose::kRecord);
  }
  if (!absl::IsResourceExhausted(status)) return status.ok() ? kNeverFull : kTookAWrite;
  if (SizeOf(reserve) < kReserve) return kNoReserve;
  const absl::Status purged = (*store)->Write(
      [&](Transaction& transaction) { return PurgeExperiment(transaction, kFirst + 1); },
      Writer::Purpose::kMakeRoom);
  if (!purged.ok()) return kCouldNotDelete;
  ::unlink((directory + "/rubbish").c_str());
  // A commit restores the reserve, at the earliest one second after the last attempt.
  const bool filled = [&] {
    for (int i = 0; i < 40; ++i) {
      if (!Annotate(store->get(), kFirst, "there is room", Writer::Purpose::kRecord).ok()) {
        return false;
      }
      if (SizeOf(reserve) >= kReserve) return true;
      ::usleep(100'000);
    }
    return false;
  }();
  if (!filled) return kNotFilledAgain;
  store->reset();
  store = Store::Open(directory, kReserve);
  return store.ok() ? kAsPromised : kDidNotRecover;
}

TEST(ReserveTest, PurgeSucceedsOnAFullDisk) {
  const TempDirectory directory;
  EXPECT_EQ(InChild([&] { return FillDeleteAndGoOn(directory.path()); }), kAsPromised);
}

TEST(ReserveTest, PersistsAcrossRestartsAndIsRemovedWhenDisabled) {
  const TempDirectory directory;
  const std::string path = directory.file("reserve");
  {
    Reserve reserve(path, kReserve);
    EXPECT_GE(SizeOf(path), kReserve);
  }
  EXPECT_GE(SizeOf(path), kReserve);
  {
    Reserve smaller(path, kReserve / 2);
    EXPECT_GE(SizeOf(path), kReserve / 2);
    EXPECT_LT(SizeOf(path), kReserve);
    EXPECT_TRUE(smaller.Release());
    EXPECT_EQ(SizeOf(path), -1);
    EXPECT_FALSE(smaller.Release()) << "there is none any more";
    smaller.Fill();
    EXPECT_GE(SizeOf(path), kReserve / 2);
  }
  Reserve none(path, 0);
  EXPECT_EQ(SizeOf(path), -1);
}

}  // namespace
}  // namespace anneal::store
