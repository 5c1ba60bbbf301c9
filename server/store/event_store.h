// The event log of each experiment: gapless, append-only.

#ifndef ANNEAL_SERVER_STORE_EVENT_STORE_H_
#define ANNEAL_SERVER_STORE_EVENT_STORE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "anneal/v1/resources.pb.h"
#include "server/store/transaction.h"

namespace anneal::store {

// Each appends one event with the experiment's next sequence number.
absl::Status AppendMessage(Transaction& transaction, int64_t experiment_key,
                           std::optional<int64_t> run_key, int64_t time_micros,
                           absl::string_view text);
absl::Status AppendStateChange(Transaction& transaction, int64_t experiment_key, int64_t run_key,
                               int64_t time_micros, const v1::StateChange& change);
// The epoch's row must be there already.
absl::Status AppendEpoch(Transaction& transaction, int64_t experiment_key, int64_t run_key,
                         int64_t time_micros, int32_t epoch);

// Which events: those of one experiment, of one of its runs, or of all experiments.
struct EventQuery {
  std::optional<int64_t> experiment_key;
  std::optional<int64_t> run_key;  // needs experiment_key
  int64_t after = 0;               // a sequence; for all experiments a position
  int limit = 0;
};
// In order.
absl::StatusOr<std::vector<v1::Event>> ListEvents(Connection& db, const EventQuery& query);

// Where the log stands, and whether it can still grow.
struct LogPosition {
  // Sequences; for all experiments positions. All events after `pruned` and up to `last` are there.
  int64_t pruned = 0;
  int64_t last = 0;
  bool ended = false;
};
// NOT_FOUND: the experiment was purged.
absl::StatusOr<LogPosition> GetLogPosition(Connection& db, const EventQuery& query);

// Experiments that have ended, and whose last event is of before then: their logs may be pruned.
absl::StatusOr<std::vector<int64_t>> ListPrunable(Connection& db, int64_t before_micros);
// Removes the first events of one, at most `limit`, unless it goes on meanwhile. Returns how many.
// Epochs and states are not events: they stay where they are recorded.
absl::StatusOr<int64_t> PruneEvents(Transaction& transaction, int64_t experiment_key,
                                    int64_t before_micros, int64_t limit);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_EVENT_STORE_H_
