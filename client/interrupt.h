// Ctrl-C as something that a command can act on.

#ifndef ANNEAL_CLIENT_INTERRUPT_H_
#define ANNEAL_CLIENT_INTERRUPT_H_

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "common/mutex.h"

namespace anneal::client {

// While it lives, SIGINT and SIGTERM are noted and call what `OnInterrupt` last set; where nothing
// is set, they end the process with the exit code 3. One at a time; make it before the process has
// other threads.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();

  bool requested() const { return requested_; }
  // Called on another thread; at once if the signal came already. Null: nothing is set any more.
  void OnInterrupt(std::function<void()> action) ABSL_LOCKS_EXCLUDED(mutex_);
  // Waits, at most that long; false when interrupted.
  bool Sleep(std::chrono::milliseconds time) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Wait() ABSL_LOCKS_EXCLUDED(mutex_);

  std::atomic<bool> requested_ = false;
  std::atomic<bool> closing_ = false;
  Mutex mutex_;
  CondVar changed_;
  std::function<void()> action_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace anneal::client

#endif  // ANNEAL_CLIENT_INTERRUPT_H_
