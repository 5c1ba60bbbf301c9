// Tests how a database file is opened: fresh ones are created, ours are migrated, others are
// refused.

#include "server/store/migrations.h"

#include <sqlite3.h>

#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/store/event_store.h"
#include "server/store/experiment_store.h"
#include "server/store/run_store.h"
#include "server/store/store.h"
#include "tests/unit/common/test_util.h"
#include "tests/unit/store/store_test_util.h"

namespace anneal::store {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

// Returns the contents of a file; no connection of this process may have it open.
std::string BytesOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Creates a database with SQLite's default settings, like any other program.
void MakeDatabase(const std::string& path, const std::string& sql) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
      << sqlite3_errmsg(db);
  EXPECT_EQ(sqlite3_close(db), SQLITE_OK);
}

class MigrationsTest : public ::testing::Test {
 protected:
  std::string path() const { return directory_.file("anneal.db"); }
  std::unique_ptr<Connection> Open() {
    auto opened = Connection::Open(path(), Connection::Mode::kReadWrite);
    EXPECT_TRUE(opened.ok()) << opened.status();
    return *std::move(opened);
  }
  // Expects that opening fails with this code and leaves the file unchanged.
  void ExpectRefused(absl::StatusCode code) {
    const std::string before = BytesOf(path());
    ASSERT_FALSE(before.empty());
    const auto opened = Store::Open(directory_.path());
    EXPECT_EQ(opened.status().code(), code) << opened.status();
    EXPECT_THAT(std::string(opened.status().message()), HasSubstr(path()));
    EXPECT_EQ(opened.status().message().find('\n'), absl::string_view::npos) << "one line";
    EXPECT_TRUE(BytesOf(path()) == before) << "the refused file was changed";
  }

  TempDirectory directory_;
};

TEST_F(MigrationsTest, MigrationsAreNumberedInOrder) {
  ASSERT_FALSE(Migrations().empty());
  for (size_t i = 0; i < Migrations().size(); ++i) {
    const std::string name = Migrations()[i].name;
    EXPECT_THAT(name, MatchesRegex("[0-9]{4}_[a-z_0-9]+"));
    EXPECT_EQ(std::stoul(name.substr(0, 4)), i + 1);
  }
}

TEST_F(MigrationsTest, FreshFileBecomesOursAtTheNewestVersion) {
  const auto db = Open();
  ASSERT_TRUE(Migrate(db.get()).ok());
  EXPECT_EQ(db->QueryInt("PRAGMA user_version").value_or(-1),
            static_cast<int64_t>(Migrations().size()));
  EXPECT_NE(db->QueryInt("PRAGMA application_id").value_or(0), 0);
  EXPECT_FALSE(db->in_transaction());
}

TEST_F(MigrationsTest, MigratingIsIdempotent) {
  auto db = Open();
  ASSERT_TRUE(Migrate(db.get()).ok());
  ASSERT_TRUE(db->Execute("INSERT INTO experiments (id, submission, priority, created)"
                          " VALUES ('a', x'', 0, 1)")
                  .ok());
  const int64_t before = db->QueryInt("PRAGMA schema_version").value_or(-1);
  ASSERT_TRUE(Migrate(db.get()).ok());
  db = Open();
  ASSERT_TRUE(Migrate(db.get()).ok());
  EXPECT_EQ(db->QueryInt("PRAGMA schema_version").value_or(-2), before);
  EXPECT_EQ(db->QueryInt("SELECT count(*) FROM experiments").value_or(-1), 1);
}

