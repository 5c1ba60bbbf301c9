// `Follow` watches an experiment or run to its end and reconnects when the connection is lost.

#ifndef ANNEAL_CLIENT_FOLLOW_H_
#define ANNEAL_CLIENT_FOLLOW_H_

#include <string>

#include "absl/status/statusor.h"
#include "client/connection.h"
#include "client/interrupt.h"
#include "client/render/progress.h"

namespace anneal::client {

enum class Followed {
  kSucceeded,  // every followed run succeeded
  kFailed,     // at least one run failed or was cancelled
  kDetached,   // the user detached; the runs continue
};

// Shows every event exactly once, in order, from the first, and returns when all runs (or the named
// run) have ended. Reconnects without limit after a lost connection, with a note to the user.
// `name` is a full name. Errors: NOT_FOUND, and UNAVAILABLE if the first connection fails.
absl::StatusOr<Followed> Follow(Connection* connection, Interrupt* interrupt,
                                const std::string& name, render::ProgressView* view);

}  // namespace anneal::client

#endif  // ANNEAL_CLIENT_FOLLOW_H_
