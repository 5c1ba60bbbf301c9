// Defaults and checks of a TrainingConfig; config.proto states both. Pure.

#ifndef ANNEAL_COMMON_CONFIG_VALIDATION_H_
#define ANNEAL_COMMON_CONFIG_VALIDATION_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "anneal/v1/config.pb.h"
#include "common/config/network_plan.h"
#include "common/config/theta_schedule.h"

namespace anneal::config {

// Fills every unset field that has a default. Changes nothing that is set.
v1::TrainingConfig ResolveConfig(v1::TrainingConfig config);

// Checks what needs no data set: ranges, enums, and fields that contradict each other.
// INVALID_ARGUMENT with every violation. `config` must be resolved.
absl::Status CheckConfig(const v1::TrainingConfig& config);

// What a config comes to on a data set.
struct RunPlan {
  NetworkPlan network;
  int64_t train_images = 0;
  int64_t validation_images = 0;
  RunLength length;
};

// Checks the rest: split, batch, schedules against the run's length, shapes and sizes of the
// network. INVALID_ARGUMENT with every violation. `config` must be resolved and pass CheckConfig.
absl::StatusOr<RunPlan> PlanRun(const v1::TrainingConfig& config, const DatasetShape& data);

}  // namespace anneal::config

#endif  // ANNEAL_COMMON_CONFIG_VALIDATION_H_
