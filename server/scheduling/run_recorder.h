// `RunRecorder` stores the reports of runs: starts, epochs, checkpoints (file and row) and ends.

#ifndef ANNEAL_SERVER_SCHEDULING_RUN_RECORDER_H_
#define ANNEAL_SERVER_SCHEDULING_RUN_RECORDER_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "anneal/v1/worker.pb.h"
#include "common/wall_clock.h"
#include "server/scheduling/disk_retry.h"
#include "server/store/checkpoint_store.h"
#include "server/store/store.h"
#include "server/telemetry/metrics.h"

namespace anneal::scheduling {

// Thread-safe, provided the reports of one run are sequential. Holds no lock.
class RunRecorder {
 public:
  // Borrows all pointers.
  RunRecorder(store::Store* store, const store::CheckpointFiles* checkpoints,
              telemetry::Metrics* metrics, DiskRetry* retry, WallClock clock);

  // Stores a report and returns when it is on disk; while the disk refuses, blocks and retries. A
  // checkpoint's file is durable before the transaction that names it; epoch, event and checkpoint
  // commit together. Files of the run that no row names are removed.
  //
  // Errors, after each of which the worker must leave the run: CANCELLED for reports about finished
  // runs, and for the end of a suspended run; NOT_FOUND when the run was purged; the disk's error
  // after DiskRetry::GiveUp. A report that can never be stored fails the run (INTERNAL), and its
  // error is returned.
  absl::Status Record(const v1::RunReport& report);

 private:
  // Writes the file of a checkpoint, under a name that no earlier attempt used.
  absl::StatusOr<store::CheckpointRow> WriteCheckpointFile(int64_t run,
                                                           const v1::Checkpoint& checkpoint);
  // Stores a report in one transaction, with the row of its checkpoint.
  absl::Status Store(const v1::RunReport& report,
                     const std::optional<store::CheckpointRow>& checkpoint);
  // Removes the files of a run that no row names.
  void SweepCheckpoints(int64_t run);

  store::Store* const store_;
  const store::CheckpointFiles* const checkpoints_;
  telemetry::Metrics* const metrics_;
  DiskRetry* const retry_;
  const WallClock clock_;
};

}  // namespace anneal::scheduling

#endif  // ANNEAL_SERVER_SCHEDULING_RUN_RECORDER_H_
