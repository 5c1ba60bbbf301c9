// What users can ask of runs, and what it does in each state. Pure; thread-safe.

#ifndef ANNEAL_SERVER_SCHEDULING_LIFECYCLE_H_
#define ANNEAL_SERVER_SCHEDULING_LIFECYCLE_H_

#include <optional>

#include "absl/status/statusor.h"
#include "anneal/v1/resources.pb.h"

namespace anneal::scheduling {

enum class Command {
  kCancel,  // what has not ended ends
  kPause,   // what has not ended is suspended
  kResume,  // what is suspended goes back to the queue
  kRetry,   // what failed or was cancelled goes back to the queue
};

// The state that the command brings a run to; nothing where it is as asked for already.
// FAILED_PRECONDITION where it cannot be done, with what can be.
absl::StatusOr<std::optional<v1::RunState>> NextState(Command command, v1::RunState state,
                                                      v1::FailureReason failure);

}  // namespace anneal::scheduling

#endif  // ANNEAL_SERVER_SCHEDULING_LIFECYCLE_H_
