// `Supervisor` notifies systemd (sd_notify(3)) that the daemon is ready, alive, or stopping.

#ifndef ANNEAL_SERVER_SUPERVISOR_H_
#define ANNEAL_SERVER_SUPERVISOR_H_

#include <chrono>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "common/mutex.h"

namespace anneal {

// Does nothing without systemd.
class Supervisor {
 public:
  // Notifies READY. With a watchdog (WatchdogSec=), a thread calls `check` twice per watchdog
  // period: it feeds the watchdog where the check returns OK and logs the error otherwise.
  explicit Supervisor(std::function<absl::Status()> check);
  // Notifies STOPPING and ends the thread.
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
