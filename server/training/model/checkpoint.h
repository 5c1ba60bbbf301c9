// `EncodeCheckpoint` and `DecodeCheckpoint` convert a run's whole state to and from one safetensors
// file. Training that resumes from it reproduces identical results.
//
// Tensors: the engine's weights under their own names (engine.h); with prefix `optimizer.` its
// moments; with prefix `best.` the weights of the best epoch, unless those are the current ones;
// with prefix `epoch_start.` the weights before the epoch in progress, if the convexity diagnostic
// needs them. Metadata: `format` (anneal-checkpoint-1), `run`, `engine`, and as JSON `config` and
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
  std::string run;     // name of the run
  std::string engine;  // name of the engine that trained it
  v1::TrainingConfig config;
  v1::TrainingProgress progress;
  Tensors weights;
  Tensors moments;
  // Empty if the current weights are the best ones, or no epoch has been evaluated yet.
  Tensors best_weights;
  // Empty unless the convexity diagnostic needs them.
  Tensors epoch_start_weights;
};

std::string EncodeCheckpoint(const TrainingState& state);

// Decodes a checkpoint. DATA_LOSS if `contents` is not one.
absl::StatusOr<TrainingState> DecodeCheckpoint(absl::string_view contents);

// Returns the SHA-256 of all weights; see Run.weights_sha256.
std::string WeightsDigest(const Tensors& weights);

}  // namespace anneal::training::model

#endif  // ANNEAL_SERVER_TRAINING_MODEL_CHECKPOINT_H_
