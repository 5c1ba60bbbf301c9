// The epoch loop: one run from its assignment to its end.

#ifndef ANNEAL_SERVER_TRAINING_TRAINER_H_
#define ANNEAL_SERVER_TRAINING_TRAINER_H_

#include <functional>
#include <stop_token>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "anneal/v1/worker.pb.h"
#include "server/training/data/dataset.h"

namespace anneal::training {

// Receives what a run reports, on the training thread, which waits. An error ends the run.
struct TrainingObserver {
  std::function<absl::Status(v1::RunStarted)> on_started;
  std::function<absl::Status(v1::EpochReport)> on_epoch;
  // Inside an epoch.
  std::function<absl::Status(v1::Checkpoint)> on_checkpoint;
};

// Trains on the calling thread, which PrepareTrainingThread must have set up, until the run ends or
// `stop` is requested: then it reports a checkpoint after the step in progress. The same assignment
// and data set give the same reports but for their times, whatever runs beside it; and going on
// from any checkpoint of a run gives what the run gives after it.
//
// Failures of the run are in the result: DIVERGED (not a finite number in loss, gradients or
// evaluation), INVALID_DATA (the config does not fit the data set any more, or the data set is not
// the checkpoint's), INTERNAL (a checkpoint that is not this run's; LibTorch's words, out of memory
// among them). An error status is the observer's.
absl::StatusOr<v1::RunEnd> Train(const v1::RunAssignment& assignment, const data::Dataset& dataset,
                                 const TrainingObserver& observer, const std::stop_token& stop);

}  // namespace anneal::training

#endif  // ANNEAL_SERVER_TRAINING_TRAINER_H_
