// What plots are about, fetched from the daemon and sorted into arms.

#ifndef ANNEAL_CLIENT_PLOT_ARMS_H_
#define ANNEAL_CLIENT_PLOT_ARMS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/connection.h"
#include "client/plot/figures.h"

namespace anneal::client::plot {

// Arms in the order in which their first runs come. `by` names what makes an arm, as in
// CompareExperimentsRequest.group_by: fields of the config, `experiment` and `preset`. Empty: the
// experiment and its sweep values. INVALID_ARGUMENT naming --by. Pure.
absl::StatusOr<std::vector<ArmData>> SortIntoArms(std::vector<RunData> runs,
                                                  const std::vector<std::string>& by);

// The runs of experiments and single runs, by the names that users type; with their epochs, only
// those that have some. FAILED_PRECONDITION: there is none. Errors of calls.
absl::StatusOr<std::vector<RunData>> FetchRuns(Connection* connection,
                                               const std::vector<std::string>& names,
                                               bool with_epochs);

// What Thetas (figures.h) takes beside the arms. Errors of calls.
absl::StatusOr<std::vector<std::vector<v1::ThetaVector>>> FetchLastThetas(
    Connection* connection, const std::vector<ArmData>& arms);

}  // namespace anneal::client::plot

#endif  // ANNEAL_CLIENT_PLOT_ARMS_H_
