// `MakeEngine` creates the engine that trains a run.

#ifndef ANNEAL_SERVER_TRAINING_MAKE_ENGINE_H_
#define ANNEAL_SERVER_TRAINING_MAKE_ENGINE_H_

#include <cstdint>
#include <memory>

#include "common/config/validation.h"
#include "server/training/engines/engine.h"

namespace anneal::training {

// Returns the engine that the config names; for AUTO, the fastest one that can train it.
// Initialises the weights from the seed (config.proto, InitGain). `plan` must be PlanRun's for
// `config`.
std::unique_ptr<engines::Engine> MakeEngine(const v1::TrainingConfig& config,
                                            const config::RunPlan& plan, int64_t seed);

// Configures the calling thread for training: one intra-op thread, denormals flushed to zero. Call
// once per thread, before its first run.
void PrepareTrainingThread();

}  // namespace anneal::training

#endif  // ANNEAL_SERVER_TRAINING_MAKE_ENGINE_H_
