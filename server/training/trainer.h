// `Train` executes one run, from its assignment to its end: the epoch loop.

#ifndef ANNEAL_SERVER_TRAINING_TRAINER_H_
#define ANNEAL_SERVER_TRAINING_TRAINER_H_

#include <functional>
#include <stop_token>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "anneal/v1/worker.pb.h"
#include "server/training/data/dataset.h"

namespace anneal::training {

// The receivers of a run's reports. They are called on the training thread, which blocks meanwhile;
// an error ends the run.
struct TrainingObserver {
  std::function<absl::Status(v1::RunStarted)> on_started;
  std::function<absl::Status(v1::EpochReport)> on_epoch;
  // Called with checkpoints inside an epoch.
  std::function<absl::Status(v1::Checkpoint)> on_checkpoint;
};

// Trains on the calling thread, which PrepareTrainingThread must have set up. Blocks until the run
// ends, or until `stop` is requested: then the run reports a checkpoint after the step in progress
// and ends as stopped. Results are bit-identical for the same assignment and data set, whatever
// else the process does, and for a run that resumes from any of its checkpoints; only times differ.
//
// Failures of the run are part of the result: DIVERGED (a non-finite loss, gradient or evaluation),
// INVALID_DATA (the config no longer fits the data set, or the checkpoint belongs to another
// version of it), INTERNAL (the checkpoint belongs to another run; errors of LibTorch, such as out
// of memory). Error statuses are the observer's.
absl::StatusOr<v1::RunEnd> Train(const v1::RunAssignment& assignment, const data::Dataset& dataset,
                                 const TrainingObserver& observer, const std::stop_token& stop);

}  // namespace anneal::training

#endif  // ANNEAL_SERVER_TRAINING_TRAINER_H_
