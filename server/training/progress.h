// `ObserveBest` and `ObserveEarlyStopping` update a run's TrainingProgress; `ToPartialEpoch` and
// `FromPartialEpoch` convert the sums of the epoch in progress. Pure; thread-safe.

#ifndef ANNEAL_SERVER_TRAINING_PROGRESS_H_
#define ANNEAL_SERVER_TRAINING_PROGRESS_H_

#include "absl/status/statusor.h"
#include "anneal/v1/config.pb.h"
#include "anneal/v1/resources.pb.h"
#include "anneal/v1/worker.pb.h"
#include "server/training/engines/engine.h"

namespace anneal::training {

// Returns the progress of a run before its first epoch.
v1::TrainingProgress NewProgress();

// Makes `record` the best epoch if it is eligible, and its validation accuracy is higher than the
// best so far, or equal at a lower validation loss. Returns true if it did.
bool ObserveBest(const v1::Epoch& record, v1::TrainingProgress* progress);

// Makes the last epoch of a run the best one if none was eligible. Returns true if it did.
bool FallBackToLast(const v1::Epoch& record, v1::TrainingProgress* progress);

// Forgets a best epoch that was not eligible: such a fallback, or one that an older daemon chose.
void ForgetIneligibleBest(v1::TrainingProgress* progress);

// Of an eligible epoch, counts it if it does not improve the validation loss, or notes the
// improvement; sets `stopped_early` when patience is exhausted.
void ObserveEarlyStopping(const v1::EarlyStoppingConfig& config, const v1::Epoch& record,
                          v1::TrainingProgress* progress);

// Restarts early stopping at the next eligible epoch.
void RestartEarlyStopping(v1::TrainingProgress* progress);

// Returns the sums of an epoch in progress, on which `seconds` were spent.
v1::PartialEpoch ToPartialEpoch(const engines::StepTotals& totals, double seconds);

// Returns the sums that ToPartialEpoch stored. DATA_LOSS where they belong to a network with other
// classes or layers.
absl::StatusOr<engines::StepTotals> FromPartialEpoch(const v1::PartialEpoch& partial, int classes,
                                                     size_t layers);

}  // namespace anneal::training

#endif  // ANNEAL_SERVER_TRAINING_PROGRESS_H_
