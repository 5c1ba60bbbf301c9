// Tests how a database file is opened: fresh ones are created, ours are migrated, others are
// refused.

#include "server/store/migrations.h"

#include <sqlite3.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/metric.h"
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

// Version 5 of the first releases: no extremes, no eligible epochs, digests beside test results.
class FileOfVersion5Test : public MigrationsTest {
 protected:
  // Experiment `e` with a run for each config; run 1 has diverged, run 2 was lost.
  void SetUp() override {
    const auto db = Open();
    for (size_t i = 0; i < 5; ++i) ASSERT_TRUE(db->Execute(Migrations()[i].sql).ok());
    ASSERT_TRUE(
        db->Execute("PRAGMA application_id = 0x414e4e4c; PRAGMA user_version = 5;"
                    "INSERT INTO networks (json) VALUES ('{}');"
                    "INSERT INTO experiments (id, submission, network_id, priority, created,"
                    " succeeded, failed) VALUES ('e', x'', 1, 0, 1, 2, 2)")
            .ok());
    // The path from 0.5 to 0.25 ends in epoch 3.
    AddRun(0, R"({"theta":{"policy":"THETA_POLICY_FIXED","start":0.5}})", {0.5, 0.5, 0.5});
    AddRun(1, R"({"theta":{"policy":"THETA_POLICY_SCHEDULED","start":0.5,"end":0.25}})",
           {0.5, 0.375, 0.25});
    AddRun(2, R"({"theta":{"policy":"THETA_POLICY_SCHEDULED","start":0.5}})", {0.5, 0.375, 0.25});
    AddRun(3, R"({"theta":{"policy":"THETA_POLICY_TRAINABLE","start":0.5}})", {0.5, 0.375, 0.25});
    ASSERT_TRUE(db->Execute("UPDATE runs SET state = 'FAILED', failure_reason = 'DIVERGED'"
                            " WHERE ordinal = 1;"
                            "UPDATE runs SET state = 'FAILED', failure_reason = 'WORKER_LOST'"
                            " WHERE ordinal = 2;"
                            "INSERT INTO test_results (run_id, weights, epoch, loss, accuracy,"
                            " precision, recall, f1, weights_sha256) VALUES"
                            " (1, 'LAST', 3, 0.5, 0.25, 1, 1, 1, 'aaa'),"
                            " (1, 'BEST', 1, 0.125, 0.75, 1, 1, 1, 'bbb'),"
                            " (4, 'LAST', 3, 0.5, 0.25, 1, 1, 1, '');"
                            "INSERT INTO confusion VALUES (1, 'LAST', 0, 0, 7)")
                    .ok());
  }

  // The best validation accuracy, 0.75, is that of epoch 1, and so is the lowest loss.
  void AddRun(int64_t ordinal, const std::string& config, const std::vector<double>& thetas) {
    const auto db = Open();
    ASSERT_TRUE(db->Prepare("INSERT INTO configs (json) VALUES (?)").Bind(config).Run().ok());
    Statement run = db->Prepare(
        "INSERT INTO runs (experiment_id, ordinal, seed, parameters, config_id, priority, state,"
        " created, epochs_total, epochs_done) VALUES (1, ?1, ?1, '{}', ?2, 0, 'SUCCEEDED', 1, 3, "
        "3)");
    ASSERT_TRUE(run.Bind(ordinal, db->last_insert_rowid()).Run().ok());
    const int64_t key = db->last_insert_rowid();
    for (size_t i = 0; i < thetas.size(); ++i) {
      const auto epoch = static_cast<double>(i + 1);
      Statement insert = db->Prepare(
          "INSERT INTO epochs SELECT ?1, ?2, ?2, 1, 1, 1, 1, 1, 1, 1, 1, 1, ?2 / 4, 0.75 / ?2, 1, "
          "1,"
          " 1, 1, ?2 / 16, 1, 1, 1, 1, 1, ?3, ?3, ?3, ?3, ?3, ?3, ?3, ?3, NULL, nullif(?2, 1), "
          "NULL");
      ASSERT_TRUE(insert.Bind(key, epoch, thetas[i]).Run().ok()) << insert.status();
    }
  }

  v1::Run RunOf(int64_t ordinal) {
    if (store_ == nullptr) {
      auto opened = Store::Open(directory_.path());
      EXPECT_TRUE(opened.ok()) << opened.status();
      store_ = *std::move(opened);
    }
    const auto run = store_->Read([&](Connection& db) {
      return GetRun(db, {.experiment_id = "e", .ordinal = ordinal}, v1::RUN_VIEW_FULL,
                    ExtremeMetrics());
    });
    EXPECT_TRUE(run.ok()) << run.status();
    return run.value_or(v1::Run());
  }
  static std::string Text(const v1::Run& run, const std::string& metric) {
    const auto found = run.metrics().find(metric);
    if (found == run.metrics().end()) return "-";
    return absl::StrCat(found->second.value(), " in ", found->second.epoch());
  }
  int64_t QueryInt(const std::string& sql) {
    return store_->Read([&](Connection& db) { return db.QueryInt(sql); }).value_or(-1);
  }

  std::unique_ptr<Store> store_;
};

