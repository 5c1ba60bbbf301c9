#include "server/store/extreme_store.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/store/metric_columns.h"

namespace anneal::store {
namespace {

using Pick = Metric::Pick;

// The upsert of an epoch. Its parameters are the run, whether the epoch is eligible, and the
// columns of the epoch.
struct ExtremesTable {
  MetricColumns columns{*v1::Epoch::descriptor()};
  std::string upsert = Upsert();

  static constexpr int kFirstColumn = 3;

  std::string Upsert() const {
    std::vector<std::string> names;
    std::vector<std::string> values;
    std::vector<std::string> updates;
    for (const Metric& metric : ExtremeMetrics()) {
      const std::string name = ExtremeColumn(metric);
      const std::string value = absl::StrCat("?", kFirstColumn + columns.IndexOf(metric.column));
      names.push_back(name);
      values.push_back(metric.pick == Pick::kBest ? absl::StrCat("iif(?2, ", value, ", NULL)")
                                                  : value);
      updates.push_back(UpdateOf(metric, name));
    }
    return absl::StrCat("INSERT INTO run_extremes (run_id, ", absl::StrJoin(names, ", "),
                        ") VALUES (?1, ", absl::StrJoin(values, ", "),
                        ") ON CONFLICT (run_id) DO UPDATE SET ", absl::StrJoin(updates, ", "));
  }

  // SQLite's min and max of two values are NULL if one of them is.
  static std::string UpdateOf(const Metric& metric, const std::string& name) {
    const bool lowest =
        metric.pick == Pick::kMin || (metric.pick == Pick::kBest && !metric.higher_is_better());
    return absl::StrCat(name, " = coalesce(", lowest ? "min" : "max", "(", name, ", excluded.",
                        name, "), ", name, ", excluded.", name, ")");
  }
};
const ExtremesTable& Extremes() {
  static const auto& table = *new ExtremesTable();
  return table;
}

bool IsExtreme(const Metric& metric) {
  return metric.pick == Pick::kMin || metric.pick == Pick::kMax || metric.pick == Pick::kBest;
}

// Returns the columns of one metric: its value, and the first epoch that has it.
std::string ValueAndEpoch(const Metric& metric) {
  const std::string value = absl::StrCat("x.", ExtremeColumn(metric));
  return absl::StrCat(value, ", (SELECT m.epoch FROM epochs m WHERE m.run_id = x.run_id AND m.",
                      metric.column, " = ", value,
                      metric.pick == Pick::kBest ? " AND m.eligible" : "",
                      " ORDER BY m.epoch LIMIT 1)");
}

// Returns the epoch of a metric that is recorded in the last epoch or in a test result.
int32_t RecordedEpoch(const Metric& metric, const v1::Run& run) {
  if (metric.is_of_epochs()) return run.last_epoch().epoch();
  const auto weights = metric.source == Metric::Source::kBestTest ? v1::TestResult::WEIGHTS_BEST
                                                                  : v1::TestResult::WEIGHTS_LAST;
  for (const v1::TestResult& result : run.test_results()) {
    if (result.weights() == weights) return result.epoch();
  }
  return 0;
}

}  // namespace

std::string ExtremeColumn(const Metric& metric) {
  const char* prefix = metric.pick == Pick::kMin   ? "min_"
                       : metric.pick == Pick::kMax ? "max_"
                                                   : "best_";
  return absl::StrCat(prefix, metric.column);
}

absl::Status AddToExtremes(Transaction& transaction, int64_t run_key, const v1::Epoch& epoch) {
  Statement upsert = transaction.db().Prepare(Extremes().upsert);
  upsert.Bind(run_key, epoch.eligible());
  Extremes().columns.Bind(epoch, ExtremesTable::kFirstColumn, &upsert);
  return upsert.Run();
}

MetricsReader::MetricsReader(Connection* db, const std::vector<Metric>& metrics) {
  for (const Metric& metric : metrics) {
    if (metric.pick == Pick::kLast) recorded_.push_back(metric);
    if (IsExtreme(metric)) extremes_.push_back(metric);
  }
  if (extremes_.empty()) return;
  const std::string columns = absl::StrJoin(
      extremes_, ", ",
      [](std::string* out, const Metric& metric) { absl::StrAppend(out, ValueAndEpoch(metric)); });
  statement_.emplace(
      db->PrepareOnce(absl::StrCat("SELECT ", columns, " FROM run_extremes x WHERE x.run_id = ?")));
}

absl::Status MetricsReader::Read(int64_t run_key, v1::Run* run) {
  const auto set = [run](const Metric& metric, double value, int32_t epoch) {
    v1::MetricValue& to = (*run->mutable_metrics())[metric.name];
    to.set_value(value);
    to.set_epoch(epoch);
  };
  for (const Metric& metric : recorded_) {
    const std::optional<double> value = ValueOf(metric, *run);
    if (value.has_value()) set(metric, *value, RecordedEpoch(metric, *run));
  }
  if (!statement_.has_value()) return absl::OkStatus();
  statement_->Reset();
  statement_->Bind(run_key);
  if (statement_->Next()) {
    for (int i = 0; i < static_cast<int>(extremes_.size()); ++i) {
      if (statement_->IsNull(2 * i)) continue;
      set(extremes_[static_cast<size_t>(i)], statement_->Real(2 * i),
          static_cast<int32_t>(statement_->Int(2 * i + 1)));
    }
  }
  return statement_->status();
}

}  // namespace anneal::store
