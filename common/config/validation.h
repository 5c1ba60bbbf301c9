// `ResolveConfig`, `CheckConfig` and `PlanRun` complete and check a TrainingConfig. Defaults and
// ranges are in config.proto (schema.h); this file has the rules across fields. Pure; thread-safe.

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

// Checks everything that needs no data set: ranges, enums, and contradictory fields.
// INVALID_ARGUMENT with every violation, in the order of the schema. `config` must be resolved.
absl::Status CheckConfig(const v1::TrainingConfig& config);

// The size of a run, as a config and a data set determine it.
struct RunPlan {
  NetworkPlan network;
  int64_t train_images = 0;
  int64_t validation_images = 0;
  RunLength length;
};

// Checks all that CheckConfig does, and split, batch, schedules against the run's length, shapes
// and sizes of the network. Nothing is computed from a value that has a violation. INVALID_ARGUMENT
// with every violation, in the order of the schema. `config` must be resolved.
absl::StatusOr<RunPlan> PlanRun(const v1::TrainingConfig& config, const DatasetShape& data);

}  // namespace anneal::config

#endif  // ANNEAL_COMMON_CONFIG_VALIDATION_H_
