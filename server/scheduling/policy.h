// The scheduling policy chooses the runs to start next and decides about runs whose worker was
// lost. Pure; thread-safe.

#ifndef ANNEAL_SERVER_SCHEDULING_POLICY_H_
#define ANNEAL_SERVER_SCHEDULING_POLICY_H_

#include <cstdint>
#include <vector>

#include "common/queue_order.h"

namespace anneal::scheduling {

// Returns the keys of the runs to start now, in order. The snapshot may be a part of the queue if
// it holds the first `idle_workers` runs of each user and priority.
std::vector<int64_t> NextRuns(QueueSnapshot snapshot, int idle_workers);

enum class Recovery { kRetry, kGiveUp };

// Decides about a run whose worker died `losses` times since the run last finished an epoch. It is
// retried at most kMaxLosses times, because a run that crashes its worker would do so forever.
inline constexpr int64_t kMaxLosses = 10;
Recovery RecoverLostRun(int64_t losses);

}  // namespace anneal::scheduling

#endif  // ANNEAL_SERVER_SCHEDULING_POLICY_H_
