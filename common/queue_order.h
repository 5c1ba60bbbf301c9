// `QueueOrder` computes the order in which pending runs start. Pure; thread-safe.
//
// Higher priorities start first. Within a priority the queue is fair between users: the next run is
// taken from the user with the fewest running runs, counting those that start before it; ties go to
// the user whose last start is longest ago. A user's own runs start in the order of submission.

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

// A user's state in the queue. The default is that of a user who has not run anything.
struct UserStanding {
  int64_t running = 0;     // runs
  int64_t last_start = 0;  // the serial number of the user's last start; 0: none
};
using Standings = std::map<std::string, UserStanding>;

// The queue, or a part of it.
struct QueueSnapshot {
  std::vector<PendingRun> pending;
  Standings users;
};

// Returns all pending runs in the order in which they start.
std::vector<PendingRun> QueueOrder(QueueSnapshot snapshot);

// Returns the number of runs of one priority that start before the run with the 0-based `rank` in
// its user's own queue. `pending` counts the pending runs of that priority by user.
int64_t RunsBefore(const std::string& user, int64_t rank,
                   const std::map<std::string, int64_t>& pending, const Standings& users);

}  // namespace anneal

#endif  // ANNEAL_COMMON_QUEUE_ORDER_H_
