// `DiskRetry` retries operations that fail on the disk, so that a full disk makes runs wait instead
// of failing them.

#ifndef ANNEAL_SERVER_SCHEDULING_DISK_RETRY_H_
#define ANNEAL_SERVER_SCHEDULING_DISK_RETRY_H_

#include <chrono>
#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "common/mutex.h"

namespace anneal::scheduling {

// Returns true for errors of the disk, which may pass; false for errors in the data to be written,
// which will not.
bool IsDiskError(const absl::Status& status);

// Thread-safe.
class DiskRetry {
 public:
  // `pause` separates two attempts.
  explicit DiskRetry(std::chrono::milliseconds pause = std::chrono::seconds(1)) : pause_(pause) {}

  // Calls `function` until it returns OK or an error that is not the disk's, and returns its last
  // result. Blocks meanwhile. After GiveUp, `function` is called once only.
  absl::Status Run(const std::function<absl::Status()>& function) ABSL_LOCKS_EXCLUDED(mutex_);

  // Ends the pauses of all callers of Run, which then return the error of the disk. Idempotent.
  void GiveUp() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // Blocks for one pause. Returns false after GiveUp.
  bool Pause() ABSL_LOCKS_EXCLUDED(mutex_);

  const std::chrono::milliseconds pause_;

  Mutex mutex_;
  CondVar changed_;
  bool given_up_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace anneal::scheduling

#endif  // ANNEAL_SERVER_SCHEDULING_DISK_RETRY_H_
