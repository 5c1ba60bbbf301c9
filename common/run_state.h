// The life cycle of a run: which changes of state there are. Pure; thread-safe.

#ifndef ANNEAL_COMMON_RUN_STATE_H_
#define ANNEAL_COMMON_RUN_STATE_H_

#include "absl/status/status.h"
#include "anneal/v1/resources.pb.h"

namespace anneal {

// SUCCEEDED, FAILED, CANCELLED: nothing changes such a run any more.
bool IsFinal(v1::RunState state);

// OK if a run may go from one state to the other, FAILED_PRECONDITION otherwise.
//
//   PENDING   -> RUNNING | SUSPENDED | CANCELLED | FAILED (the worker was lost too often)
//   RUNNING   -> PENDING (the daemon stopped) | SUSPENDED | SUCCEEDED | FAILED | CANCELLED
//   SUSPENDED -> PENDING | CANCELLED
absl::Status CheckTransition(v1::RunState from, v1::RunState to);

// The state of an experiment with these runs; see Experiment.state in resources.proto.
v1::RunState CombinedState(const v1::RunCounts& counts);

}  // namespace anneal

#endif  // ANNEAL_COMMON_RUN_STATE_H_
