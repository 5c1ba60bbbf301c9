#include "server/store/test_result_store.h"

#include <cmath>
#include <string>

#include "common/enum_name.h"
#include "common/stats/classification.h"
#include "common/status.h"

namespace anneal::store {
namespace {

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
  Statement insert = transaction.db().Prepare(
      "INSERT INTO test_results (run_id, weights, epoch, loss, accuracy, precision, recall, f1,"
      " weights_sha256) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.Bind(run_key, weights, result.epoch(), result.loss(), result.accuracy(),
              result.precision(), result.recall(), result.f1(), result.weights_sha256());
  ANNEAL_RETURN_IF_ERROR(insert.Run());
  return InsertConfusion(transaction.db(), run_key, weights, result);
}

absl::StatusOr<std::vector<v1::TestResult>> ListTestResults(Connection& db, int64_t run_key,
                                                            bool full) {
  std::vector<v1::TestResult> results;
  {
    Statement query = db.Prepare(
        "SELECT weights, epoch, loss, accuracy, precision, recall, f1, weights_sha256"
        " FROM test_results WHERE run_id = ? ORDER BY weights DESC");
    query.Bind(run_key);
    while (query.Next()) {
      v1::TestResult& result = results.emplace_back();
      result.set_weights(EnumValue<v1::TestResult::Weights>(query.Bytes(0)));
      result.set_epoch(static_cast<int32_t>(query.Int(1)));
      result.set_loss(query.Real(2));
      result.set_accuracy(query.Real(3));
      result.set_precision(query.Real(4));
      result.set_recall(query.Real(5));
      result.set_f1(query.Real(6));
      result.set_weights_sha256(query.Text(7));
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
