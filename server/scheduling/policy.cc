#include "server/scheduling/policy.h"

#include <algorithm>
#include <utility>

namespace anneal::scheduling {

std::vector<int64_t> NextRuns(QueueSnapshot snapshot, int idle_workers) {
  const auto idle = static_cast<size_t>(std::max(idle_workers, 0));
  std::vector<int64_t> next;
  for (const PendingRun& run : QueueOrder(std::move(snapshot))) {
    if (next.size() >= idle) break;
    next.push_back(run.key);
  }
  return next;
}

Recovery RecoverLostRun(int64_t losses) {
  return losses > kMaxLosses ? Recovery::kGiveUp : Recovery::kRetry;
}

}  // namespace anneal::scheduling
