// Which runs start next, in which order runs wait, and what becomes of runs whose worker was lost.
// Pure functions of what they are given; thread-safe.
//
// Runs of higher priority go first. Among those of the same priority users take turns: the next run
// is of the user who has the fewest running (each run counted that would have started by then), the
// one whose last start is longest ago deciding ties. A user's own runs go in the order of
// submission.

#ifndef ANNEAL_SERVER_QUEUE_POLICY_H_
#define ANNEAL_SERVER_QUEUE_POLICY_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace anneal::queue {

struct PendingRun {
  int64_t key = 0;  // ascends in the order of submission
  int32_t priority = 0;
  std::string user;
};

// Of users that wait; the default for those that have run nothing.
struct UserStanding {
  int64_t running = 0;     // runs
  int64_t last_start = 0;  // the number of the start that was the user's last; 0: none
};
using Standings = std::map<std::string, UserStanding>;

// What the queue looks like. `pending` may be a part of the queue if it has, of each user and
// priority, the `idle_workers` runs that come first.
struct Snapshot {
  std::vector<PendingRun> pending;
  Standings users;
  int idle_workers = 0;
};

// All runs of the snapshot in the order in which they start.
std::vector<PendingRun> Ordered(Snapshot snapshot);

// Keys of the runs to start now, in order.
std::vector<int64_t> NextRuns(Snapshot snapshot);

// How many runs of one priority go before a run that has `rank` of its user's own before it.
// `pending` are the runs of that priority that wait, by user.
int64_t RunsBefore(const std::string& user, int64_t rank,
                   const std::map<std::string, int64_t>& pending, const Standings& users);

enum class Recovery { kRetry, kGiveUp };

// A run whose worker died under it `losses` times since it last finished an epoch is tried again,
// at most kMaxLosses times: a run that kills its worker must not do so for ever.
inline constexpr int64_t kMaxLosses = 10;
Recovery RecoverLostRun(int64_t losses);

}  // namespace anneal::queue

#endif  // ANNEAL_SERVER_QUEUE_POLICY_H_
