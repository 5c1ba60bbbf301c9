// `Presets` are the built-in configs. Pure; thread-safe.

#ifndef ANNEAL_COMMON_CONFIG_PRESETS_H_
#define ANNEAL_COMMON_CONFIG_PRESETS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "anneal/v1/services.pb.h"

namespace anneal::config {

// Sets only the fields that define each preset; ResolveConfig adds the defaults.
const std::vector<v1::Preset>& Presets();

// Finds a preset by name, `presets/{preset}`. NOT_FOUND, listing the known presets.
absl::StatusOr<v1::Preset> FindPreset(absl::string_view name);

}  // namespace anneal::config

#endif  // ANNEAL_COMMON_CONFIG_PRESETS_H_
