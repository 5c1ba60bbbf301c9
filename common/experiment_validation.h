// These functions check the texts that users attach to an experiment: labels, note and priority.
// Pure; thread-safe.

#ifndef ANNEAL_COMMON_EXPERIMENT_VALIDATION_H_
#define ANNEAL_COMMON_EXPERIMENT_VALIDATION_H_

#include <cstddef>

#include "absl/strings/string_view.h"
#include "anneal/v1/resources.pb.h"
#include "common/status.h"

namespace anneal {

enum class TextKind { kLine, kLines };

// Adds a violation of `field` if the text is longer than `most` bytes or has control characters,
// which could inject commands into the terminals that display it. kLines allows line breaks.
void CheckText(absl::string_view field, absl::string_view text, size_t most,
               FieldViolations* violations, TextKind kind = TextKind::kLine);

// Checks labels, note and priority, the fields that can also be updated, against the limits in
// resources.proto.
void CheckAnnotations(const v1::Experiment& experiment, FieldViolations* violations);

}  // namespace anneal

#endif  // ANNEAL_COMMON_EXPERIMENT_VALIDATION_H_
