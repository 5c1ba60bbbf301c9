// A run's whole state as one safetensors file, from which training goes on to the same bits.
//
// Tensors: the engine's weights under their own names (engine.h); behind `optimizer.` its moments;
// behind `best.` the weights of the best epoch, unless those are the current ones; behind
// `epoch_start.` the weights before the epoch in progress, where the convexity diagnostic needs
// them. Metadata: `format` (anneal-checkpoint-1), `run`, `engine`, and as JSON `config` and
// `progress` (anneal.v1.TrainingConfig and TrainingProgress). Pure; thread-safe.

#ifndef ANNEAL_SERVER_TRAINING_MODEL_CHECKPOINT_H_
#define ANNEAL_SERVER_TRAINING_MODEL_CHECKPOINT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "anneal/v1/config.pb.h"
#include "anneal/v1/worker.pb.h"
#include "server/training/model/tensors.h"

namespace anneal::training::model {

struct TrainingState {
  std::string run;     // its name
  std::string engine;  // that made it
  v1::TrainingConfig config;
  v1::TrainingProgress progress;
  Tensors weights;
  Tensors moments;
  // Empty where they are the current ones, or there are none yet.
  Tensors best_weights;
  Tensors epoch_start_weights;
};

std::string EncodeCheckpoint(const TrainingState& state);

// DATA_LOSS when it is not such a file.
absl::StatusOr<TrainingState> DecodeCheckpoint(absl::string_view contents);

// See TestResult.weights_sha256.
std::string WeightsDigest(const Tensors& weights);

}  // namespace anneal::training::model

#endif  // ANNEAL_SERVER_TRAINING_MODEL_CHECKPOINT_H_
