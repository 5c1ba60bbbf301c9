// The queue as the database has it: runs that are PENDING, and the users whose they are.

#ifndef ANNEAL_SERVER_STORE_QUEUE_STORE_H_
#define ANNEAL_SERVER_STORE_QUEUE_STORE_H_

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/queue_order.h"
#include "server/store/transaction.h"

namespace anneal::store {

absl::StatusOr<int64_t> CountPendingRuns(Connection& db);
// Of every state, by its name.
absl::StatusOr<std::map<std::string, int64_t>> CountRunsByState(Connection& db);

// The part of the queue that decides who starts next: of each user and priority the first `limit`
// runs, but for priorities below those that have that many; and how the users stand.
absl::StatusOr<QueueSnapshot> HeadOfQueue(Connection& db, int limit);

// Everything that waits, and what is needed to guess when it starts.
struct WaitingRun {
  std::string name;
  int32_t epochs_left = 0;
  // Of an epoch of this run, else of one with its config, else of the epoch recorded last. Unset
  // where none is recorded.
  std::optional<double> epoch_seconds;
};
struct Queue {
  QueueSnapshot snapshot;                 // all of it
  std::map<int64_t, WaitingRun> waiting;  // by key
  // Seconds that each of the running runs still takes.
  std::vector<std::optional<double>> running_seconds;
};
absl::StatusOr<Queue> ReadQueue(Connection& db);

// Tells pending runs how many go first. Runs are asked about in the order of their keys, so that
// only the first one of a user counts that user's whole queue before it, and the others what is
// between them. Lives as long as one read.
class QueuePositions {
 public:
  explicit QueuePositions(Connection* db) : db_(*db) {}  // borrowed

  absl::StatusOr<int64_t> Of(int64_t run_key, int64_t priority, const std::string& user);

 private:
  struct Level {
    int64_t before = 0;  // runs of higher priority
    std::map<std::string, int64_t> pending;
  };
  struct Rank {
    int64_t key = std::numeric_limits<int64_t>::min();
    int64_t rank = 0;
  };

  absl::StatusOr<const Level*> LevelOf(int64_t priority);
  absl::StatusOr<int64_t> RankOf(int64_t run_key, int64_t priority, const std::string& user);

  Connection& db_;
  std::optional<Standings> standings_;
  std::map<int64_t, Level> levels_;
  std::map<std::pair<int64_t, std::string>, Rank> ranks_;
};

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_QUEUE_STORE_H_
