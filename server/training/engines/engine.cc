#include "server/training/engines/engine.h"

#include <ATen/Parallel.h>

#include "common/config/engine_support.h"
#include "server/training/engines/fused/fused_engine.h"
#include "server/training/engines/reference/reference_engine.h"

namespace anneal::training {

void PrepareTrainingThread() {
  at::set_num_threads(1);
  at::globalContext().setFlushDenormal(true);
}

std::unique_ptr<Engine> MakeEngine(const v1::TrainingConfig& config, const RunPlan& plan,
                                   int64_t seed) {
  if (config.engine() != v1::ENGINE_KIND_REFERENCE && !FindUnsupportedByFused(config).has_value()) {
    return std::make_unique<FusedEngine>(config, plan, seed);
  }
  return std::make_unique<ReferenceEngine>(config, plan, seed,
                                           torch::TensorOptions().dtype(torch::kFloat));
}

}  // namespace anneal::training
