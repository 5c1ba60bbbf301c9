// Tests the durability settings, as SQLite reports them, and the conversion of its errors.

#include "server/store/connection.h"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fixtures/temp_directory.h"
#include "tests/unit/common/test_util.h"

namespace anneal::store {
namespace {

using ::testing::HasSubstr;

class ConnectionTest : public ::testing::Test {
 protected:
  std::unique_ptr<Connection> Open(Connection::Mode mode = Connection::Mode::kReadWrite) {
    auto opened = Connection::Open(path(), mode);
    EXPECT_TRUE(opened.ok()) << opened.status();
    return opened.ok() ? *std::move(opened) : nullptr;
  }
  std::string path() const { return directory_.file("test.db"); }

  static std::string Text(Connection& db, const std::string& sql) {
    Statement query = db.Prepare(sql);
    EXPECT_TRUE(query.Next()) << sql << ": " << query.status();
    return query.Text(0);
  }
  static int64_t Int(Connection& db, const std::string& sql) {
    const auto value = db.QueryInt(sql);
    EXPECT_TRUE(value.ok()) << value.status();
    return value.value_or(-1);
  }
  static void MustRun(Connection& db, const std::string& sql) {
    const absl::Status status = db.Execute(sql);
    ASSERT_TRUE(status.ok()) << status;
  }

