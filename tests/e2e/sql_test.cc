// Reads the database's documented views with plain SQL beside a running daemon.

#include <sqlite3.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/test_daemon.h"

namespace anneal {
namespace {

using ::testing::ElementsAre;

class Database {
 public:
  explicit Database(const std::string& path) {
    EXPECT_EQ(sqlite3_open_v2(path.c_str(), &connection_, SQLITE_OPEN_READONLY, nullptr),
              SQLITE_OK);
  }
  ~Database() { sqlite3_close(connection_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  std::vector<std::vector<std::string>> Rows(const std::string& sql) {
    sqlite3_stmt* statement = Prepare(sql);
    std::vector<std::vector<std::string>> rows;
    int result = SQLITE_DONE;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
      rows.emplace_back();
      for (int i = 0; i < sqlite3_column_count(statement); ++i) {
        const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, i));
        rows.back().emplace_back(text == nullptr ? "NULL" : text);
      }
    }
    EXPECT_EQ(result, SQLITE_DONE) << sqlite3_errmsg(connection_);
    sqlite3_finalize(statement);
    return rows;
  }

  std::vector<double> Numbers(const std::string& sql) {
    sqlite3_stmt* statement = Prepare(sql);
    std::vector<double> numbers;
    while (sqlite3_step(statement) == SQLITE_ROW) {
      numbers.push_back(sqlite3_column_double(statement, 0));
    }
    sqlite3_finalize(statement);
    return numbers;
  }

 private:
  sqlite3_stmt* Prepare(const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(connection_, sql.c_str(), -1, &statement, nullptr), SQLITE_OK)
        << sqlite3_errmsg(connection_);
    return statement;
  }

  sqlite3* connection_ = nullptr;
};

TEST(SqlTest, TheViewsMatchTheClientsOutputDuringTraining) {
  const TestDaemon daemon;
  daemon.RunToEnd("first", {"--seeds", "3,7"});
  daemon.Submit("busy", {"--set", "epochs=50000"});
  ASSERT_TRUE(daemon.WaitForEpochs("busy/0", 2));
  Database database(daemon.database());

  EXPECT_THAT(
      database.Rows("SELECT experiment, run, seed, state, epochs_done, dataset, theta_policy "
                    "FROM run_overview ORDER BY experiment DESC, run LIMIT 2"),
      ElementsAre(
          ElementsAre("first", "0", "3", "SUCCEEDED", "3", "tiny", "THETA_POLICY_SCHEDULED"),
          ElementsAre("first", "1", "7", "SUCCEEDED", "3", "tiny", "THETA_POLICY_SCHEDULED")));
  EXPECT_THAT(database.Rows("SELECT state FROM run_overview WHERE experiment = 'busy'"),
              ElementsAre(ElementsAre("RUNNING")));

  const std::vector<v1::Epoch> epochs = daemon.History("first/1");
  const std::string where =
      " FROM epoch_metrics WHERE experiment = 'first' AND run = 1 "
      "ORDER BY epoch";
  EXPECT_THAT(
      database.Numbers("SELECT train_loss" + where),
      ElementsAre(epochs.at(0).train_loss(), epochs.at(1).train_loss(), epochs.at(2).train_loss()));
  EXPECT_THAT(database.Numbers("SELECT theta_mean" + where),
              ElementsAre(epochs.at(0).theta().mean(), epochs.at(1).theta().mean(),
                          epochs.at(2).theta().mean()));
  EXPECT_THAT(
      database.Numbers("SELECT gradient_norm FROM layer_metrics WHERE experiment = 'first' "
                       "AND run = 1 AND epoch = 2 ORDER BY layer"),
      ElementsAre(epochs.at(1).layers(0).gradient_norm(), epochs.at(1).layers(1).gradient_norm()));
  const v1::Run run = daemon.GetRun("first/0");
  EXPECT_THAT(database.Numbers(
                  "SELECT test_accuracy FROM run_overview WHERE experiment = 'first' AND run = 0"),
              ElementsAre(run.test_results(0).accuracy()));
  EXPECT_THAT(database.Rows("SELECT weights_sha256, best_weights_sha256, collapsed, extended_from"
                            " FROM run_overview WHERE experiment = 'first' AND run = 0"),
              ElementsAre(ElementsAre(run.weights_sha256(), run.best_weights_sha256(),
                                      run.collapsed() ? "1" : "0", "[]")));
  // Theta reaches the end of its path in the last epoch.
  EXPECT_THAT(database.Numbers("SELECT eligible" + where), ElementsAre(0, 0, 1));
  EXPECT_THAT(database.Numbers("SELECT best_validation_accuracy FROM run_overview "
                               "WHERE experiment = 'first' AND run = 1"),
              ElementsAre(epochs.at(2).validation_accuracy()));
}

TEST(SqlTest, AReaderSeesNewEpochsAndDoesNotStopTheDaemon) {
  const TestDaemon daemon;
  daemon.Submit("busy", {"--set", "epochs=50000"});
  Database database(daemon.database());
  const std::string count = "SELECT count(*) FROM epoch_metrics";
  const auto seen = [&] { return database.Numbers(count).at(0); };
  ASSERT_TRUE(Eventually([&] { return seen() >= 2; }));
  const double before = seen();
  EXPECT_TRUE(Eventually([&] { return seen() > before; }));
  EXPECT_EQ(daemon.Anneal({"cancel", "busy"}).code, kFine);
}

}  // namespace
}  // namespace anneal
