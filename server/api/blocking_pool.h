// Threads for what may block. gRPC's callback threads are few and must never wait on a disk.

#ifndef ANNEAL_SERVER_API_BLOCKING_POOL_H_
#define ANNEAL_SERVER_API_BLOCKING_POOL_H_

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "common/mutex.h"

namespace anneal::api {

// Thread-safe.
class BlockingPool {
 public:
  explicit BlockingPool(int threads);
  // Finishes what was handed in.
  ~BlockingPool();

  void Run(std::function<void()> task) ABSL_LOCKS_EXCLUDED(mutex_);

  // The same for what a stranger asked for: false, and nothing done, while very much waits.
  bool TryRun(std::function<void()> task) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Work() ABSL_LOCKS_EXCLUDED(mutex_);

  Mutex mutex_;
  CondVar wake_;
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace anneal::api

#endif  // ANNEAL_SERVER_API_BLOCKING_POOL_H_
