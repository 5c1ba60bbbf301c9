// `ExtendConfig` returns the config of a run that continues after its last epoch.

#ifndef ANNEAL_COMMON_CONFIG_EXTEND_H_
#define ANNEAL_COMMON_CONFIG_EXTEND_H_

#include <cstdint>

#include "anneal/v1/config.pb.h"
#include "common/config/theta_schedule.h"

namespace anneal::config {

// `config` is resolved and was planned with `length`. The result has `epochs` epochs: theta and
// learning rate are unchanged in the completed epochs and keep their final values afterwards,
// because settings that depend on the number of epochs by default become explicit. Pure;
// thread-safe.
v1::TrainingConfig ExtendConfig(v1::TrainingConfig config, RunLength length, int32_t epochs);

}  // namespace anneal::config

#endif  // ANNEAL_COMMON_CONFIG_EXTEND_H_