TEST_F(FileOfVersion5Test, EpochsAtTheEndOfThetasPathAreEligible) {
  for (const int64_t ordinal : {0, 3}) {
    EXPECT_EQ(Text(RunOf(ordinal), "best.validation_accuracy"), "0.75 in 1") << ordinal;
    EXPECT_TRUE(RunOf(ordinal).last_epoch().eligible());
  }
  EXPECT_EQ(Text(RunOf(1), "best.validation_accuracy"), "0.25 in 3");
  EXPECT_EQ(Text(RunOf(1), "max.validation_accuracy"), "0.75 in 1");
  EXPECT_TRUE(RunOf(1).last_epoch().eligible());
  EXPECT_EQ(Text(RunOf(2), "best.validation_accuracy"), "-") << "theta.end is 0";
  EXPECT_FALSE(RunOf(2).last_epoch().eligible());
  EXPECT_EQ(QueryInt("SELECT sum(eligible) FROM epochs"), 3 + 1 + 0 + 3);
}

TEST_F(FileOfVersion5Test, ExtremesAreThoseOfTheEpochs) {
  const v1::Run run = RunOf(1);
  EXPECT_EQ(Text(run, "min.validation_loss"), "0.25 in 1");
  EXPECT_EQ(Text(run, "max.validation_loss"), "0.75 in 3");
  EXPECT_EQ(Text(run, "best.validation_loss"), "0.75 in 3");
  EXPECT_EQ(Text(run, "min.theta_max"), "0.25 in 3");
  EXPECT_EQ(Text(run, "max.validation_relu_accuracy"), "0.1875 in 3");
  EXPECT_EQ(Text(run, "max.epoch"), "3 in 3");
  EXPECT_EQ(Text(run, "min.hessian_max_eigenvalue"), "2 in 2");
  EXPECT_EQ(Text(run, "min.convexity_violations"), "-");
  EXPECT_EQ(Text(run, "min.validation_predicted_classes"), "-");
  EXPECT_FALSE(run.collapsed());
  EXPECT_EQ(QueryInt("SELECT count(*) FROM runs r JOIN run_extremes x USING (run_id) WHERE"
                     " r.best_validation_accuracy IS x.best_validation_accuracy AND"
                     " r.max_validation_accuracy IS x.max_validation_accuracy AND"
                     " r.min_validation_loss IS x.min_validation_loss AND"
                     " r.best_validation_loss IS x.best_validation_loss AND"
                     " r.best_validation_relu_accuracy IS x.best_validation_relu_accuracy"),
            4);
}

TEST_F(FileOfVersion5Test, DigestsMoveToTheirRun) {
  EXPECT_EQ(RunOf(0).weights_sha256(), "aaa");
  EXPECT_EQ(RunOf(0).best_weights_sha256(), "bbb");
  ASSERT_EQ(RunOf(0).test_results_size(), 2);
  EXPECT_EQ(RunOf(0).test_results(0).run_epochs(), 3);
  EXPECT_EQ(RunOf(0).test_results(0).confusion_size(), 1);
  EXPECT_EQ(RunOf(0).test_results(1).accuracy(), 0.75);
  EXPECT_EQ(RunOf(3).weights_sha256(), "");
  EXPECT_EQ(QueryInt("SELECT count(*) FROM weights_digests"), 1);
}

TEST_F(FileOfVersion5Test, DivergedRunsAreCounted) {
  EXPECT_EQ(RunOf(1).failure().reason(), v1::FAILURE_REASON_DIVERGED);
  const auto experiment = store_->Read([](Connection& db) { return GetExperiment(db, "e"); });
  ASSERT_TRUE(experiment.ok()) << experiment.status();
  EXPECT_EQ(experiment->run_counts().failed(), 2);
  EXPECT_EQ(experiment->run_counts().diverged(), 1);
}

TEST_F(FileOfVersion5Test, RunsGoOn) {
  EXPECT_EQ(RunOf(1).epochs_done(), 3);
  const absl::Status status = store_->Write([](Transaction& transaction) -> absl::Status {
    absl::Status changed = ChangeRunState(transaction, 2, v1::RUN_STATE_PENDING, kNow);
    if (!changed.ok()) return changed;
    v1::EpochReport report = SomeReport(4);
    report.mutable_epoch()->set_validation_accuracy(0.5);
    report.mutable_epoch()->set_eligible(true);
    return RecordEpoch(transaction, 2, kNow, report);
  });
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(Text(RunOf(1), "best.validation_accuracy"), "0.5 in 4");
  EXPECT_EQ(Text(RunOf(1), "max.validation_accuracy"), "0.75 in 1");
  EXPECT_EQ(QueryInt("SELECT best_validation_accuracy * 4 FROM runs WHERE run_id = 2"), 2);
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
  ASSERT_TRUE(Write([&](Transaction& transaction) {
                return transaction.db().Execute(absl::StrCat(
                    "INSERT INTO run_labels VALUES (", run, ", 'a', 'b');",
                    "INSERT INTO attempts (run_id, number, first_epoch) VALUES (", run, ", 1, 0);",
                    "INSERT INTO weights_digests VALUES (", run, ", 'a', 'b');",
                    "INSERT INTO earlier_test_results VALUES (", run, ", 1, 'LAST', '{}');",
                    "INSERT INTO looks SELECT experiment_id, 'LIST', '', '', 0 FROM experiments;",
                    "DELETE FROM experiments"));
              }).ok());
  for (const char* table :
       {"experiments", "runs", "epochs", "layer_epochs", "thetas", "events", "run_extremes",
        "run_labels", "attempts", "earlier_test_results", "weights_digests", "looks"}) {
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
  EXPECT_EQ(text("SELECT collapsed || ' [' || note || '] ' || extended_from FROM run_overview"
                 " WHERE run = 0"),
            "0 [] [];");
  EXPECT_EQ(text("SELECT count(weights_sha256), count(best_weights_sha256),"
                 " best_validation_accuracy IS NOT NULL FROM run_overview WHERE run = 0"),
            "0;");
  EXPECT_EQ(text("SELECT group_concat(eligible) FROM epoch_metrics"), "1,0;");
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
