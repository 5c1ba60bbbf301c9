// These functions fetch runs from the daemon and group them into the arms of a plot.

#ifndef ANNEAL_CLIENT_PLOT_ARMS_H_
#define ANNEAL_CLIENT_PLOT_ARMS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/connection.h"
#include "client/plot/arm_data.h"

namespace anneal::client::plot {

// Sorts runs into the arms that the server assigned them to, in order of their first runs.
// FAILED_PRECONDITION: the comparison has no arm for one of them. Pure.
absl::StatusOr<std::vector<ArmData>> SortIntoArms(std::vector<RunData> runs,
                                                  const v1::CompareExperimentsResponse& comparison);

// Fetches the named runs and all runs of the named experiments. With `with_epochs`, fetches their
// epochs and omits runs without any. FAILED_PRECONDITION: no run is left. Other errors: those of
// the calls.
absl::StatusOr<std::vector<RunData>> FetchRuns(Connection* connection,
                                               const std::vector<std::string>& names,
                                               bool with_epochs);

// Fetches runs as FetchRuns does, in the arms that the server sorts them into. `by` is the
// comparison's group_by; INVALID_ARGUMENT names it --by. Errors as of FetchRuns and SortIntoArms.
absl::StatusOr<std::vector<ArmData>> FetchArms(Connection* connection,
                                               const std::vector<std::string>& names,
                                               const std::vector<std::string>& by,
                                               bool with_epochs);

// Fetches the last theta vectors of each arm's first run, as `Thetas` (figures.h) takes them.
// Errors: those of the calls.
absl::StatusOr<std::vector<std::vector<v1::ThetaVector>>> FetchLastThetas(
    Connection* connection, const std::vector<ArmData>& arms);

}  // namespace anneal::client::plot

#endif  // ANNEAL_CLIENT_PLOT_ARMS_H_
