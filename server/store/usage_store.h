// These functions read per-user usage of the queue and the disk, and check quotas.

#ifndef ANNEAL_SERVER_STORE_USAGE_STORE_H_
#define ANNEAL_SERVER_STORE_USAGE_STORE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/store/connection.h"

namespace anneal::store {

// One user's usage. Bytes count checkpoints, θ vectors and submissions, and a flat share for other
// rows.
struct Usage {
  int64_t unended_runs = 0;
  int64_t stored_bytes = 0;
};
absl::StatusOr<Usage> UsageOf(Connection& db, absl::string_view user);

// Per-user quotas; 0 is unlimited.
struct UsageLimits {
  int64_t unended_runs = 0;
  int64_t stored_bytes = 0;
};

// Checks whether a user may submit `new_runs` more runs. RESOURCE_EXHAUSTED (QUOTA_EXCEEDED),
// naming the quota, the usage and how to free it.
absl::Status CheckUsage(Connection& db, const UsageLimits& limits, absl::string_view user,
                        int64_t new_runs);

// Checks the quota of the owner of `run_key` after `runs` ended runs have been put back into the
// queue in this transaction. Errors of CheckUsage.
absl::Status CheckRevived(Connection& db, const UsageLimits& limits, int64_t run_key, int64_t runs);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_USAGE_STORE_H_
