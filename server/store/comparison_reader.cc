#include "server/store/comparison_reader.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/enum_name.h"
#include "common/status.h"
#include "google/protobuf/map.h"
#include "server/store/extreme_store.h"
#include "server/store/message_column.h"
#include "server/store/metric_columns.h"

namespace anneal::store {
namespace {

using Pick = Metric::Pick;

constexpr absl::string_view kRunColumns =
    "r.run_id, r.ordinal, r.seed, r.state, r.failure_reason, r.parameters, r.config_id,"
    " r.split_id, r.dataset_sha256, r.engine, r.epochs_done, r.collapsed";
constexpr int kFirstValue = 12;

constexpr char kJoinLastEpoch[] =
    " LEFT JOIN epochs m ON m.run_id = r.run_id AND m.epoch = r.epochs_done";
constexpr char kJoinExtremes[] = " LEFT JOIN run_extremes x ON x.run_id = r.run_id";
constexpr char kJoinLastTest[] =
    " LEFT JOIN test_results t ON t.run_id = r.run_id AND t.weights = 'LAST'"
    " AND r.state = 'SUCCEEDED'";
constexpr char kJoinBestTest[] =
    " LEFT JOIN test_results b ON b.run_id = r.run_id AND b.weights = 'BEST'"
    " AND r.state = 'SUCCEEDED'";

// The SQL of a metric, and the join that it needs, or "".
struct MetricTerm {
  std::string sql;
  std::string join;
};

MetricTerm TermOf(const Metric& metric) {
  switch (metric.source) {
    case Metric::Source::kLogLossArea:
      return {.sql = "NULL"};
    case Metric::Source::kLastTest:
      return {.sql = absl::StrCat("t.", metric.column), .join = kJoinLastTest};
    case Metric::Source::kBestTest:
      return {.sql = absl::StrCat("b.", metric.column), .join = kJoinBestTest};
    case Metric::Source::kEpoch:
    case Metric::Source::kTheta:
      break;
  }
  switch (metric.pick) {
    case Pick::kLast:
      return {.sql = absl::StrCat("m.", metric.column), .join = kJoinLastEpoch};
    case Pick::kMean:
      return {.sql = absl::StrCat("(SELECT avg(a.", metric.column,
                                  ") FROM epochs a WHERE a.run_id = r.run_id)")};
    case Pick::kMin:
    case Pick::kMax:
    case Pick::kBest:
      break;
  }
  return {.sql = absl::StrCat("x.", ExtremeColumn(metric)), .join = kJoinExtremes};
}

std::string RowsSql(const std::vector<Metric>& metrics) {
  std::string sql = absl::StrCat("SELECT ", kRunColumns);
  std::set<std::string> joins;
  for (const Metric& metric : metrics) {
    MetricTerm term = TermOf(metric);
    absl::StrAppend(&sql, ", ", term.sql);
    joins.insert(std::move(term.join));
  }
  absl::StrAppend(&sql, " FROM runs r", absl::StrJoin(joins, ""),
                  " WHERE r.experiment_id = ? ORDER BY r.ordinal");
  return sql;
}

// Reads as many columns from `first` on as there are values.
void ReadValues(const Statement& row, int first, std::vector<std::optional<double>>* values) {
  for (std::optional<double>& value : *values) {
    value = row.IsNull(first) ? std::nullopt : std::optional(row.Real(first));
    ++first;
  }
}

// Reads the run, epoch and time from the first columns.
void ReadEpochRow(const Statement& row, int first_value, EpochRow* epoch) {
  epoch->run_key = row.Int(0);
  epoch->epoch = static_cast<int32_t>(row.Int(1));
  epoch->elapsed_seconds = row.Real(2);
  ReadValues(row, first_value, &epoch->values);
}

// Parses sweep parameters. Consecutive runs of a cell have the same text, which is parsed once.
class ParametersParser {
 public:
  using Parameters = std::map<std::string, std::string>;

  absl::StatusOr<Parameters> Parse(absl::string_view text) {
    if (text == text_) return parameters_;
    google::protobuf::Map<std::string, std::string> parsed;
    ANNEAL_RETURN_IF_ERROR(ParametersFromColumn(text, &parsed));
    text_ = std::string(text);
    parameters_ = {parsed.begin(), parsed.end()};
    return parameters_;
  }

