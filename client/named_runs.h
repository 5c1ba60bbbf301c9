// Runs by the names that users type.

#ifndef ANNEAL_CLIENT_NAMED_RUNS_H_
#define ANNEAL_CLIENT_NAMED_RUNS_H_

#include <map>
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

// Returns the names of the arms that a comparison sorted runs into, by the runs' names.
std::map<std::string, std::string> ArmNames(const v1::CompareExperimentsResponse& comparison);

// Returns the error for a run that is in no arm: its experiment was purged since the run was read,
// or the daemon's version does not name the arms of runs.
absl::Status NoArmError(const v1::Run& run);

}  // namespace anneal::client

#endif  // ANNEAL_CLIENT_NAMED_RUNS_H_
