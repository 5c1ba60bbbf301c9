// `Interrupt` turns SIGINT and SIGTERM into callbacks.

#ifndef ANNEAL_CLIENT_INTERRUPT_H_
#define ANNEAL_CLIENT_INTERRUPT_H_

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "common/mutex.h"

namespace anneal::client {

// While an object exists, SIGINT and SIGTERM call the action last set with `OnInterrupt`; without
// an action they end the process with exit code 3. At most one object at a time; construct it
// before other threads start.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();

  bool requested() const { return requested_; }
  // Sets the action, which runs on another thread, immediately if the signal has already arrived.
  // Null removes it.
  void OnInterrupt(std::function<void()> action) ABSL_LOCKS_EXCLUDED(mutex_);
  // Sleeps for `time`. Returns false if interrupted.
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
