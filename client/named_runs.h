// `FetchNamedRuns` resolves the names on a command line to runs.

#ifndef ANNEAL_CLIENT_NAMED_RUNS_H_
#define ANNEAL_CLIENT_NAMED_RUNS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/connection.h"

namespace anneal::client {

// Returns the named runs and all runs of the named experiments, in the order of the names and
// without duplicates. Errors: those of the calls.
absl::StatusOr<std::vector<v1::Run>> FetchNamedRuns(Connection* connection,
                                                    const std::vector<std::string>& names,
                                                    v1::RunView view);

// Returns the full names of the runs' experiments, without duplicates, in order of first
// appearance.
std::vector<std::string> ExperimentsOf(const std::vector<v1::Run>& runs);

// Returns the full name of the run's experiment.
std::string ExperimentOf(const v1::Run& run);

// Returns the name of each run's arm in a comparison, by the run's name.
std::map<std::string, std::string> ArmNames(const v1::CompareExperimentsResponse& comparison);

// Returns the error for a run that is in no arm: its experiment was purged since the run was read,
// or the daemon's version does not name the arms of runs.
absl::Status NoArmError(const v1::Run& run);

}  // namespace anneal::client

#endif  // ANNEAL_CLIENT_NAMED_RUNS_H_
