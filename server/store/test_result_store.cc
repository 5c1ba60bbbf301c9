#include "server/store/test_result_store.h"

#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/enum_name.h"
#include "common/stats/classification.h"
#include "common/status.h"
#include "server/store/metric_columns.h"

namespace anneal::store {
namespace {

// The columns of the metrics in the table `test_results`, and the SQL that contains them.
struct TestResultTable {
  MetricColumns columns{*v1::TestResult::descriptor()};
  std::string insert =
      absl::StrCat("INSERT INTO test_results (run_id, weights, weights_sha256, ", columns.names(),
                   ") VALUES (?, ?, ?, ", columns.placeholders(), ")");
  std::string select = absl::StrCat("SELECT weights, weights_sha256, ", columns.names(),
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
  {
    Statement query = db.Prepare(
        "SELECT images FROM confusion WHERE run_id = ? AND weights = ? ORDER BY actual, predicted");
    query.Bind(run_key, weights);
    while (query.Next()) result->add_confusion(query.Int(0));
    ANNEAL_RETURN_IF_ERROR(query.status());
  }
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
  return absl::OkStatus();
}

}  // namespace

absl::Status InsertTestResult(Transaction& transaction, int64_t run_key,
                              const v1::TestResult& result) {
  const std::string weights = EnumName(result.weights());
  Statement insert = transaction.db().Prepare(TestResults().insert);
  insert.Bind(run_key, weights, result.weights_sha256());
  TestResults().columns.Bind(result, /*first=*/4, &insert);
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
      result.set_weights_sha256(query.Text(1));
      TestResults().columns.Read(query, /*first=*/2, &result);
    }
    ANNEAL_RETURN_IF_ERROR(query.status());
  }
  if (!full) return results;
  for (v1::TestResult& result : results) {
    ANNEAL_RETURN_IF_ERROR(ReadConfusion(db, run_key, &result));
  }
  return results;
}

}  // namespace anneal::store
