// Which runs start next, and what becomes of runs whose worker was lost. Pure functions of what
// they are given; thread-safe.

#ifndef ANNEAL_SERVER_SCHEDULING_POLICY_H_
#define ANNEAL_SERVER_SCHEDULING_POLICY_H_

#include <cstdint>
#include <vector>

#include "common/queue_order.h"

namespace anneal::scheduling {

// Keys of the runs to start now, in order. The snapshot may be a part of the queue if it has, of
// each user and priority, the `idle_workers` runs that come first.
std::vector<int64_t> NextRuns(QueueSnapshot snapshot, int idle_workers);

enum class Recovery { kRetry, kGiveUp };

// A run whose worker died under it `losses` times since it last finished an epoch is tried again,
// at most kMaxLosses times: a run that kills its worker must not do so for ever.
inline constexpr int64_t kMaxLosses = 10;
Recovery RecoverLostRun(int64_t losses);

}  // namespace anneal::scheduling

#endif  // ANNEAL_SERVER_SCHEDULING_POLICY_H_
