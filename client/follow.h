// Following an experiment or a run to its end, across lost connections.

#ifndef ANNEAL_CLIENT_FOLLOW_H_
#define ANNEAL_CLIENT_FOLLOW_H_

#include <string>

#include "absl/status/statusor.h"
#include "client/connection.h"
#include "client/interrupt.h"
#include "client/render/progress.h"

namespace anneal::client {

enum class Followed {
  kSucceeded,  // every run that was followed
  kFailed,     // one or more ended otherwise
  kDetached,   // the user wants out; the runs go on
};

// Shows every event once and in order, from the first, and returns when all runs (or the one named)
// have ended. When the connection is lost it tries again, without end, and says so. `name` is a
// full name. Errors: NOT_FOUND, and UNAVAILABLE if the daemon could not be reached at all.
absl::StatusOr<Followed> Follow(Connection* connection, Interrupt* interrupt,
                                const std::string& name, render::ProgressView* view);

}  // namespace anneal::client

#endif  // ANNEAL_CLIENT_FOLLOW_H_
