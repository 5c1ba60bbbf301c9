#include "server/store/epoch_store.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/status.h"

namespace anneal::store {
namespace {

static_assert(std::endian::native == std::endian::little, "theta blobs are little-endian");

constexpr absl::string_view kEpochColumns =
    "epoch, elapsed_seconds, epoch_seconds, samples_per_second, learning_rate, step,"
    " train_loss, train_accuracy, train_precision, train_recall, train_f1,"
    " validation_loss, validation_accuracy, validation_precision, validation_recall,"
    " validation_f1, validation_relu_loss, validation_relu_accuracy, validation_relu_precision,"
    " validation_relu_recall, validation_relu_f1, penalty, theta_count, theta_min, theta_q05,"
    " theta_q25, theta_median, theta_q75, theta_q95, theta_max, theta_mean,"
    " convexity_violations, hessian_max_eigenvalue, hessian_min_eigenvalue";

template <typename Has, typename Value>
auto OptionalOf(Has has, Value value) {
  return has ? std::optional(value) : std::nullopt;
}

absl::Status InsertEpochRow(Connection& db, int64_t run_key, const v1::Epoch& e) {
  static const auto& sql = *new std::string(
      absl::StrCat("INSERT INTO epochs (run_id, ", kEpochColumns,
                   ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,"
                   " ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30,"
                   " ?31, ?32, ?33, ?34, ?35)"));
  const v1::ThetaSummary& t = e.theta();
  Statement insert = db.Prepare(sql);
  insert.Bind(run_key, e.epoch(), e.elapsed_seconds(), e.epoch_seconds(), e.samples_per_second(),
              e.learning_rate(), e.step(), e.train_loss(), e.train_accuracy(), e.train_precision(),
              e.train_recall(), e.train_f1(), e.validation_loss(), e.validation_accuracy(),
              e.validation_precision(), e.validation_recall(), e.validation_f1(),
              e.validation_relu_loss(), e.validation_relu_accuracy(), e.validation_relu_precision(),
              e.validation_relu_recall(), e.validation_relu_f1(), e.penalty(), t.count(), t.min(),
              t.q05(), t.q25(), t.median(), t.q75(), t.q95(), t.max(), t.mean(),
              OptionalOf(e.has_convexity_violations(), e.convexity_violations()),
              OptionalOf(e.has_hessian_max_eigenvalue(), e.hessian_max_eigenvalue()),
              OptionalOf(e.has_hessian_min_eigenvalue(), e.hessian_min_eigenvalue()));
  return insert.Run();
}

absl::Status InsertLayers(Connection& db, int64_t run_key, const v1::Epoch& epoch) {
  for (int layer = 0; layer < epoch.layers_size(); ++layer) {
    const v1::LayerMetrics& metrics = epoch.layers(layer);
    Statement insert = db.Prepare(
        "INSERT INTO layer_epochs (run_id, epoch, layer, gradient_norm, linear_gap,"
        " negative_share) VALUES (?, ?, ?, ?, ?, ?)");
    insert.Bind(run_key, epoch.epoch(), layer, metrics.gradient_norm(),
                OptionalOf(metrics.has_linear_gap(), metrics.linear_gap()),
                OptionalOf(metrics.has_negative_share(), metrics.negative_share()));
    ANNEAL_RETURN_IF_ERROR(insert.Run());
  }
  return absl::OkStatus();
}

absl::Status InsertTheta(Connection& db, int64_t run_key, const v1::ThetaVector& theta) {
  const std::string shape = absl::StrCat("[", absl::StrJoin(theta.shape(), ","), "]");
  const Blob radians{{reinterpret_cast<const char*>(theta.values().data()),
                      static_cast<size_t>(theta.values_size()) * sizeof(float)}};
  Statement insert = db.Prepare(
      "INSERT INTO thetas (run_id, epoch, layer, shape, radians) VALUES (?, ?, ?, ?, ?)");
  return insert.Bind(run_key, theta.epoch(), theta.layer(), shape, radians).Run();
}

v1::Epoch ReadEpochRow(const Statement& row) {
  v1::Epoch e;
  int column = 0;
  e.set_epoch(static_cast<int32_t>(row.Int(column++)));
  e.set_elapsed_seconds(row.Real(column++));
  e.set_epoch_seconds(row.Real(column++));
  e.set_samples_per_second(row.Real(column++));
  e.set_learning_rate(row.Real(column++));
  e.set_step(row.Int(column++));
  e.set_train_loss(row.Real(column++));
  e.set_train_accuracy(row.Real(column++));
  e.set_train_precision(row.Real(column++));
  e.set_train_recall(row.Real(column++));
  e.set_train_f1(row.Real(column++));
  e.set_validation_loss(row.Real(column++));
  e.set_validation_accuracy(row.Real(column++));
  e.set_validation_precision(row.Real(column++));
  e.set_validation_recall(row.Real(column++));
  e.set_validation_f1(row.Real(column++));
  e.set_validation_relu_loss(row.Real(column++));
  e.set_validation_relu_accuracy(row.Real(column++));
  e.set_validation_relu_precision(row.Real(column++));
  e.set_validation_relu_recall(row.Real(column++));
  e.set_validation_relu_f1(row.Real(column++));
  e.set_penalty(row.Real(column++));
  v1::ThetaSummary* t = e.mutable_theta();
  t->set_count(row.Int(column++));
  t->set_min(row.Real(column++));
  t->set_q05(row.Real(column++));
  t->set_q25(row.Real(column++));
  t->set_median(row.Real(column++));
  t->set_q75(row.Real(column++));
  t->set_q95(row.Real(column++));
  t->set_max(row.Real(column++));
  t->set_mean(row.Real(column++));
  if (!row.IsNull(column)) e.set_convexity_violations(row.Real(column));
  if (!row.IsNull(++column)) e.set_hessian_max_eigenvalue(row.Real(column));
  if (!row.IsNull(++column)) e.set_hessian_min_eigenvalue(row.Real(column));
  return e;
}

// Adds the layers of `epochs`, which are consecutive, with one query.
absl::Status ReadLayers(Connection& db, int64_t run_key, std::vector<v1::Epoch>* epochs) {
  if (epochs->empty()) return absl::OkStatus();
  Statement query = db.Prepare(
      "SELECT epoch, gradient_norm, linear_gap, negative_share FROM layer_epochs"
      " WHERE run_id = ? AND epoch BETWEEN ? AND ? ORDER BY epoch, layer");
  query.Bind(run_key, epochs->front().epoch(), epochs->back().epoch());
  auto epoch = epochs->begin();
  while (query.Next()) {
    while (epoch->epoch() < query.Int(0)) ++epoch;
    v1::LayerMetrics* metrics = epoch->add_layers();
    metrics->set_gradient_norm(query.Real(1));
    if (!query.IsNull(2)) metrics->set_linear_gap(query.Real(2));
    if (!query.IsNull(3)) metrics->set_negative_share(query.Real(3));
  }
  return query.status();
}

v1::ThetaVector ReadThetaRow(const Statement& row) {
  v1::ThetaVector theta;
  theta.set_epoch(static_cast<int32_t>(row.Int(0)));
  theta.set_layer(static_cast<int32_t>(row.Int(1)));
  const std::string shape = row.Text(2);
  for (absl::string_view side : absl::StrSplit(shape, absl::ByAnyChar("[],"), absl::SkipEmpty())) {
    int32_t size = 0;
    if (absl::SimpleAtoi(side, &size)) theta.add_shape(size);
  }
  const absl::string_view radians = row.Bytes(3);
  theta.mutable_values()->Resize(static_cast<int>(radians.size() / sizeof(float)), 0);
  std::memcpy(theta.mutable_values()->mutable_data(), radians.data(),
              static_cast<size_t>(theta.values_size()) * sizeof(float));
  return theta;
}

}  // namespace

absl::Status InsertEpoch(Transaction& transaction, int64_t run_key, const v1::EpochReport& report) {
  Connection& db = transaction.db();
  ANNEAL_RETURN_IF_ERROR(InsertEpochRow(db, run_key, report.epoch()));
  ANNEAL_RETURN_IF_ERROR(InsertLayers(db, run_key, report.epoch()));
  for (const v1::ThetaVector& theta : report.thetas()) {
    ANNEAL_RETURN_IF_ERROR(InsertTheta(db, run_key, theta));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::Epoch> GetEpoch(Connection& db, int64_t run_key, int32_t epoch) {
  ANNEAL_ASSIGN_OR_RETURN(std::vector<v1::Epoch> epochs,
                          ListEpochs(db, run_key, epoch - 1, /*limit=*/1));
  if (epochs.empty() || epochs[0].epoch() != epoch) {
    return absl::NotFoundError(absl::StrCat("epoch ", epoch, " is not recorded"));
  }
  return std::move(epochs[0]);
}

absl::StatusOr<std::vector<v1::Epoch>> ListEpochs(Connection& db, int64_t run_key, int32_t after,
                                                  int limit) {
  static const auto& sql = *new std::string(
      absl::StrCat("SELECT ", kEpochColumns,
                   " FROM epochs WHERE run_id = ? AND epoch > ? ORDER BY epoch LIMIT ?"));
  std::vector<v1::Epoch> epochs;
  {
    Statement query = db.Prepare(sql);
    query.Bind(run_key, after, limit);
    while (query.Next()) epochs.push_back(ReadEpochRow(query));
    ANNEAL_RETURN_IF_ERROR(query.status());
  }
  ANNEAL_RETURN_IF_ERROR(ReadLayers(db, run_key, &epochs));
  return epochs;
}

absl::StatusOr<std::vector<CurvePoint>> ListCurve(Connection& db, int64_t run_key,
                                                  absl::string_view column) {
  const std::vector<absl::string_view> columns =
      absl::StrSplit(kEpochColumns, absl::ByAnyChar(", "), absl::SkipEmpty());
  if (std::find(columns.begin(), columns.end(), column) == columns.end()) {
    return absl::InvalidArgumentError(absl::StrCat("epochs have no column ", column));
  }
  Statement query = db.Prepare(absl::StrCat("SELECT epoch, elapsed_seconds, ", column,
                                            " FROM epochs WHERE run_id = ? AND ", column,
                                            " IS NOT NULL ORDER BY epoch"));
  query.Bind(run_key);
  std::vector<CurvePoint> curve;
  while (query.Next()) {
    curve.push_back({.epoch = static_cast<int32_t>(query.Int(0)),
                     .elapsed_seconds = query.Real(1),
                     .value = query.Real(2)});
  }
  ANNEAL_RETURN_IF_ERROR(query.status());
  return curve;
}

absl::StatusOr<std::vector<v1::ThetaVector>> ListThetas(Connection& db, int64_t run_key,
                                                        const ThetaQuery& query) {
  Statement select = db.Prepare(
      "SELECT epoch, layer, shape, radians FROM thetas WHERE run_id = ?1"
      " AND (epoch, layer) > (?2, ?3)"
      " AND epoch BETWEEN coalesce(?4, 0) AND coalesce(?4, 2147483647) AND (?5 IS NULL OR layer = "
      "?5)"
      " ORDER BY epoch, layer LIMIT ?6");
  select.Bind(run_key, query.after_epoch, query.after_layer, query.epoch, query.layer, query.limit);
  std::vector<v1::ThetaVector> thetas;
  int64_t values = 0;
  while (values < query.max_values && select.Next()) {
    values += thetas.emplace_back(ReadThetaRow(select)).values_size();
  }
  ANNEAL_RETURN_IF_ERROR(select.status());
  return thetas;
}

}  // namespace anneal::store
