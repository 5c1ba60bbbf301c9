// These functions read the queue: PENDING runs, and the standing of their users.

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
// Counts the runs of every state, by the state's name.
absl::StatusOr<std::map<std::string, int64_t>> CountRunsByState(Connection& db);

// Returns the part of the queue that decides the next `limit` starts: for each priority the first
// `limit` runs of each user, down to the priority at which there are enough, and the users'
// standings.
absl::StatusOr<QueueSnapshot> HeadOfQueue(Connection& db, int limit);

// All pending runs, with the measurements that start times are estimated from.
struct WaitingRun {
  std::string name;
  int32_t epochs_left = 0;
  // The duration of an epoch: of this run, else of a run with the same config, else of the epoch
  // recorded last. Unset if no epoch is recorded.
  std::optional<double> epoch_seconds;
};
struct Queue {
  QueueSnapshot snapshot;                 // all of it
  std::map<int64_t, WaitingRun> waiting;  // by key
  // The estimated remaining seconds of each running run.
  std::vector<std::optional<double>> running_seconds;
};
absl::StatusOr<Queue> ReadQueue(Connection& db);

// Computes the queue positions of pending runs. Ask in the order of keys: the first run of a user
// counts that user's whole queue before it, later ones only the runs in between. Valid for one
// snapshot.
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
