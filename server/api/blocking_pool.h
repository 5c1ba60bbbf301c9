// `BlockingPool` runs tasks that may block on its own threads: gRPC's callback threads are few and
// must never wait for a disk.

#ifndef ANNEAL_SERVER_API_BLOCKING_POOL_H_
#define ANNEAL_SERVER_API_BLOCKING_POOL_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "common/mutex.h"

namespace anneal::api {

// Thread-safe. Tasks start in the order in which they were added.
class BlockingPool {
 public:
  // The length of the queue from which on TryRun sheds load; a waiting call takes some 40 KB.
  static constexpr size_t kMaxQueued = 2000;

  explicit BlockingPool(int threads);
  // Runs all queued tasks to their end.
  ~BlockingPool();

  // Queues a task of a call that was accepted already, such as the next read of a stream.
  void Run(std::function<void()> task) ABSL_LOCKS_EXCLUDED(mutex_);

  // Queues the first task of a call; returns false and drops it while kMaxQueued tasks wait.
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
