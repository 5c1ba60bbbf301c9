// Tests anneald check, backup and migrate on real databases: of a running daemon, and damaged ones.

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/daemon_state.h"
#include "tests/e2e/records.h"
#include "tests/e2e/test_daemon.h"

namespace anneal {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class MaintenanceTest : public ::testing::Test {
 protected:
  MaintenanceTest() { daemon_.RunToEnd("ours", {"--seeds", "0..1"}); }

  Finished Anneald(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {ANNEALD, "--data-dir", daemon_.data_directory(),
                                         "--datasets", daemon_.datasets()});
    return RunProcess(arguments);
  }

  TestDaemon daemon_;
};

TEST_F(MaintenanceTest, AnOnlineBackupContainsAllCommittedData) {
  daemon_.Submit("busy", {"--set", "epochs=50000"});
  ASSERT_TRUE(daemon_.WaitForEpochs("busy/0", 20));
  const std::string copy = daemon_.file("backup/anneal.db");
  std::filesystem::create_directory(daemon_.file("backup"));
  const Finished finished = Anneald({"backup", copy});
  EXPECT_EQ(finished.code, 0) << finished.errors;
  EXPECT_EQ(finished.output, copy + "\n");
  struct stat info {};
  ASSERT_EQ(::stat(copy.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  const int before = daemon_.GetRun("busy/0").epochs_done();
  EXPECT_TRUE(daemon_.WaitForEpochs("busy/0", before + 5)) << "it goes on";
  // Another daemon starts from the copy.
  Process other({ANNEALD, "--data-dir", daemon_.file("backup"), "--listen", "127.0.0.1:0",
                 "--datasets", daemon_.datasets(), "--address-file", daemon_.file("other")});
  ASSERT_TRUE(Eventually([&] { return ::access(daemon_.file("other").c_str(), F_OK) == 0; }));
  const std::string address = Lines(Contents(daemon_.file("other")))[0];
  const Finished list = RunProcess({ANNEAL, "--server", address, "list", "-q"});
  EXPECT_EQ(list.output, "busy\nours\n");
  EXPECT_EQ(RunProcess({ANNEAL, "--server", address, "history", "ours/0", "-o", "csv"}).output,
            daemon_.Anneal({"history", "ours/0", "-o", "csv"}).output);
}

TEST_F(MaintenanceTest, AClientDownloadsAnOnlineBackup) {
  daemon_.Submit("busy", {"--set", "epochs=50000"});
  ASSERT_TRUE(daemon_.WaitForEpochs("busy/0", 20));
  std::filesystem::create_directory(daemon_.file("fetched"));
  const std::string copy = daemon_.file("fetched/anneal.db");
  const Finished fetched = daemon_.Anneal({"server", "backup", copy});
  EXPECT_EQ(fetched.code, kFine) << fetched.errors;
  EXPECT_EQ(fetched.output, copy + "\n");
  struct stat info {};
  ASSERT_EQ(::stat(copy.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  EXPECT_EQ(IntegrityOf(copy), "ok");
  EXPECT_EQ(RunProcess({ANNEALD, "--data-dir", daemon_.file("fetched"), "check"}).code, 0);
  const std::string before = Contents(copy);
  EXPECT_TRUE(IsOneLineError(daemon_.Anneal({"server", "backup", copy}), kFailed, {"already"}));
  EXPECT_TRUE(Contents(copy) == before) << "what is there stays";
  for (const auto& entry : std::filesystem::directory_iterator(daemon_.data_directory())) {
    EXPECT_THAT(entry.path().filename().string(), Not(HasSubstr("backup")));
  }
  EXPECT_TRUE(daemon_.WaitForEpochs("busy/0", daemon_.GetRun("busy/0").epochs_done() + 5));
}

TEST_F(MaintenanceTest, WatchReportsPrunedEventsAndTheFinalState) {
  ASSERT_EQ(daemon_.Stop(), 0);
  // Backdates the records.
  Sql(daemon_.database(), "UPDATE events SET time = 1; UPDATE runs SET ended = 1");
  Process pruning({ANNEALD, "--data-dir", daemon_.data_directory(), "--datasets",
                   daemon_.datasets(), "--listen", "127.0.0.1:0", "--address-file",
                   daemon_.file("other"), "--prune-events-after", "1d", "--keep-checkpoints",
                   "1d"});
  ASSERT_TRUE(pruning.WaitFor([](const std::string&, const std::string& errors) {
    return absl::StrContains(errors, "removed the checkpoints of 2 runs");
  })) << pruning.errors();
  const std::string address = Lines(Contents(daemon_.file("other")))[0];
  const Finished watch = RunProcess({ANNEAL, "--server", address, "watch", "ours"});
  EXPECT_EQ(watch.code, kFine) << watch.errors;
  EXPECT_THAT(watch.errors, HasSubstr("pruned"));
  EXPECT_EQ(RunProcess({ANNEAL, "--server", address, "wait", "ours"}).code, kFine);
  const Finished history =
      RunProcess({ANNEAL, "--server", address, "history", "ours/0", "-o", "csv"});
  EXPECT_EQ(Lines(history.output).size(), 4U) << "a line for each of three epochs, and a heading";
}

TEST_F(MaintenanceTest, ABackupNeitherOverwritesFilesNorLeavesPartialOnes) {
  const std::string there = daemon_.WriteFile("there", "mine");
  EXPECT_TRUE(IsOneLineError(Anneald({"backup", there}), kFailed, {there, "already"}));
  EXPECT_EQ(Contents(there), "mine");
  const std::string nowhere = daemon_.file("no/such/directory/file");
  EXPECT_TRUE(IsOneLineError(Anneald({"backup", nowhere}), kFailed, {nowhere}));
  EXPECT_TRUE(IsOneLineError(
      RunProcess({ANNEALD, "--data-dir", daemon_.file("empty"), "backup", daemon_.file("x")}),
      kFailed, {"no database"}));
  EXPECT_NE(::access(daemon_.file("x").c_str(), F_OK), 0);
  EXPECT_NE(::access(daemon_.file("x.part").c_str(), F_OK), 0);
}

TEST_F(MaintenanceTest, CheckReportsNoProblemsForAHealthyDaemon) {
  const Finished check = Anneald({"check"});
  EXPECT_EQ(check.code, 0) << check.output;
  EXPECT_THAT(check.output,
              AllOf(HasSubstr("ok    database " + daemon_.database()), HasSubstr("ok    tokens"),
                    HasSubstr("ok    data set tiny"), Not(HasSubstr("FAIL"))));
}

TEST_F(MaintenanceTest, CheckReportsEveryDamagedFile) {
  ASSERT_EQ(daemon_.Stop(), 0);
  // Damages a page in the middle.
  std::fstream file(daemon_.database(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(daemon_.database()) / 2));
  file << std::string(4096, '\x5a');
  file.close();
  std::ofstream(daemon_.datasets() + "/tiny/train-images-idx3-ubyte") << "nonsense";
  const Finished check = Anneald({"check"});
  EXPECT_EQ(check.code, kFailed);
  EXPECT_THAT(check.output, AllOf(HasSubstr("FAIL  database"), HasSubstr("FAIL  data set tiny"),
                                  HasSubstr("ok    data set mnist"), HasSubstr("ok    tokens")));
  EXPECT_EQ(Anneald({"backup", daemon_.file("copy")}).code, kFailed);
  EXPECT_NE(::access(daemon_.file("copy").c_str(), F_OK), 0) << "no copy of what is damaged";
}

TEST_F(MaintenanceTest, CheckFindsRowsWithoutTheirParent) {
  ASSERT_EQ(daemon_.Stop(), 0);
  Sql(daemon_.database(), "PRAGMA foreign_keys = OFF; DELETE FROM experiments");
  const Finished check = Anneald({"check"});
  EXPECT_EQ(check.code, kFailed);
  EXPECT_THAT(check.output, HasSubstr("refers to a missing row"));
}

TEST_F(MaintenanceTest, MigrateLeavesAnUpToDateDatabaseUnchanged) {
  const Finished nothing = Anneald({"migrate", "--dry-run"});
  EXPECT_EQ(nothing.code, 0) << nothing.errors;
  EXPECT_THAT(nothing.output, HasSubstr("up to date"));
  EXPECT_EQ(Anneald({"migrate"}).code, kFailed) << "a daemon has it";
  ASSERT_EQ(daemon_.Stop(), 0);
  EXPECT_THAT(Anneald({"migrate"}).output, HasSubstr("up to date"));
}

TEST_F(MaintenanceTest, ADryRunDetectsAMigrationThatWouldFail) {
  ASSERT_EQ(daemon_.Stop(), 0);
  Sql(daemon_.database(), "PRAGMA user_version = 3");  // although the fourth is applied
  const std::string before = Contents(daemon_.database());
  EXPECT_TRUE(IsOneLineError(Anneald({"migrate", "--dry-run"}), kFailed, {"duplicate column"}));
  EXPECT_TRUE(before == Contents(daemon_.database()));
}

}  // namespace
}  // namespace anneal