  TempDirectory directory_;
};

TEST_F(ConnectionTest, ResetStatementTakesOtherParameters) {
  const auto db = Open();
  MustRun(*db, "CREATE TABLE t (x); INSERT INTO t VALUES (1), (2), (2)");
  Statement query = db->PrepareOnce("SELECT x FROM t WHERE x = ?");
  const auto count = [&query](int value) {
    int rows = 0;
    query.Reset();
    query.Bind(value);
    while (query.Next()) rows += query.Int(0) == value ? 1 : 100;
    return rows;
  };
  EXPECT_EQ(count(1), 1);
  EXPECT_EQ(count(2), 2);
  EXPECT_EQ(count(3), 0);
  EXPECT_TRUE(query.status().ok()) << query.status();
}

TEST_F(ConnectionTest, WriterAndReaderHaveTheSettingsThatMakeCommitsDurable) {
  const auto writer = Open();
  MustRun(*writer, "CREATE TABLE t (x)");
  const auto reader = Open(Connection::Mode::kReadOnly);
  for (Connection* db : {writer.get(), reader.get()}) {
    EXPECT_EQ(Text(*db, "PRAGMA journal_mode"), "wal");
    EXPECT_EQ(Int(*db, "PRAGMA synchronous"), 2);
    EXPECT_EQ(Int(*db, "PRAGMA foreign_keys"), 1);
    EXPECT_EQ(Int(*db, "PRAGMA busy_timeout"), 5000);
    EXPECT_EQ(Int(*db, "PRAGMA trusted_schema"), 0);
    EXPECT_EQ(Int(*db, "PRAGMA cell_size_check"), 1);
    EXPECT_EQ(Int(*db, "PRAGMA mmap_size"), 0);
  }
  EXPECT_EQ(Int(*reader, "PRAGMA wal_autocheckpoint"), 0);
  EXPECT_GT(Int(*writer, "PRAGMA wal_autocheckpoint"), 0);
}

TEST_F(ConnectionTest, DefensiveModeKeepsSqlFromDamagingTheFile) {
  const auto db = Open();
  MustRun(*db, "CREATE TABLE t (x)");
  (void)db->Execute("PRAGMA writable_schema = ON");
  EXPECT_FALSE(db->Execute("DELETE FROM sqlite_schema").ok());
  (void)db->Execute("PRAGMA journal_mode = OFF");
  EXPECT_EQ(Text(*db, "PRAGMA journal_mode"), "wal");
}

TEST_F(ConnectionTest, ReaderCannotWrite) {
  const auto writer = Open();
  MustRun(*writer, "CREATE TABLE t (x)");
  const auto reader = Open(Connection::Mode::kReadOnly);
  const absl::Status status = reader->Execute("INSERT INTO t VALUES (1)");
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << status;
  EXPECT_EQ(Int(*writer, "SELECT count(*) FROM t"), 0);
}

TEST_F(ConnectionTest, ReaderDoesNotCreateAMissingFile) {
  const auto reader = Connection::Open(path(), Connection::Mode::kReadOnly);
  EXPECT_EQ(reader.status().code(), absl::StatusCode::kPermissionDenied) << reader.status();
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(ConnectionTest, ReaderThatClosesLastLeavesTheWalAlone) {
  auto writer = Open();
  MustRun(*writer, "CREATE TABLE t (x); INSERT INTO t VALUES (1)");
  auto reader = Open(Connection::Mode::kReadOnly);
  EXPECT_EQ(Int(*reader, "SELECT count(*) FROM t"), 1);
  writer.reset();
  const auto size = std::filesystem::file_size(path() + "-wal");
  EXPECT_GT(size, 0U);
  reader.reset();
  ASSERT_TRUE(std::filesystem::exists(path() + "-wal"));
  EXPECT_EQ(std::filesystem::file_size(path() + "-wal"), size);
}

TEST_F(ConnectionTest, WriterThatClosesLastFinishesTheWal) {
  auto writer = Open();
  MustRun(*writer, "CREATE TABLE t (x); INSERT INTO t VALUES (1)");
  writer.reset();
  EXPECT_FALSE(std::filesystem::exists(path() + "-wal"));
  EXPECT_EQ(Int(*Open(), "SELECT count(*) FROM t"), 1);
}

TEST_F(ConnectionTest, ViolatedConstraintsMapToStatusCodes) {
  const auto db = Open();
  MustRun(*db,
          "CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT UNIQUE,"
          " age INTEGER NOT NULL DEFAULT 0 CHECK (age >= 0)) STRICT;"
          "CREATE TABLE child (parent INTEGER REFERENCES parent, n INTEGER,"
          " PRIMARY KEY (parent, n)) STRICT, WITHOUT ROWID;"
          "CREATE TABLE loose (x);"
          "INSERT INTO parent (id, name) VALUES (1, 'a');"
          "INSERT INTO child VALUES (1, 1);"
          "INSERT INTO loose (rowid, x) VALUES (1, 1)");
  const std::vector<std::string> taken = {
      "INSERT INTO parent (id) VALUES (1)", "INSERT INTO parent (name) VALUES ('a')",
      "INSERT INTO child VALUES (1, 1)", "INSERT INTO loose (rowid, x) VALUES (1, 2)"};
  for (const std::string& sql : taken) {
    const absl::Status status = db->Execute(sql);
    EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(sql));
  }
  const std::vector<std::string> wrong = {"INSERT INTO parent (id, age) VALUES (2, -1)",
                                          "INSERT INTO parent (id, age) VALUES (2, NULL)",
                                          "INSERT INTO parent (id, age) VALUES (2, 'old')",
                                          "INSERT INTO child VALUES (9, 1)"};
  for (const std::string& sql : wrong) {
    const absl::Status status = db->Execute(sql);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  }
}

TEST_F(ConnectionTest, WrongSqlIsAnInternalErrorThatNamesIt) {
  const auto db = Open();
  const absl::Status executed = db->Execute("SELEKT 1");
  EXPECT_EQ(executed.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(executed.message()), HasSubstr("SELEKT 1"));
  Statement statement = db->Prepare("SELECT * FROM nowhere");
  EXPECT_FALSE(statement.Next());
  EXPECT_EQ(statement.status().code(), absl::StatusCode::kInternal);
}

TEST_F(ConnectionTest, FileThatIsNoDatabaseIsDataLoss) {
  std::ofstream(path()) << std::string(4096, 'x');
  const auto opened = Connection::Open(path(), Connection::Mode::kReadWrite);
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kDataLoss) << opened.status();
}

TEST_F(ConnectionTest, DamagedPageIsDataLoss) {
  auto db = Open();
  MustRun(*db, "CREATE TABLE t (x); INSERT INTO t VALUES (randomblob(100))");
  db.reset();
  {
    std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    file << std::string(4096, '\xff');
  }
  db = Open();
  EXPECT_EQ(db->QueryInt("SELECT count(x) FROM t").status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(ConnectionTest, PathThatCannotBeOpenedIsPermissionDeniedAndNamed) {
  const std::string nowhere = directory_.file("no/such/place.db");
  const auto opened = Connection::Open(nowhere, Connection::Mode::kReadWrite);
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr(nowhere));
}

TEST_F(ConnectionTest, LockedDatabaseIsUnavailable) {
  const auto first = Open();
  MustRun(*first, "CREATE TABLE t (x); BEGIN IMMEDIATE; INSERT INTO t VALUES (1)");
  const auto second = Open();
  MustRun(*second, "PRAGMA busy_timeout = 0");
  EXPECT_EQ(second->Execute("BEGIN IMMEDIATE").code(), absl::StatusCode::kUnavailable);
}

TEST_F(ConnectionTest, FullDatabaseIsResourceExhausted) {
  const auto db = Open();
  MustRun(*db, "CREATE TABLE t (x); PRAGMA max_page_count = 4");
  EXPECT_EQ(db->Execute("INSERT INTO t VALUES (zeroblob(100000))").code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Int(*db, "SELECT count(*) FROM t"), 0);
}

TEST_F(ConnectionTest, BoundValuesOfEveryTypeRoundTrip) {
  const auto db = Open();
  MustRun(*db, "CREATE TABLE t (i INTEGER, r REAL, s TEXT, b BLOB, n, e TEXT, eb BLOB)");
  const std::string text("caf\xc3\xa9\0x", 7);
  const std::string blob("\0\xff\x80", 3);
  for (const int64_t integer :
       {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max(), int64_t{0}}) {
    MustRun(*db, "DELETE FROM t");
    {
      Statement insert = db->Prepare("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)");
      insert.Bind(integer, 0.1, text, Blob{blob}, std::optional<int64_t>(), absl::string_view(),
                  Blob{});
      ASSERT_TRUE(insert.Run().ok()) << insert.status();
    }
    EXPECT_EQ(db->changes(), 1);
    Statement query = db->Prepare("SELECT * FROM t");
    ASSERT_TRUE(query.Next()) << query.status();
    EXPECT_EQ(query.Int(0), integer);
    EXPECT_EQ(query.Real(1), 0.1);
    EXPECT_EQ(query.Text(2), text);
    EXPECT_EQ(query.Bytes(3), blob);
    EXPECT_TRUE(query.IsNull(4));
    EXPECT_EQ(query.Int(4), 0);
    EXPECT_EQ(query.Real(4), 0.0);
    EXPECT_EQ(query.Text(4), "");
    EXPECT_FALSE(query.IsNull(5)) << "an empty text is not NULL";
    EXPECT_FALSE(query.IsNull(6)) << "an empty blob is not NULL";
    EXPECT_FALSE(query.Next());
    EXPECT_TRUE(query.status().ok());
  }
}

TEST_F(ConnectionTest, FirstErrorOfAStatementSticks) {
  const auto db = Open();
  MustRun(*db, "CREATE TABLE t (x INTEGER NOT NULL UNIQUE)");
  {
    Statement insert = db->Prepare("INSERT INTO t VALUES (?)");
    insert.Bind(std::optional<int64_t>());
    EXPECT_EQ(insert.Run().code(), absl::StatusCode::kFailedPrecondition);
    insert.Bind(1);
    EXPECT_EQ(insert.Run().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_FALSE(insert.Next());
  }
  EXPECT_EQ(Int(*db, "SELECT count(*) FROM t"), 0);
  Statement again = db->Prepare("INSERT INTO t VALUES (?)");
  EXPECT_TRUE(again.Bind(1).Run().ok()) << "the next use of the text starts afresh";
}

TEST_F(ConnectionTest, BindingTooManyParametersIsAnError) {
  const auto db = Open();
  Statement query = db->Prepare("SELECT ?");
  query.Bind(1, 2);
  EXPECT_FALSE(query.Next());
  EXPECT_FALSE(query.status().ok());
}

TEST_F(ConnectionTest, StatementThatIsInUseIsNotHandedOutTwice) {
  const auto db = Open();
  constexpr char kSql[] = "SELECT 1 UNION SELECT 2";
  {
    Statement first = db->Prepare(kSql);
    ASSERT_TRUE(first.Next());
    Statement second = db->Prepare(kSql);
    EXPECT_FALSE(second.Next());
    EXPECT_FALSE(second.status().ok());
    EXPECT_TRUE(first.Next()) << "the one in use goes on";
    EXPECT_EQ(first.Int(0), 2);
  }
  Statement third = db->Prepare(kSql);
  EXPECT_TRUE(third.Next());
  EXPECT_EQ(third.Int(0), 1);
}

TEST_F(ConnectionTest, ParametersOfOneUseDoNotLeakIntoTheNext) {
  const auto db = Open();
  {
    Statement first = db->Prepare("SELECT ?");
    first.Bind("secret");
    ASSERT_TRUE(first.Next());
  }
  Statement second = db->Prepare("SELECT ?");
  ASSERT_TRUE(second.Next());
  EXPECT_TRUE(second.IsNull(0));
}

TEST_F(ConnectionTest, InTransactionFollowsBeginAndCommit) {
  const auto db = Open();
  EXPECT_FALSE(db->in_transaction());
  MustRun(*db, "BEGIN IMMEDIATE");
  EXPECT_TRUE(db->in_transaction());
  MustRun(*db, "CREATE TABLE t (x); INSERT INTO t VALUES (5); COMMIT");
  EXPECT_FALSE(db->in_transaction());
  EXPECT_EQ(db->last_insert_rowid(), 1);
}

}  // namespace
}  // namespace anneal::store
