// These functions define the state machine of a run. Pure; thread-safe.

#ifndef ANNEAL_COMMON_RUN_STATE_H_
#define ANNEAL_COMMON_RUN_STATE_H_

#include "absl/status/status.h"
#include "anneal/v1/resources.pb.h"

namespace anneal {

// Returns true for SUCCEEDED, FAILED and CANCELLED.
bool IsFinal(v1::RunState state);

// Checks a transition. FAILED_PRECONDITION: it is not one of these.
//
//   PENDING   -> RUNNING | SUSPENDED | CANCELLED | FAILED (the worker was lost too often)
//   RUNNING   -> PENDING (the daemon stopped) | SUSPENDED | SUCCEEDED | FAILED | CANCELLED
//   SUSPENDED -> PENDING | CANCELLED
absl::Status CheckTransition(v1::RunState from, v1::RunState to);

// Returns the state of an experiment with these runs, as Experiment.state in resources.proto
// defines.
v1::RunState CombinedState(const v1::RunCounts& counts);

}  // namespace anneal

#endif  // ANNEAL_COMMON_RUN_STATE_H_
