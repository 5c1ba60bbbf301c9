// Tests databases that the daemon must refuse: it reports the reason in one line and leaves them
// unchanged.

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/e2e/daemon_state.h"
#include "tests/e2e/test_daemon.h"

namespace anneal {
namespace {

namespace fs = std::filesystem;

void Overwrite(const std::string& path, std::streamoff at, const std::string& bytes) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(at);
  file << bytes;
}

// A stopped daemon and its database.
class RefusedDatabaseTest : public ::testing::Test {
 protected:
  RefusedDatabaseTest() {
    daemon_.RunToEnd("ours");
    EXPECT_EQ(daemon_.Stop(), 0);
  }

  void ExpectRefused(const std::vector<std::string>& words) {
    const std::string before = Contents(daemon_.database());
    std::vector<std::string> line = words;
    line.insert(line.end(), {"anneald: ", daemon_.database()});
    EXPECT_TRUE(IsOneLineError(RunProcess(Command()), kFailed, line));
    EXPECT_TRUE(before == Contents(daemon_.database())) << "it was written to";
  }
  void ExpectAccepted() {
    daemon_.Start();
    EXPECT_EQ(daemon_.Anneal({"list", "-q"}).output, "ours\n");
  }

  TestDaemon daemon_;

 private:
  // Drops root's right to write regardless of file modes.
  std::vector<std::string> Command() const {
    std::vector<std::string> command;
    if (::geteuid() == 0) command = {"/usr/bin/setpriv", "--bounding-set", "-dac_override"};
    command.insert(command.end(),
                   {ANNEALD, "--data-dir", daemon_.data_directory(), "--listen", "127.0.0.1:0"});
    return command;
  }
};

TEST_F(RefusedDatabaseTest, AReadOnlyFile) {
  ASSERT_EQ(::chmod(daemon_.database().c_str(), 0400), 0);
  ExpectRefused({"readonly"});
  ASSERT_EQ(::chmod(daemon_.database().c_str(), 0600), 0);
  ExpectAccepted();
}

TEST_F(RefusedDatabaseTest, AReadOnlyDirectory) {
  ASSERT_EQ(::chmod(daemon_.data_directory().c_str(), 0500), 0);
  ExpectRefused({"readonly"});
  ASSERT_EQ(::chmod(daemon_.data_directory().c_str(), 0700), 0);
  ExpectAccepted();
}

TEST_F(RefusedDatabaseTest, ADamagedHeader) {
  Overwrite(daemon_.database(), 0, std::string(100, '\xff'));
  ExpectRefused({"not a database"});
}

TEST_F(RefusedDatabaseTest, ATruncatedFile) {
  fs::resize_file(daemon_.database(), fs::file_size(daemon_.database()) / 2);
  ExpectRefused({"malformed"});
}

TEST_F(RefusedDatabaseTest, ANewerSchema) {
  Sql(daemon_.database(), "PRAGMA journal_mode = DELETE; PRAGMA user_version = 999");
  ExpectRefused({"version 999", "newer"});
}

TEST_F(RefusedDatabaseTest, AnotherApplicationsDatabase) {
  fs::remove(daemon_.database());
  Sql(daemon_.database(), "PRAGMA application_id = 77; CREATE TABLE theirs (x)");
  ExpectRefused({"another application", "--data-dir"});
}

TEST_F(RefusedDatabaseTest, ANonDatabaseFile) {
  fs::remove(daemon_.database());
  std::ofstream(daemon_.database()) << "my thesis\n" << std::string(5000, 'x');
  ExpectRefused({"not a database"});
}

}  // namespace
}  // namespace anneal