 private:
  std::string text_;
  Parameters parameters_;
};

ComparedRow ReadRow(const Statement& row, size_t value_count) {
  ComparedRow run = {.key = row.Int(0),
                     .ordinal = row.Int(1),
                     .seed = row.Int(2),
                     .state = EnumValue<v1::RunState>(row.Bytes(3)),
                     .config_key = row.Int(6),
                     .split_key = row.Int(7),
                     .dataset_sha256 = row.Text(8),
                     .engine = row.Text(9),
                     .epochs_done = static_cast<int32_t>(row.Int(10)),
                     .collapsed = row.Int(11) != 0,
                     .values = std::vector<std::optional<double>>(value_count)};
  if (!row.IsNull(4)) run.failure = EnumValue<v1::FailureReason>(row.Bytes(4));
  ReadValues(row, kFirstValue, &run.values);
  return run;
}

// Reads the messages that `sql` selects, with their keys.
template <typename Message>
absl::Status ReadShared(Connection& db, int64_t experiment_key, absl::string_view sql,
                        std::map<int64_t, Message>* messages) {
  Statement query = db.Prepare(sql);
  query.Bind(experiment_key);
  while (query.Next()) {
    const auto [message, is_new] = messages->try_emplace(query.Int(0));
    if (is_new) ANNEAL_RETURN_IF_ERROR(FromColumn(query.Bytes(1), &message->second));
  }
  return query.status();
}

absl::Status CheckColumns(const MetricColumns& table, const std::vector<std::string>& columns) {
  for (const std::string& column : columns) {
    if (!table.Has(column)) {
      return absl::InvalidArgumentError(absl::StrCat("no metric has the column ", column));
    }
  }
  return absl::OkStatus();
}

std::string SelectedColumns(absl::string_view table, const std::vector<std::string>& columns) {
  std::string sql;
  for (const std::string& column : columns) absl::StrAppend(&sql, ", ", table, ".", column);
  return sql;
}

}  // namespace

absl::StatusOr<std::vector<ComparedRow>> ListComparedRows(Connection& db, int64_t experiment_key,
                                                          const std::vector<Metric>& metrics) {
  Statement query = db.PrepareOnce(RowsSql(metrics));
  query.Bind(experiment_key);
  std::vector<ComparedRow> rows;
  ParametersParser parser;
  while (query.Next()) {
    rows.push_back(ReadRow(query, metrics.size()));
    ANNEAL_ASSIGN_OR_RETURN(rows.back().parameters, parser.Parse(query.Bytes(5)));
  }
  ANNEAL_RETURN_IF_ERROR(query.status());
  return rows;
}

absl::Status ReadConfigs(Connection& db, int64_t experiment_key, SharedConfigs* configs) {
  return ReadShared(db, experiment_key,
                    "SELECT c.config_id, c.json FROM configs c WHERE c.config_id IN"
                    " (SELECT r.config_id FROM runs r WHERE r.experiment_id = ?)",
                    configs);
}

absl::Status ReadSplits(Connection& db, int64_t experiment_key, SharedSplits* splits) {
  return ReadShared(db, experiment_key,
                    "SELECT s.split_id, s.json FROM splits s WHERE s.split_id IN"
                    " (SELECT r.split_id FROM runs r WHERE r.experiment_id = ?)",
                    splits);
}

absl::Status ForEachEpoch(Connection& db, int64_t experiment_key,
                          const std::vector<std::string>& columns,
                          absl::FunctionRef<void(const EpochRow&)> visit) {
  static const auto& table = *new MetricColumns(*v1::Epoch::descriptor());
  ANNEAL_RETURN_IF_ERROR(CheckColumns(table, columns));
  // CROSS JOIN keeps this order of the tables, in which the rows need not be sorted.
  Statement query = db.PrepareOnce(absl::StrCat(
      "SELECT m.run_id, m.epoch, m.elapsed_seconds", SelectedColumns("m", columns),
      " FROM runs r CROSS JOIN epochs m ON m.run_id = r.run_id WHERE r.experiment_id = ?"
      " ORDER BY r.ordinal, m.epoch"));
  query.Bind(experiment_key);
  EpochRow row = {.values = std::vector<std::optional<double>>(columns.size())};
  while (query.Next()) {
    ReadEpochRow(query, 3, &row);
    visit(row);
  }
  return query.status();
}

absl::Status ForEachLayerEpoch(Connection& db, int64_t experiment_key,
                               const std::vector<std::string>& columns,
                               absl::FunctionRef<void(const EpochRow&, int layer)> visit) {
  static const auto& table = *new MetricColumns(*v1::LayerMetrics::descriptor());
  ANNEAL_RETURN_IF_ERROR(CheckColumns(table, columns));
  Statement query = db.PrepareOnce(absl::StrCat(
      "SELECT m.run_id, m.epoch, m.elapsed_seconds, y.layer", SelectedColumns("y", columns),
      " FROM runs r CROSS JOIN epochs m ON m.run_id = r.run_id"
      " CROSS JOIN layer_epochs y ON y.run_id = m.run_id AND y.epoch = m.epoch"
      " WHERE r.experiment_id = ? ORDER BY r.ordinal, m.epoch, y.layer"));
  query.Bind(experiment_key);
  EpochRow row = {.values = std::vector<std::optional<double>>(columns.size())};
  while (query.Next()) {
    ReadEpochRow(query, 4, &row);
    visit(row, static_cast<int>(query.Int(3)));
  }
  return query.status();
}

absl::Status SumConfusions(
    Connection& db, int64_t experiment_key, v1::TestResult::Weights weights,
    absl::FunctionRef<void(int64_t run_key, int actual, int predicted, int64_t images)> visit) {
  Statement query = db.Prepare(
      "SELECT f.run_id, f.actual, f.predicted, f.images FROM runs r"
      " CROSS JOIN confusion f ON f.run_id = r.run_id AND f.weights = ?2"
      " WHERE r.experiment_id = ?1 AND r.state = 'SUCCEEDED'"
      " ORDER BY r.ordinal, f.actual, f.predicted");
  const std::string name = EnumName(weights);
  query.Bind(experiment_key, name);
  while (query.Next()) {
    visit(query.Int(0), static_cast<int>(query.Int(1)), static_cast<int>(query.Int(2)),
          query.Int(3));
  }
  return query.status();
}

}  // namespace anneal::store
