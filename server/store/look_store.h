// `RecordLook` counts the looks at an experiment's test results and logs them as events.

#ifndef ANNEAL_SERVER_STORE_LOOK_STORE_H_
#define ANNEAL_SERVER_STORE_LOOK_STORE_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "anneal/v1/resources.pb.h"
#include "server/store/transaction.h"

namespace anneal::store {

// Counts the look and appends its event, and returns true. Returns false, and changes nothing,
// within an hour of an equal look (kind, metric and user) that was counted. FAILED_PRECONDITION:
// the look has no kind.
absl::StatusOr<bool> RecordLook(Transaction& transaction, int64_t experiment_key,
                                const v1::Look& look, int64_t time_micros);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_LOOK_STORE_H_
