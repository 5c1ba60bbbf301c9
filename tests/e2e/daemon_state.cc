#include "tests/e2e/daemon_state.h"

#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/sha256.h"
#include "gtest/gtest.h"

namespace anneal {

namespace fs = std::filesystem;

int Disturbances() {
  constexpr int kByDefault = 5;
  const char* text = std::getenv("ANNEAL_DISTURBANCES");
  int count = 0;
  return text != nullptr && absl::SimpleAtoi(text, &count) ? count : kByDefault;
}

std::vector<std::string> BitsOf(const TestDaemon& daemon, const std::string& run) {
  std::vector<std::string> bits;
  for (v1::Epoch& epoch : daemon.History(run)) {
    epoch.clear_elapsed_seconds();
    epoch.clear_epoch_seconds();
    epoch.clear_samples_per_second();
    bits.push_back(epoch.DebugString());
  }
  const v1::Run ended = daemon.GetRun(run);
  for (const std::string& digest : {ended.weights_sha256(), ended.best_weights_sha256()}) {
    EXPECT_EQ(digest.size(), 64U);
    bits.push_back(digest);
  }
  for (const v1::TestResult& result : ended.test_results()) bits.push_back(result.DebugString());
  bits.push_back(daemon.Anneal({"theta", run, "--output", "csv"}).output);
  return bits;
}

std::string IntegrityOf(const std::string& database) {
  sqlite3* connection = nullptr;
  EXPECT_EQ(sqlite3_open_v2(database.c_str(), &connection, SQLITE_OPEN_READWRITE, nullptr),
            SQLITE_OK);
  sqlite3_stmt* statement = nullptr;
  EXPECT_EQ(sqlite3_prepare_v2(connection, "PRAGMA integrity_check", -1, &statement, nullptr),
            SQLITE_OK);
  std::string answer;
  if (sqlite3_step(statement) == SQLITE_ROW) {
    answer = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
  }
  sqlite3_finalize(statement);
  sqlite3_close(connection);
  return answer;
}

void Sql(const std::string& database, const std::string& sql) {
  sqlite3* connection = nullptr;
  ASSERT_EQ(sqlite3_open(database.c_str(), &connection), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(connection, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
      << sqlite3_errmsg(connection);
  sqlite3_close(connection);
}

std::string Contents(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream out;
  out << stream.rdbuf();
  return std::move(out).str();
}

std::string DigestOf(const std::string& bytes) {
  Sha256 hash;
  hash.Update(bytes);
  return hash.HexDigest();
}

std::vector<fs::path> CheckpointFilesOf(const TestDaemon& daemon, const std::string& run) {
  std::vector<fs::path> files;
  std::error_code error;
  const std::string directory = daemon.data_directory() + "/checkpoints/" + run;
  for (const auto& entry : fs::directory_iterator(directory, error)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

int SocketsOf(pid_t process) {
  int sockets = 0;
  for (const auto& descriptor : fs::directory_iterator(absl::StrCat("/proc/", process, "/fd"))) {
    std::error_code gone_by_now;
    const std::string target = fs::read_symlink(descriptor.path(), gone_by_now).string();
    if (absl::StartsWith(target, "socket:")) ++sockets;
  }
  return sockets;
}

int64_t ResidentBytesOf(pid_t process) {
  std::ifstream statm(absl::StrCat("/proc/", process, "/statm"));
  int64_t size = 0;
  int64_t resident = 0;
  statm >> size >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

}  // namespace anneal
