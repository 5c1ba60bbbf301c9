// These functions read and write the attempts at runs: when each began, at which epoch, and what
// trained.

#ifndef ANNEAL_SERVER_STORE_ATTEMPT_STORE_H_
#define ANNEAL_SERVER_STORE_ATTEMPT_STORE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "anneal/v1/resources.pb.h"
#include "server/store/transaction.h"

namespace anneal::store {

// Records that a worker has begun the run's present attempt, with the epochs that are done.
// Repeating it replaces the record.
absl::Status InsertAttempt(Transaction& transaction, int64_t run_key,
                           const std::optional<v1::Provenance>& provenance);

// Lists the attempts at a run in order. Attempts of daemons before 0006_honest_numbers.sql, and
// those that no worker began, are not recorded.
absl::StatusOr<std::vector<v1::Attempt>> ListAttempts(Connection& db, int64_t run_key);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_ATTEMPT_STORE_H_
