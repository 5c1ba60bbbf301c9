// The reference engine for callers that do not include LibTorch.

#ifndef ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_MAKE_REFERENCE_ENGINE_H_
#define ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_MAKE_REFERENCE_ENGINE_H_

#include <cstdint>
#include <memory>

#include "common/config/validation.h"
#include "server/training/engines/engine.h"

namespace anneal::training::engines::reference {

// In single precision, on the CPU.
std::unique_ptr<Engine> MakeReferenceEngine(const v1::TrainingConfig& config,
                                            const config::RunPlan& plan, int64_t seed);

// Sets up the calling thread for LibTorch: one intra-op thread, denormals flushed to zero.
void ConfigureThread();

}  // namespace anneal::training::engines::reference

#endif  // ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_MAKE_REFERENCE_ENGINE_H_
