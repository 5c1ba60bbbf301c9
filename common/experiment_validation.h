// Checks of what users say about an experiment beside its config. Pure; thread-safe.

#ifndef ANNEAL_COMMON_EXPERIMENT_VALIDATION_H_
#define ANNEAL_COMMON_EXPERIMENT_VALIDATION_H_

#include <cstddef>

#include "absl/strings/string_view.h"
#include "anneal/v1/resources.pb.h"
#include "common/status.h"

namespace anneal {

enum class TextKind { kLine, kLines };

// Adds a violation of `field` where the text is longer than `most` bytes, or has control
// characters: it is shown on others' terminals, to which such characters are commands. Lines may be
// several.
void CheckText(absl::string_view field, absl::string_view text, size_t most,
               FieldViolations* violations, TextKind kind = TextKind::kLine);

// Labels, note and priority: what can be updated too. As resources.proto documents them.
void CheckAnnotations(const v1::Experiment& experiment, FieldViolations* violations);

}  // namespace anneal

#endif  // ANNEAL_COMMON_EXPERIMENT_VALIDATION_H_