// Version 2 of the first releases: configs stored per run, no positions, no searchable labels.
TEST_F(MigrationsTest, FileOfVersion2KeepsItsData) {
  v1::Experiment submission;
  submission.set_note("old");
  (*submission.mutable_labels())["team"] = "vision \"x\"";
  {
    const auto db = Open();
    for (size_t i = 0; i < 2; ++i) ASSERT_TRUE(db->Execute(Migrations()[i].sql).ok());
    ASSERT_TRUE(db->Execute("PRAGMA application_id = 0x414e4e4c; PRAGMA user_version = 2;").ok());
    const std::string bytes = submission.SerializeAsString();
    for (const char* id : {"a", "b"}) {
      Statement insert = db->Prepare(
          "INSERT INTO experiments (id, submission, network, priority, created, last_sequence,"
          " pending) VALUES (?, ?, '{\"parameter_count\":\"42\"}', 0, 1, 2, 2)");
      ASSERT_TRUE(insert.Bind(id, Blob{bytes}).Run().ok());
    }
    ASSERT_TRUE(
        db->Execute("INSERT INTO runs (experiment_id, ordinal, seed, parameters, config, priority,"
                    " state, created, epochs_total, network)"
                    " SELECT experiment_id, o, o, '{}', '{\"epochs\":' || (3 + o) || '}', 0,"
                    " 'PENDING', 1, 3, NULL FROM experiments, (SELECT 0 AS o UNION SELECT 1);"
                    "INSERT INTO epochs SELECT run_id, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,"
                    " 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, NULL, NULL, NULL FROM runs;"
                    "UPDATE runs SET epochs_done = 1;"
                    "INSERT INTO test_results (run_id, weights, epoch, loss, accuracy, precision,"
                    " recall, f1) VALUES (1, 'LAST', 1, 0.5, 0.25, 1, 1, 1),"
                    " (1, 'BEST', 1, 0.125, 0.75, 1, 1, 1);"
                    "INSERT INTO events (experiment_id, sequence, time, kind, message)"
                    " VALUES (2, 1, 10, 'MESSAGE', 'x'), (1, 1, 20, 'MESSAGE', 'x'),"
                    "        (2, 2, 30, 'MESSAGE', 'x'), (1, 2, 40, 'MESSAGE', 'x');")
            .ok());
  }
  const auto store = Store::Open(directory_.path());
  ASSERT_TRUE(store.ok()) << store.status();
  const absl::Status read = (*store)->Read([](Connection& db) -> absl::Status {
    EXPECT_EQ(db.QueryInt("SELECT count(*) FROM configs").value_or(-1), 2);
    EXPECT_EQ(db.QueryInt("SELECT count(*) FROM epochs").value_or(-1), 4);
    EXPECT_EQ(db.QueryInt("SELECT count(*) FROM labels WHERE value = 'vision \"x\"'").value_or(-1),
              2);
    const auto run = GetRun(db, {.experiment_id = "b", .ordinal = 1}, v1::RUN_VIEW_FULL);
    if (!run.ok()) return run.status();
    EXPECT_EQ(run->config().epochs(), 4);
    const auto experiment = GetExperiment(db, "a");
    if (!experiment.ok()) return experiment.status();
    EXPECT_EQ(experiment->network().parameter_count(), 42);
    EXPECT_EQ(experiment->note(), "old");
    const auto events = ListEvents(db, {.limit = 9});
    if (!events.ok()) return events.status();
    std::string order;
    for (const v1::Event& event : *events) order.push_back(event.experiment().back());
    EXPECT_EQ(order, "baba");
    EXPECT_EQ(db.QueryInt("SELECT count(*) FROM runs WHERE train_loss = 1 AND train_accuracy = 1"
                          " AND validation_loss = 1 AND validation_accuracy = 1")
                  .value_or(-1),
              4);
    EXPECT_EQ(db.QueryInt("SELECT run_id FROM runs WHERE test_loss = 0.5 AND test_accuracy = 0.25"
                          " AND best_test_loss = 0.125 AND best_test_accuracy = 0.75")
                  .value_or(-1),
              1);
    EXPECT_EQ(db.QueryInt("SELECT count(*) FROM runs WHERE test_loss IS NULL").value_or(-1), 3);
    return absl::OkStatus();
  });
  EXPECT_TRUE(read.ok()) << read;
  const absl::Status written = (*store)->Write([](Transaction& transaction) {
    return AppendMessage(transaction, 1, std::nullopt, kNow, "new");
  });
  EXPECT_TRUE(written.ok()) << written;
}

TEST_F(MigrationsTest, NewerVersionIsRefused) {
  {
    const auto db = Open();
    ASSERT_TRUE(Migrate(db.get()).ok());
    const size_t newer = Migrations().size() + 1;
    ASSERT_TRUE(db->Execute(absl::StrCat("PRAGMA user_version = ", newer)).ok());
    const absl::Status status = Migrate(db.get());
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_TRUE(Mentions(status.message(), {absl::StrCat(newer), "version"}));
  }
  ExpectRefused(absl::StatusCode::kFailedPrecondition);
}

TEST_F(MigrationsTest, FileOfAnotherApplicationIsRefused) {
  MakeDatabase(path(), "PRAGMA application_id = 77; CREATE TABLE theirs (x);");
  ExpectRefused(absl::StatusCode::kFailedPrecondition);
}

TEST_F(MigrationsTest, FileWithoutAnApplicationButWithTablesIsRefused) {
  MakeDatabase(path(), "CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1);");
  ExpectRefused(absl::StatusCode::kFailedPrecondition);
}

TEST_F(MigrationsTest, FileOfAnotherApplicationInWalModeIsRefused) {
  MakeDatabase(path(), "PRAGMA journal_mode = WAL; CREATE TABLE theirs (x);");
  ExpectRefused(absl::StatusCode::kFailedPrecondition);
}

