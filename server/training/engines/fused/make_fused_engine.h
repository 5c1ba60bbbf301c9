// `MakeFusedEngine` creates a fused engine without exposing LibTorch to the caller.

#ifndef ANNEAL_SERVER_TRAINING_ENGINES_FUSED_MAKE_FUSED_ENGINE_H_
#define ANNEAL_SERVER_TRAINING_ENGINES_FUSED_MAKE_FUSED_ENGINE_H_

#include <cstdint>
#include <memory>

#include "common/config/validation.h"
#include "server/training/engines/engine.h"

namespace anneal::training::engines::fused {

// Creates an engine with weights initialised from `seed`. FindUnsupportedByFused must find nothing
// in `config`.
std::unique_ptr<Engine> MakeFusedEngine(const v1::TrainingConfig& config,
                                        const config::RunPlan& plan, int64_t seed);

}  // namespace anneal::training::engines::fused

#endif  // ANNEAL_SERVER_TRAINING_ENGINES_FUSED_MAKE_FUSED_ENGINE_H_
