// The fused engine for callers that do not include LibTorch.

#ifndef ANNEAL_SERVER_TRAINING_ENGINES_FUSED_MAKE_FUSED_ENGINE_H_
#define ANNEAL_SERVER_TRAINING_ENGINES_FUSED_MAKE_FUSED_ENGINE_H_

#include <cstdint>
#include <memory>

#include "common/config/validation.h"
#include "server/training/engines/engine.h"

namespace anneal::training::engines::fused {

// `config` must have nothing that FindUnsupportedByFused finds.
std::unique_ptr<Engine> MakeFusedEngine(const v1::TrainingConfig& config,
                                        const config::RunPlan& plan, int64_t seed);

}  // namespace anneal::training::engines::fused

#endif  // ANNEAL_SERVER_TRAINING_ENGINES_FUSED_MAKE_FUSED_ENGINE_H_
