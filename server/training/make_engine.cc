#include "server/training/make_engine.h"

#include "common/config/engine_support.h"
#include "server/training/engines/fused/make_fused_engine.h"
#include "server/training/engines/reference/make_reference_engine.h"

namespace anneal::training {

std::unique_ptr<engines::Engine> MakeEngine(const v1::TrainingConfig& config,
                                            const config::RunPlan& plan, int64_t seed) {
  if (config.engine() != v1::ENGINE_KIND_REFERENCE &&
      !config::FindUnsupportedByFused(config).has_value()) {
    return engines::fused::MakeFusedEngine(config, plan, seed);
  }
  return engines::reference::MakeReferenceEngine(config, plan, seed);
}

void PrepareTrainingThread() { engines::reference::ConfigureThread(); }

}  // namespace anneal::training
