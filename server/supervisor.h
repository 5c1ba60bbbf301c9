// systemd as the one who looks after this process (sd_notify(3)): when it is up, and whether it
// still serves.

#ifndef ANNEAL_SERVER_SUPERVISOR_H_
#define ANNEAL_SERVER_SUPERVISOR_H_

#include <chrono>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "common/mutex.h"

namespace anneal {

// Without systemd it does nothing.
class Supervisor {
 public:
  // Says that the daemon is up. Where a watchdog waits (WatchdogSec=), it is fed twice in its time,
  // as long as `check` finds nothing; what it finds goes to the log.
  explicit Supervisor(std::function<absl::Status()> check);
  // Says that the daemon stops.
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

 private:
  void FeedWatchdog(std::chrono::microseconds period) ABSL_LOCKS_EXCLUDED(mutex_);

  const std::function<absl::Status()> check_;
  Mutex mutex_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace anneal

#endif  // ANNEAL_SERVER_SUPERVISOR_H_
