// A config for a run that goes on after its end.

#ifndef ANNEAL_COMMON_CONFIG_EXTEND_H_
#define ANNEAL_COMMON_CONFIG_EXTEND_H_

#include <cstdint>

#include "anneal/v1/config.pb.h"
#include "common/config/theta_schedule.h"

namespace anneal::config {

// `config` is resolved, and was planned with `length`. The result has more epochs; in those that
// the run has done, theta and learning rate are what they were, and after them stay where they
// ended: what depended on the number of epochs by default is now said. Pure; thread-safe.
v1::TrainingConfig ExtendConfig(v1::TrainingConfig config, RunLength length, int32_t epochs);

}  // namespace anneal::config

#endif  // ANNEAL_COMMON_CONFIG_EXTEND_H_
