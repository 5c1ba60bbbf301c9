// The order in which runs that wait start. Pure; thread-safe.
//
// Runs of higher priority go first. Among those of the same priority users take turns: the next run
// is of the user who has the fewest running (each run counted that would have started by then), the
// one whose last start is longest ago deciding ties. A user's own runs go in the order of
// submission.

#ifndef ANNEAL_COMMON_QUEUE_ORDER_H_
#define ANNEAL_COMMON_QUEUE_ORDER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace anneal {

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

// What the queue looks like, or a part of it.
struct QueueSnapshot {
  std::vector<PendingRun> pending;
  Standings users;
};

// All runs of the snapshot in the order in which they start.
std::vector<PendingRun> QueueOrder(QueueSnapshot snapshot);

// How many runs of one priority go before a run that has `rank` of its user's own before it.
// `pending` are the runs of that priority that wait, by user.
int64_t RunsBefore(const std::string& user, int64_t rank,
                   const std::map<std::string, int64_t>& pending, const Standings& users);

}  // namespace anneal

#endif  // ANNEAL_COMMON_QUEUE_ORDER_H_