TEST_F(MigrationsTest, FileThatIsNoDatabaseIsRefusedAndKept) {
  std::ofstream(path()) << "my thesis\n" << std::string(5000, 'x');
  ExpectRefused(absl::StatusCode::kDataLoss);
}

TEST_F(MigrationsTest, DatabaseWithADamagedHeaderIsRefusedAndKept) {
  ASSERT_TRUE(Store::Open(directory_.path()).ok());
  {
    std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
    file << std::string(100, '\xff');
  }
  ExpectRefused(absl::StatusCode::kDataLoss);
}

TEST_F(MigrationsTest, RejectedStoreReleasesItsDirectory) {
  MakeDatabase(path(), "CREATE TABLE theirs (x);");
  ASSERT_FALSE(Store::Open(directory_.path()).ok());
  std::filesystem::remove(path());
  EXPECT_TRUE(Store::Open(directory_.path()).ok());
}

class SchemaTest : public StoreTest {};

TEST_F(SchemaTest, EveryTableIsStrict) {
  EXPECT_GE(QueryInt("SELECT count(*) FROM pragma_table_list WHERE schema = 'main'"
                     " AND type = 'table' AND strict = 1"),
            8);
  EXPECT_EQ(
      QueryInt("SELECT count(*) FROM pragma_table_list WHERE schema = 'main'"
               " AND type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"),
      0);
}

TEST_F(SchemaTest, ValueOfTheWrongTypeIsRefused) {
  const absl::Status status = Write([](Transaction& transaction) {
    return transaction.db().Execute(
        "INSERT INTO experiments (id, submission, priority, created) VALUES ('a', x'', 'high', 1)");
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
}

TEST_F(SchemaTest, DeletingAnExperimentCascades) {
  Insert(SomeExperiment("gone", 2));
  const int64_t run = RunKeyOf("gone", 0);
  ASSERT_TRUE(Change(run, v1::RUN_STATE_RUNNING).ok());
  ASSERT_TRUE(Record(run, SomeReport(1)).ok());
  ASSERT_TRUE(Write([](Transaction& transaction) {
                return transaction.db().Execute("DELETE FROM experiments");
              }).ok());
  for (const char* table : {"experiments", "runs", "epochs", "layer_epochs", "thetas", "events"}) {
    EXPECT_EQ(QueryInt(absl::StrCat("SELECT count(*) FROM ", table)), 0) << table;
  }
}

// Any SQLite program can use the documented views, with its own settings.
TEST_F(SchemaTest, DocumentedViewsAreReadableByAnyProgram) {
  NewExperiment experiment = SomeExperiment("shown", 2);
  experiment.submission.set_preset("annealed");
  Insert(experiment);
  const int64_t run = RunKeyOf("shown", 0);
  ASSERT_TRUE(Change(run, v1::RUN_STATE_RUNNING).ok());
  ASSERT_TRUE(Record(run, SomeReport(1)).ok());
  ASSERT_TRUE(Record(run, SomeReport(2)).ok());
  store_.reset();

  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open_v2(database().c_str(), &db, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
  const auto text = [db](const std::string& sql) {
    std::string result;
    const auto take = [](void* out, int, char** values, char**) {
      absl::StrAppend(static_cast<std::string*>(out), values[0] == nullptr ? "-" : values[0], ";");
      return 0;
    };
    char* error = nullptr;
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), take, &result, &error), SQLITE_OK) << sql << error;
    return result;
  };
  EXPECT_EQ(text("SELECT experiment || '/' || run || ' ' || state FROM run_overview ORDER BY run"),
            "shown/0 RUNNING;shown/1 PENDING;");
  EXPECT_EQ(text("SELECT DISTINCT preset || ' ' || dataset || ' ' || epochs_total"
                 " FROM run_overview"),
            "annealed mnist 3;");
  EXPECT_EQ(text("SELECT count(*) FROM run_overview r JOIN epoch_metrics m USING (experiment, run)"
                 " WHERE r.epochs_done = m.epoch AND r.validation_loss = m.validation_loss"),
            "1;");
  EXPECT_EQ(text("SELECT epoch FROM epoch_metrics WHERE experiment = 'shown' ORDER BY epoch"),
            "1;2;");
  EXPECT_EQ(text("SELECT count(*) FROM layer_metrics WHERE experiment = 'shown' AND run = 0"),
            "6;");
  EXPECT_EQ(sqlite3_close(db), SQLITE_OK);
}

}  // namespace
}  // namespace anneal::store
