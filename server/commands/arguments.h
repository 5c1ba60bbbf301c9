// The daemon's commands share these helpers for arguments and errors.

#ifndef ANNEAL_SERVER_COMMANDS_ARGUMENTS_H_
#define ANNEAL_SERVER_COMMANDS_ARGUMENTS_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace anneal::commands {

inline constexpr int kUsageError = 2;

// The command that the command line chose, which returns the exit code. Null: serve.
using Chosen = std::function<int()>;

// Prints an error on stderr. Returns the exit code: 2 for INVALID_ARGUMENT, else 1.
int Complain(const absl::Status& status);

// Parses an age in days, hours or minutes such as 30d, 12h or 90m. INVALID_ARGUMENT names `option`.
absl::StatusOr<absl::Duration> ParseAge(absl::string_view option, absl::string_view text);

}  // namespace anneal::commands

#endif  // ANNEAL_SERVER_COMMANDS_ARGUMENTS_H_
