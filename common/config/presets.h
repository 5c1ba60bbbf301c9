// The configs that ship with the product. Pure; thread-safe.

#ifndef ANNEAL_COMMON_CONFIG_PRESETS_H_
#define ANNEAL_COMMON_CONFIG_PRESETS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "anneal/v1/services.pb.h"

namespace anneal::config {

// Each with only the fields it decides set; ResolveConfig gives the rest.
const std::vector<v1::Preset>& Presets();

// By name, `presets/{preset}`. NOT_FOUND with the names there are.
absl::StatusOr<v1::Preset> FindPreset(absl::string_view name);

}  // namespace anneal::config

#endif  // ANNEAL_COMMON_CONFIG_PRESETS_H_
