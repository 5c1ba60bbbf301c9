// These functions read and write the records of epochs: one row per epoch, one per layer, and the
// theta vectors.

#ifndef ANNEAL_SERVER_STORE_EPOCH_STORE_H_
#define ANNEAL_SERVER_STORE_EPOCH_STORE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "anneal/v1/resources.pb.h"
#include "anneal/v1/worker.pb.h"
#include "server/store/transaction.h"

namespace anneal::store {

// Stores the epoch with its layers and thetas, and adds it to the run's extremes. ALREADY_EXISTS:
// the epoch is already recorded.
absl::Status InsertEpoch(Transaction& transaction, int64_t run_key, const v1::EpochReport& report);

// NOT_FOUND.
absl::StatusOr<v1::Epoch> GetEpoch(Connection& db, int64_t run_key, int32_t epoch);

// Epochs above `after`, in order.
absl::StatusOr<std::vector<v1::Epoch>> ListEpochs(Connection& db, int64_t run_key, int32_t after,
                                                  int limit);

struct ThetaQuery {
  std::optional<int32_t> epoch;  // only this one
  std::optional<int32_t> layer;  // only this one
  int32_t after_epoch = 0;       // beginning after this epoch and layer
  int32_t after_layer = -2;
  int limit = 0;
  int64_t max_values = 0;  // stops after the vector that reaches this many values
};
// In the order of epoch and layer.
absl::StatusOr<std::vector<v1::ThetaVector>> ListThetas(Connection& db, int64_t run_key,
                                                        const ThetaQuery& query);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_EPOCH_STORE_H_
