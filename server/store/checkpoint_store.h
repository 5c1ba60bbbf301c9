// These functions read and write the `checkpoints` table, which names the files of each run. The
// files themselves are CheckpointFiles' (checkpoint_files.h).

#ifndef ANNEAL_SERVER_STORE_CHECKPOINT_STORE_H_
#define ANNEAL_SERVER_STORE_CHECKPOINT_STORE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "anneal/v1/resources.pb.h"
#include "server/store/checkpoint_files.h"
#include "server/store/transaction.h"

namespace anneal::store {

struct CheckpointRow {
  int64_t step = 0;
  int32_t epoch = 0;
  bool best = false;
  CheckpointFile file;
  int64_t created = 0;  // microseconds
};

// Returns the directory of a run's files, `EXPERIMENT/RUN`, relative to the directory of all
// checkpoints. NOT_FOUND: no such run.
absl::StatusOr<std::string> CheckpointDirectory(Connection& db, int64_t run_key);

// Returns the file name for a checkpoint after `step`, with that directory. It is unique across the
// run's attempts. NOT_FOUND: no such run.
absl::StatusOr<std::string> NewCheckpointName(Connection& db, int64_t run_key, int64_t step);

// Inserts a checkpoint, replacing an earlier one of the same step, and deletes the rows of all but
// the last two and the best. A new best checkpoint takes the mark from the earlier one.
absl::Status InsertCheckpoint(Transaction& transaction, int64_t run_key, const CheckpointRow& row);

// Deletes all rows but the last and the best. Called when a run has succeeded.
absl::Status KeepFinalCheckpoints(Transaction& transaction, int64_t run_key);

// Lists runs that ended before `before_micros` and still have checkpoints.
absl::StatusOr<std::vector<int64_t>> ListRunsWithOldCheckpoints(Connection& db,
                                                                int64_t before_micros);
// Deletes the checkpoints of such a run, unless it has been resumed meanwhile. Returns whether it
// deleted any.
absl::StatusOr<bool> ForgetOldCheckpoints(Transaction& transaction, int64_t run_key,
                                          int64_t before_micros);

absl::Status DeleteCheckpoint(Transaction& transaction, int64_t run_key, int64_t step);

// Lists a run's checkpoints, latest first.
absl::StatusOr<std::vector<CheckpointRow>> ListCheckpoints(Connection& db, int64_t run_key);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_CHECKPOINT_STORE_H_
