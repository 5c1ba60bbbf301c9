// These functions check the texts that users attach to experiments and runs.
// Pure; thread-safe.

#ifndef ANNEAL_COMMON_EXPERIMENT_VALIDATION_H_
#define ANNEAL_COMMON_EXPERIMENT_VALIDATION_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "anneal/v1/resources.pb.h"
#include "common/status.h"

namespace anneal {

enum class TextKind { kLine, kLines };

// Adds a violation of `field` if the text is longer than `most` bytes or has control characters,
// which could inject commands into the terminals that display it. kLines allows line breaks.
void CheckText(absl::string_view field, absl::string_view text, size_t most,
               FieldViolations* violations, TextKind kind = TextKind::kLine);

// The most bytes of Experiment.submit_command.
inline constexpr size_t kMaxSubmitCommand = 8192;

// Each checks fields against the limits in resources.proto: the command; note and labels, which
// runs have too; and with the priority all that can be updated.
void CheckSubmitCommand(const v1::Experiment& experiment, FieldViolations* violations);
void CheckNoteAndLabels(const std::string& note,
                        const google::protobuf::Map<std::string, std::string>& labels,
                        FieldViolations* violations);
void CheckAnnotations(const v1::Experiment& experiment, FieldViolations* violations);

}  // namespace anneal

#endif  // ANNEAL_COMMON_EXPERIMENT_VALIDATION_H_
