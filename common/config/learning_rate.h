// `LearningRateFactor` computes the learning rate schedule of config.proto (LearningRateSchedule).
// Pure.

#ifndef ANNEAL_COMMON_CONFIG_LEARNING_RATE_H_
#define ANNEAL_COMMON_CONFIG_LEARNING_RATE_H_

#include <cstdint>

#include "anneal/v1/config.pb.h"
#include "common/config/theta_schedule.h"

namespace anneal::config {

// Returns the factor of the base learning rate at a step: schedule times warm-up. A warm-up of W =
// round(warmup_epochs x steps per epoch) steps contributes min(1, (step + 1) / W). `config` must be
// resolved; `epoch` and `step` count from 0, `step` from the start of the run. In (0, 1], or 0 for
// a final_factor of 0.
double LearningRateFactor(const v1::OptimizerConfig& config, RunLength length, int64_t epoch,
                          int64_t step);

}  // namespace anneal::config

#endif  // ANNEAL_COMMON_CONFIG_LEARNING_RATE_H_
