// These functions read and write the event log of each experiment, which is gapless and
// append-only.

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

// Each appends one event, with the experiment's next sequence number.
absl::Status AppendMessage(Transaction& transaction, int64_t experiment_key,
                           std::optional<int64_t> run_key, int64_t time_micros,
                           absl::string_view text);
absl::Status AppendStartOver(Transaction& transaction, int64_t experiment_key, int64_t run_key,
                             int64_t time_micros, const v1::StartOver& start_over);
absl::Status AppendStateChange(Transaction& transaction, int64_t experiment_key, int64_t run_key,
                               int64_t time_micros, const v1::StateChange& change);
absl::Status AppendLook(Transaction& transaction, int64_t experiment_key, int64_t time_micros,
                        const v1::Look& look);
// The epoch's row must be there already.
absl::Status AppendEpoch(Transaction& transaction, int64_t experiment_key, int64_t run_key,
                         int64_t time_micros, int32_t epoch);

// Selects the events of one experiment, of one of its runs, or of all experiments.
struct EventQuery {
  std::optional<int64_t> experiment_key;
  std::optional<int64_t> run_key;  // needs experiment_key
  int64_t after = 0;               // a sequence; for all experiments a position
  int limit = 0;
};
// Lists events in order.
absl::StatusOr<std::vector<v1::Event>> ListEvents(Connection& db, const EventQuery& query);

// The range of a log that is stored. Events after `pruned` and up to `last` exist; these are
// sequences, or positions for the log of all experiments.
struct LogPosition {
  int64_t pruned = 0;
  int64_t last = 0;
  bool ended = false;  // no further events can be appended
};
// NOT_FOUND: the experiment has been purged.
absl::StatusOr<LogPosition> GetLogPosition(Connection& db, const EventQuery& query);

// Lists experiments that have ended and whose last event is older than `before_micros`: their logs
// may be pruned.
absl::StatusOr<std::vector<int64_t>> ListPrunable(Connection& db, int64_t before_micros);
// Removes the first events of such an experiment, at most `limit`, unless it has been resumed
// meanwhile. Returns their number. The epochs and states that the events report are kept.
absl::StatusOr<int64_t> PruneEvents(Transaction& transaction, int64_t experiment_key,
                                    int64_t before_micros, int64_t limit);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_EVENT_STORE_H_
