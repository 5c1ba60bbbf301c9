#include "server/store/maintenance.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/store/connection.h"
#include "server/store/migrations.h"
#include "tests/fixtures/temp_directory.h"

namespace anneal::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string Bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Creates a database at schema version `version`.
void MakeVersion(const std::string& path, int version) {
  auto connection = Connection::Open(path, Connection::Mode::kReadWrite);
  ASSERT_TRUE(connection.ok()) << connection.status();
  ASSERT_TRUE(Migrate(connection->get()).ok());
  const auto application = (*connection)->QueryInt("PRAGMA application_id");
  ASSERT_TRUE(application.ok());
  connection->reset();
  std::filesystem::remove(path);
  connection = Connection::Open(path, Connection::Mode::kReadWrite);
  for (int i = 0; i < version; ++i) {
    ASSERT_TRUE((*connection)->Execute(Migrations()[static_cast<size_t>(i)].sql).ok());
  }
  ASSERT_TRUE((*connection)
                  ->Execute(absl::StrCat("PRAGMA application_id = ", *application,
                                         "; PRAGMA user_version = ", version))
                  .ok());
}

TEST(TryMigrationsTest, ListsPendingMigrationsWithoutApplyingThem) {
  const TempDirectory directory;
  const std::string path = directory.file("anneal.db");
  const int last = static_cast<int>(Migrations().size());
  MakeVersion(path, last - 1);
  const std::string before = Bytes(path);
  const auto names = TryMigrations(path);
  ASSERT_TRUE(names.ok()) << names.status();
  EXPECT_THAT(*names, ElementsAre(Migrations().back().name));
  EXPECT_TRUE(before == Bytes(path));
  EXPECT_NE(::access((path + ".migrated").c_str(), F_OK), 0);
  MakeVersion(path, last);
  EXPECT_THAT(*TryMigrations(path), IsEmpty());
}

TEST(BackUpDatabaseTest, TheCopyIsSoundAndUpToTheLastCommit) {
  const TempDirectory directory;
  const std::string path = directory.file("anneal.db");
  MakeVersion(path, static_cast<int>(Migrations().size()));
  // With a WAL that is not yet checkpointed.
  const auto writer = Connection::Open(path, Connection::Mode::kReadWrite);
  ASSERT_TRUE(writer.ok());
  ASSERT_TRUE((*writer)->Execute("CREATE TABLE late (x); INSERT INTO late VALUES (42)").ok());
  const std::string copy = directory.file("copy.db");
  EXPECT_TRUE(BackUpDatabase(path, copy).ok());
  EXPECT_TRUE(CheckDatabase(copy).ok());
  const auto reader = Connection::Open(copy, Connection::Mode::kReadOnly);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(*(*reader)->QueryInt("SELECT x FROM late"), 42);
  EXPECT_TRUE(absl::IsAlreadyExists(BackUpDatabase(path, copy)));
}

}  // namespace
}  // namespace anneal::store
