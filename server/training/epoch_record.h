// `RecordTraining` and `RecordThetas` fill in an epoch's record from the engine's totals and
// thetas.

#ifndef ANNEAL_SERVER_TRAINING_EPOCH_RECORD_H_
#define ANNEAL_SERVER_TRAINING_EPOCH_RECORD_H_

#include "anneal/v1/resources.pb.h"
#include "anneal/v1/worker.pb.h"
#include "server/training/engines/engine.h"

namespace anneal::training {

// Records training loss, scores, gradient norms and speed of an epoch over `images` images that
// took `seconds`.
void RecordTraining(const engines::StepTotals& totals, int64_t images, double seconds,
                    v1::Epoch* record);

// Records the theta vectors and their summary; the epoch's number must be set.
void RecordThetas(const engines::Engine& engine, v1::EpochReport* report);

// Returns true if all metrics that a message itself has are finite.
bool HasFiniteMetrics(const google::protobuf::Message& message);

// Returns true if all measurements of the validation and of the diagnostics are finite.
bool IsFinite(const v1::Epoch& record);

}  // namespace anneal::training

#endif  // ANNEAL_SERVER_TRAINING_EPOCH_RECORD_H_
