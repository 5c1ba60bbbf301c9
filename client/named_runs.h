// Runs by the names that users type.

#ifndef ANNEAL_CLIENT_NAMED_RUNS_H_
#define ANNEAL_CLIENT_NAMED_RUNS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/connection.h"

namespace anneal::client {

// The runs of experiments and single runs, in the order of the names; one that is named twice is
// there once. Errors of calls.
absl::StatusOr<std::vector<v1::Run>> FetchNamedRuns(Connection* connection,
                                                    const std::vector<std::string>& names,
                                                    v1::RunView view);

// The full names of the experiments that they are of, each once, in their order.
std::vector<std::string> ExperimentsOf(const std::vector<v1::Run>& runs);

// `experiments/{experiment}` of a run's name.
std::string ExperimentOf(const v1::Run& run);

}  // namespace anneal::client

#endif  // ANNEAL_CLIENT_NAMED_RUNS_H_
