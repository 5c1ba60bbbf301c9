// `StorageMonitor` derives the daemon's health from the results of commits.

#ifndef ANNEAL_SERVER_STORAGE_MONITOR_H_
#define ANNEAL_SERVER_STORAGE_MONITOR_H_

#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "common/mutex.h"

namespace anneal {

// Thread-safe.
class StorageMonitor {
 public:
  ~StorageMonitor();

  // Starts a thread that calls `on_change` when the first commit succeeds, when commits begin to
  // fail, and when one succeeds again. While commits fail, it calls `probe`, a no-op commit, once a
  // second.
  void Begin(std::function<void()> probe, std::function<void(bool healthy)> on_change);
  // Ends the thread. Idempotent.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

  // Notes the result of a commit. Does not block.
  void OnCommit(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);

  bool healthy() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Watch() ABSL_LOCKS_EXCLUDED(mutex_);

  std::function<void()> probe_;
  std::function<void(bool)> on_change_;

  mutable Mutex mutex_;
  CondVar changed_;
  absl::Status last_ ABSL_GUARDED_BY(mutex_) = absl::UnavailableError("no commit yet");
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace anneal

#endif  // ANNEAL_SERVER_STORAGE_MONITOR_H_
