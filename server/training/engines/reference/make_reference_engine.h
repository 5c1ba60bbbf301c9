// `MakeReferenceEngine` creates a reference engine without exposing LibTorch to the caller.

#ifndef ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_MAKE_REFERENCE_ENGINE_H_
#define ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_MAKE_REFERENCE_ENGINE_H_

#include <cstdint>
#include <memory>

#include "common/config/validation.h"
#include "server/training/engines/engine.h"

namespace anneal::training::engines::reference {

// Creates an engine in float32 on the CPU, with weights initialised from `seed`.
std::unique_ptr<Engine> MakeReferenceEngine(const v1::TrainingConfig& config,
                                            const config::RunPlan& plan, int64_t seed);

// Configures LibTorch for the calling thread: one intra-op thread, denormals flushed to zero.
void ConfigureThread();

}  // namespace anneal::training::engines::reference

#endif  // ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_MAKE_REFERENCE_ENGINE_H_
