// Removes what was recorded long ago and the operator does not want to keep.

#ifndef ANNEAL_SERVER_EXPERIMENTS_RETENTION_H_
#define ANNEAL_SERVER_EXPERIMENTS_RETENTION_H_

#include <optional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "common/wall_clock.h"
#include "server/scheduling/dispatcher.h"
#include "server/store/checkpoint_files.h"
#include "server/store/store.h"

namespace anneal::experiments {

// How long after the end of a run, or of an experiment's last run; unset: for ever.
struct RetentionAges {
  std::optional<absl::Duration> checkpoints;
  std::optional<absl::Duration> events;
};

// Thread-safe.
class Retention {
 public:
  // Borrowed; `checkpoints` are files.
  Retention(store::Store* store, const store::CheckpointFiles* checkpoints,
            const scheduling::Dispatcher* dispatcher, const RetentionAges& ages, WallClock clock);
  ~Retention() { Stop(); }

  // From then on a thread removes now, and every ten minutes, what is old by then.
  void Begin();
  // Ends that, after the transaction under way. Idempotent.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

  struct Removed {
    int64_t runs = 0;  // without their checkpoints now
    int64_t events = 0;
  };
  // What that thread does each time: in many small transactions, which others get between. Blocks
  // on the disk. Errors of the store, after what was removed before them.
  absl::StatusOr<Removed> RemoveOld();

 private:
  absl::StatusOr<int64_t> RemoveCheckpoints(absl::Duration age);
  // Forgets those of a run and removes their files. False: the run goes on, or is a worker's still.
  absl::StatusOr<bool> RemoveCheckpointsOf(int64_t run, int64_t before);
  absl::StatusOr<int64_t> RemoveEvents(absl::Duration age);
  int64_t Before(absl::Duration age) const { return clock_() - absl::ToInt64Microseconds(age); }
  void Loop() ABSL_LOCKS_EXCLUDED(mutex_);
  bool is_stopping() const ABSL_LOCKS_EXCLUDED(mutex_);

  store::Store* const store_;
  const store::CheckpointFiles* const checkpoints_;
  const scheduling::Dispatcher* const dispatcher_;
  const RetentionAges ages_;
  const WallClock clock_;

  mutable Mutex mutex_;
  CondVar stopped_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace anneal::experiments

#endif  // ANNEAL_SERVER_EXPERIMENTS_RETENTION_H_
