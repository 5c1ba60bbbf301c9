// Checkpoints in the database: which files a run has. The files are checkpoint_files.h's.

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

// Where the files of a run go, relative to the directory of all checkpoints: `EXPERIMENT/RUN`.
// NOT_FOUND.
absl::StatusOr<std::string> CheckpointDirectory(Connection& db, int64_t run_key);

// What a checkpoint after `step` is to be called, below that directory: no attempt gives a name
// that another one gave. NOT_FOUND.
absl::StatusOr<std::string> NewCheckpointName(Connection& db, int64_t run_key, int64_t step);

// Adds one, in place of an earlier one of the same step, and forgets those that need not be kept:
// all but the last two and the best. A best one takes that rank from the one that had it.
absl::Status InsertCheckpoint(Transaction& transaction, int64_t run_key, const CheckpointRow& row);

// Forgets all but the last one and the best: what is left of a run that has succeeded.
absl::Status KeepFinalCheckpoints(Transaction& transaction, int64_t run_key);

// Runs that have ended before then and still have checkpoints.
absl::StatusOr<std::vector<int64_t>> ListRunsWithOldCheckpoints(Connection& db,
                                                                int64_t before_micros);
// Forgets all checkpoints of one of them, unless it goes on meanwhile. Returns whether it did.
absl::StatusOr<bool> ForgetOldCheckpoints(Transaction& transaction, int64_t run_key,
                                          int64_t before_micros);

absl::Status DeleteCheckpoint(Transaction& transaction, int64_t run_key, int64_t step);

// The latest first.
absl::StatusOr<std::vector<CheckpointRow>> ListCheckpoints(Connection& db, int64_t run_key);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_CHECKPOINT_STORE_H_
