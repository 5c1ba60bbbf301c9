#include "server/queue/policy.h"

#include <algorithm>

namespace anneal::queue {

std::vector<int64_t> NextRuns(Snapshot snapshot) {
  std::sort(snapshot.pending.begin(), snapshot.pending.end(),
            [](const PendingRun& a, const PendingRun& b) {
              return a.priority != b.priority ? a.priority > b.priority : a.key < b.key;
            });
  std::vector<int64_t> next;
  for (const PendingRun& run : snapshot.pending) {
    if (static_cast<int>(next.size()) >= snapshot.idle_workers) break;
    next.push_back(run.key);
  }
  return next;
}

Recovery RecoverLostRun(int64_t losses) {
  return losses > kMaxLosses ? Recovery::kGiveUp : Recovery::kRetry;
}

}  // namespace anneal::queue
