// `Retention` removes checkpoints and events that are older than the configured ages.

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

// Ages, counted from the end of the run (checkpoints) or of the experiment's last run (events),
// after which records are removed; unset: never.
struct RetentionAges {
  std::optional<absl::Duration> checkpoints;
  std::optional<absl::Duration> events;
};

// Thread-safe.
class Retention {
 public:
  // Borrows all pointers.
  Retention(store::Store* store, const store::CheckpointFiles* checkpoints,
            const scheduling::Dispatcher* dispatcher, const RetentionAges& ages, WallClock clock);
  ~Retention() { Stop(); }

  // Starts a thread that removes old records now and every ten minutes.
  void Begin();
  // Ends the thread after its current transaction. Blocks until then. Idempotent.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

  struct Removed {
    int64_t runs = 0;  // whose checkpoints were removed
    int64_t events = 0;
  };
  // Removes all old records, in many small transactions so that other writes are not delayed.
  // Blocks on the disk. Returns errors of the store; records removed before an error stay removed.
  absl::StatusOr<Removed> RemoveOld();

 private:
  absl::StatusOr<int64_t> RemoveCheckpoints(absl::Duration age);
  // Removes a run's checkpoints, rows before files. Returns false, and removes nothing, where the
  // run was requeued or a worker still holds it.
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
