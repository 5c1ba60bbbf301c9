// These functions let a run begin anew while its earlier epochs stay with the attempts that
// recorded them.

#ifndef ANNEAL_SERVER_STORE_START_OVER_H_
#define ANNEAL_SERVER_STORE_START_OVER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "anneal/v1/resources.pb.h"
#include "server/store/transaction.h"

namespace anneal::store {

// Returns the kind (common/provenance.h) that trained the run so far, if it has epochs or
// checkpoints and its kind is not `kind`; nothing otherwise. An empty text stands for a daemon that
// recorded none.
absl::StatusOr<std::optional<std::string>> OtherKindOf(Connection& db, int64_t run_key,
                                                       absl::string_view kind);

// Keeps the run's epochs for its last attempt, removes them and the checkpoints from what counts,
// and appends the event. For a run that has just become RUNNING. Test results are kept as earlier
// ones by ExtendRun. Theta vectors of the epochs are not kept.
absl::Status StartOver(Transaction& transaction, int64_t run_key, int64_t time_micros,
                       absl::string_view reason);

// Lists the epochs above `after` that an attempt left behind when the next one began anew.
absl::StatusOr<std::vector<v1::Epoch>> ListEarlierEpochs(Connection& db, int64_t run_key,
                                                         int32_t attempt, int32_t after, int limit);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_START_OVER_H_
