// The choice of an engine for a run.

#ifndef ANNEAL_SERVER_TRAINING_MAKE_ENGINE_H_
#define ANNEAL_SERVER_TRAINING_MAKE_ENGINE_H_

#include <cstdint>
#include <memory>

#include "common/config/validation.h"
#include "server/training/engines/engine.h"

namespace anneal::training {

// Returns the engine that the config asks for, or the fastest that can train it. Initialises
// weights from the seed (config.proto, InitGain). `config` and `plan` must be those of PlanRun.
std::unique_ptr<engines::Engine> MakeEngine(const v1::TrainingConfig& config,
                                            const config::RunPlan& plan, int64_t seed);

// Sets up the calling thread, once, before its first run: one intra-op thread, denormals flushed to
// zero.
void PrepareTrainingThread();

}  // namespace anneal::training

#endif  // ANNEAL_SERVER_TRAINING_MAKE_ENGINE_H_
