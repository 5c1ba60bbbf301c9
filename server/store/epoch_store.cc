#include "server/store/epoch_store.h"

#include <bit>
#include <cstring>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status.h"
#include "server/store/extreme_store.h"
#include "server/store/message_column.h"
#include "server/store/metric_columns.h"

namespace anneal::store {
namespace {

static_assert(std::endian::native == std::endian::little, "theta blobs are little-endian");

// The columns of the table `epochs`, with those of theta, and the SQL that contains them.
struct EpochTable {
  MetricColumns columns{*v1::Epoch::descriptor()};
  std::string insert = absl::StrCat("INSERT INTO epochs (run_id, eligible, ", columns.names(),
                                    ") VALUES (?, ?, ", columns.placeholders(), ")");
  std::string select = absl::StrCat("SELECT eligible, ", columns.names(),
                                    " FROM epochs WHERE run_id = ? AND epoch > ?"
                                    " ORDER BY epoch LIMIT ?");
};
const EpochTable& Epochs() {
  static const auto& table = *new EpochTable();
  return table;
}

struct LayerTable {
  MetricColumns columns{*v1::LayerMetrics::descriptor()};
  std::string insert =
      absl::StrCat("INSERT INTO layer_epochs (run_id, epoch, layer, ", columns.names(),
                   ") VALUES (?, ?, ?, ", columns.placeholders(), ")");
  std::string select = absl::StrCat("SELECT epoch, ", columns.names(),
                                    " FROM layer_epochs WHERE run_id = ?"
                                    " AND epoch BETWEEN ? AND ? ORDER BY epoch, layer");
};
const LayerTable& Layers() {
  static const auto& table = *new LayerTable();
  return table;
}

absl::Status InsertEpochRow(Connection& db, int64_t run_key, const v1::Epoch& epoch) {
  Statement insert = db.Prepare(Epochs().insert);
  insert.Bind(run_key, epoch.eligible());
  Epochs().columns.Bind(epoch, /*first=*/3, &insert);
  return insert.Run();
}

absl::Status InsertLayers(Connection& db, int64_t run_key, const v1::Epoch& epoch) {
  for (int layer = 0; layer < epoch.layers_size(); ++layer) {
    Statement insert = db.Prepare(Layers().insert);
    insert.Bind(run_key, epoch.epoch(), layer);
    Layers().columns.Bind(epoch.layers(layer), /*first=*/4, &insert);
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

// Adds the layers of `epochs`, which are consecutive, with one query.
absl::Status ReadLayers(Connection& db, int64_t run_key, std::vector<v1::Epoch>* epochs) {
  if (epochs->empty()) return absl::OkStatus();
  Statement query = db.Prepare(Layers().select);
  query.Bind(run_key, epochs->front().epoch(), epochs->back().epoch());
  auto epoch = epochs->begin();
  while (query.Next()) {
    while (epoch->epoch() < query.Int(0)) ++epoch;
    Layers().columns.Read(query, /*first=*/1, epoch->add_layers());
  }
  return query.status();
}

v1::ThetaVector ReadThetaRow(const Statement& row) {
  v1::ThetaVector theta;
  theta.set_epoch(static_cast<int32_t>(row.Int(0)));
  theta.set_layer(static_cast<int32_t>(row.Int(1)));
  for (const int32_t side : NumbersFromColumn(row.Bytes(2))) theta.add_shape(side);
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
  ANNEAL_RETURN_IF_ERROR(AddToExtremes(transaction, run_key, report.epoch()));
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
  std::vector<v1::Epoch> epochs;
  {
    Statement query = db.Prepare(Epochs().select);
    query.Bind(run_key, after, limit);
    while (query.Next()) {
      v1::Epoch& epoch = epochs.emplace_back();
      epoch.set_eligible(query.Int(0) != 0);
      Epochs().columns.Read(query, /*first=*/1, &epoch);
    }
    ANNEAL_RETURN_IF_ERROR(query.status());
  }
  ANNEAL_RETURN_IF_ERROR(ReadLayers(db, run_key, &epochs));
  return epochs;
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
