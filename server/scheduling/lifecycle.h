// `NextState` defines the users' commands on runs and their effect in each state. Pure;
// thread-safe.

#ifndef ANNEAL_SERVER_SCHEDULING_LIFECYCLE_H_
#define ANNEAL_SERVER_SCHEDULING_LIFECYCLE_H_

#include <optional>

#include "absl/status/statusor.h"
#include "anneal/v1/resources.pb.h"

namespace anneal::scheduling {

enum class Command {
  kCancel,  // ends unfinished runs
  kPause,   // suspends unfinished runs
  kResume,  // requeues suspended runs
  kRetry,   // requeues failed and cancelled runs
};

// Returns the state that the command moves a run to; nothing where the run needs no change.
// FAILED_PRECONDITION where the command does not apply; the message names the one that does.
absl::StatusOr<std::optional<v1::RunState>> NextState(Command command, v1::RunState state,
                                                      v1::FailureReason failure);

}  // namespace anneal::scheduling

#endif  // ANNEAL_SERVER_SCHEDULING_LIFECYCLE_H_
