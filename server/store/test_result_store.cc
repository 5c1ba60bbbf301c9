#include "server/store/test_result_store.h"

#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/enum_name.h"
#include "common/stats/classification.h"
#include "common/status.h"
#include "server/store/message_column.h"
#include "server/store/metric_columns.h"

namespace anneal::store {
namespace {

// The columns of the metrics in the table `test_results`, and the SQL that contains them.
struct TestResultTable {
  MetricColumns columns{*v1::TestResult::descriptor()};
  std::string insert =
      absl::StrCat("INSERT INTO test_results (run_id, weights, run_epochs, no_eligible_epoch, ",
                   columns.names(), ") VALUES (?, ?, ?, ?, ", columns.placeholders(), ")");
  std::string select =
      absl::StrCat("SELECT weights, run_epochs, no_eligible_epoch, ", columns.names(),
                   " FROM test_results WHERE run_id = ? ORDER BY weights DESC");
};
const TestResultTable& TestResults() {
  static const auto& table = *new TestResultTable();
  return table;
}

absl::Status InsertConfusion(Connection& db, int64_t run_key, const std::string& weights,
                             const v1::TestResult& result) {
  const int classes = static_cast<int>(std::lround(std::sqrt(result.confusion_size())));
  for (int actual = 0; actual < classes; ++actual) {
    for (int predicted = 0; predicted < classes; ++predicted) {
      Statement insert = db.Prepare(
          "INSERT INTO confusion (run_id, weights, actual, predicted, images)"
          " VALUES (?, ?, ?, ?, ?)");
      insert.Bind(run_key, weights, actual, predicted,
                  result.confusion(actual * classes + predicted));
      ANNEAL_RETURN_IF_ERROR(insert.Run());
    }
  }
  return absl::OkStatus();
}

absl::Status ReadConfusion(Connection& db, int64_t run_key, v1::TestResult* result) {
  const std::string weights = EnumName(result->weights());
  Statement query = db.Prepare(
      "SELECT images FROM confusion WHERE run_id = ? AND weights = ? ORDER BY actual, predicted");
  query.Bind(run_key, weights);
  while (query.Next()) result->add_confusion(query.Int(0));
  return query.status();
}

// Adds the scores of each class, which follow from the confusion matrix.
void AddClasses(v1::TestResult* result) {
  const stats::ConfusionMatrix confusion = stats::ConfusionMatrix::FromCounts(
      {result->confusion().data(), static_cast<size_t>(result->confusion_size())});
  for (int label = 0; label < confusion.classes(); ++label) {
    const stats::ClassScores scores = confusion.ClassScoresOf(label);
    v1::ClassMetrics* metrics = result->add_classes();
    metrics->set_precision(scores.precision);
    metrics->set_recall(scores.recall);
    metrics->set_f1(scores.f1);
    metrics->set_support(scores.support);
  }
}

}  // namespace

absl::Status InsertTestResult(Transaction& transaction, int64_t run_key,
                              const v1::TestResult& result) {
  const std::string weights = EnumName(result.weights());
  Statement insert = transaction.db().Prepare(TestResults().insert);
  insert.Bind(run_key, weights, result.run_epochs(), result.no_eligible_epoch());
  TestResults().columns.Bind(result, /*first=*/5, &insert);
  ANNEAL_RETURN_IF_ERROR(insert.Run());
  return InsertConfusion(transaction.db(), run_key, weights, result);
}

absl::StatusOr<std::vector<v1::TestResult>> ListTestResults(Connection& db, int64_t run_key,
                                                            bool full) {
  std::vector<v1::TestResult> results;
  {
    Statement query = db.Prepare(TestResults().select);
    query.Bind(run_key);
    while (query.Next()) {
      v1::TestResult& result = results.emplace_back();
      result.set_weights(EnumValue<v1::TestResult::Weights>(query.Bytes(0)));
      result.set_run_epochs(static_cast<int32_t>(query.Int(1)));
      result.set_no_eligible_epoch(query.Int(2) != 0);
      TestResults().columns.Read(query, /*first=*/3, &result);
    }
    ANNEAL_RETURN_IF_ERROR(query.status());
  }
  if (!full) return results;
  for (v1::TestResult& result : results) {
    ANNEAL_RETURN_IF_ERROR(ReadConfusion(db, run_key, &result));
    AddClasses(&result);
  }
  return results;
}

absl::Status KeepAsEarlierTestResults(Transaction& transaction, int64_t run_key) {
  Connection& db = transaction.db();
  ANNEAL_ASSIGN_OR_RETURN(auto results, ListTestResults(db, run_key, /*full=*/true));
  for (v1::TestResult& result : results) {
    result.clear_classes();
    const std::string weights = EnumName(result.weights());
    const std::string json = ToColumn(result);
    Statement insert = db.Prepare(
        "INSERT INTO earlier_test_results (run_id, run_epochs, weights, json) VALUES (?, ?, ?, ?)");
    ANNEAL_RETURN_IF_ERROR(insert.Bind(run_key, result.run_epochs(), weights, json).Run());
  }
  Statement forget = db.Prepare("DELETE FROM test_results WHERE run_id = ?");
  return forget.Bind(run_key).Run();
}

absl::StatusOr<std::vector<v1::TestResult>> ListEarlierTestResults(Connection& db, int64_t run_key,
                                                                   bool full) {
  Statement query = db.Prepare(
      "SELECT json FROM earlier_test_results WHERE run_id = ?"
      " ORDER BY run_epochs DESC, weights DESC");
  query.Bind(run_key);
  std::vector<v1::TestResult> results;
  while (query.Next()) {
    v1::TestResult& result = results.emplace_back();
    ANNEAL_RETURN_IF_ERROR(FromColumn(query.Bytes(0), &result));
    if (full) {
      AddClasses(&result);
    } else {
      result.clear_confusion();
    }
  }
  ANNEAL_RETURN_IF_ERROR(query.status());
  return results;
}

}  // namespace anneal::store
