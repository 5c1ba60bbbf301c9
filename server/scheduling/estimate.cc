#include "server/scheduling/estimate.h"

#include <functional>
#include <queue>

namespace anneal::scheduling {

std::vector<Seconds> StartSeconds(int workers, const std::vector<Seconds>& running,
                                  const std::vector<Seconds>& waiting) {
  // The times at which the workers become idle.
  std::priority_queue<double, std::vector<double>, std::greater<>> free;
  for (const Seconds& seconds : running) {
    if (seconds.has_value()) free.push(*seconds);
  }
  for (int idle = workers - static_cast<int>(running.size()); idle > 0; --idle) free.push(0);
  std::vector<Seconds> starts(waiting.size());
  for (size_t i = 0; i < starts.size() && !free.empty(); ++i) {
    starts[i] = free.top();
    if (!waiting[i].has_value()) break;
    free.pop();
    free.push(*starts[i] + *waiting[i]);
  }
  return starts;
}

}  // namespace anneal::scheduling
