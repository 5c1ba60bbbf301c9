// What users have in the database and in checkpoints, and the limits of that.

#ifndef ANNEAL_SERVER_STORE_USAGE_STORE_H_
#define ANNEAL_SERVER_STORE_USAGE_STORE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/store/connection.h"

namespace anneal::store {

// Of a user. Bytes are the checkpoints', the theta vectors' and the submissions', with a flat share
// for other rows.
struct Usage {
  int64_t unended_runs = 0;
  int64_t stored_bytes = 0;
};
absl::StatusOr<Usage> UsageOf(Connection& db, absl::string_view user);

// What a user may have; 0: any number.
struct UsageLimits {
  int64_t unended_runs = 0;
  int64_t stored_bytes = 0;
};

// Whether a user may submit so many runs more. RESOURCE_EXHAUSTED (QUOTA_EXCEEDED) with the limit,
// what there is, and what makes room.
absl::Status CheckUsage(Connection& db, const UsageLimits& limits, absl::string_view user,
                        int64_t new_runs);

// Whether the owner of `run_key` may have had so many runs that had ended put back into the queue,
// as they are by now. Errors as of CheckUsage.
absl::Status CheckRevived(Connection& db, const UsageLimits& limits, int64_t run_key, int64_t runs);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_USAGE_STORE_H_
