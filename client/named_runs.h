// These functions find the runs that the names on a command line mean, and the arms of a comparison
// that runs are in.

#ifndef ANNEAL_CLIENT_NAMED_RUNS_H_
#define ANNEAL_CLIENT_NAMED_RUNS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/connection.h"

namespace anneal::client {

// Returns the named runs and all runs of the named experiments, in the order of the names and
// without duplicates, with the values of `metrics` as ListRunsRequest takes them. Errors: those of
// the calls.
absl::StatusOr<std::vector<v1::Run>> FetchNamedRuns(Connection* connection,
                                                    const std::vector<std::string>& names,
                                                    v1::RunView view,
                                                    const std::vector<std::string>& metrics = {});

// Returns the full names of the runs' experiments, without duplicates, in order of first
// appearance.
std::vector<std::string> ExperimentsOf(const std::vector<v1::Run>& runs);

// Returns the full name of the run's experiment.
std::string ExperimentOf(const v1::Run& run);

// Returns the name of each run's arm in a comparison, by the run's name.
std::map<std::string, std::string> ArmNames(const v1::CompareExperimentsResponse& comparison);

// A run as a comparison counts it.
struct ComparedRun {
  std::string name;  // `experiments/{experiment}/runs/{run}`
  int arm = 0;       // the index in the comparison's arms
  int64_t seed = 0;
  v1::RunOutcome outcome = v1::RUN_OUTCOME_MISSING;
  bool is_duplicate = false;             // of an earlier run of the arm
  std::map<std::string, double> values;  // of the request's run_metrics; NaN: the run has none

  bool succeeded() const {
    return outcome == v1::RUN_OUTCOME_SUCCEEDED || outcome == v1::RUN_OUTCOME_COLLAPSED;
  }
  // Returns the value of a metric; NaN without one.
  double ValueOf(const std::string& metric) const;
};

// Returns the runs of a comparison by experiment and number, but for those that are in none of its
// arms.
std::vector<ComparedRun> ComparedRuns(const v1::CompareExperimentsResponse& comparison);

// Returns the error for a run that is in no arm: its experiment was purged since the run was read,
// or the daemon's version does not name the arms of runs.
absl::Status NoArmError(const v1::Run& run);

}  // namespace anneal::client

#endif  // ANNEAL_CLIENT_NAMED_RUNS_H_
