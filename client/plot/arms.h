// These functions fetch what figures show: the arms of the named experiments and runs.

#ifndef ANNEAL_CLIENT_PLOT_ARMS_H_
#define ANNEAL_CLIENT_PLOT_ARMS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/connection.h"
#include "client/named_runs.h"
#include "client/plot/figures.h"

namespace anneal::client::plot {

// A run with its config, test results and epochs.
struct RecordedRun {
  v1::Run run;
  std::vector<v1::Epoch> epochs;
  bool is_duplicate = false;
};

// Compares the named experiments as `request` asks; its names are ignored. Where single runs are
// named, leaves only these and the runs of the experiments that are named as a whole: an arm that
// loses runs is computed from the epochs of those that remain, with two calls for each, so that it
// takes few runs. Errors: those of the calls.
absl::StatusOr<v1::CompareExperimentsResponse> FetchArms(Connection* connection,
                                                         const std::vector<std::string>& names,
                                                         v1::CompareExperimentsRequest request);

// Returns the comparison without the runs that `keeps` returns false for. Arms without a run are
// removed. Arms that lost runs count those that are left, and have neither curves nor statistics;
// their indices are added to `changed`. There, a duplicate counts if no other run with its seed is
// left. Pure.
v1::CompareExperimentsResponse Restricted(const v1::CompareExperimentsResponse& comparison,
                                          const std::function<bool(const std::string&)>& keeps,
                                          std::vector<int>* changed);

// Gives an arm the config, curves and confusion matrix of its runs, as `request` asks: what the
// server would compute for an arm of these runs. At least one run. Pure.
void FillArm(const v1::CompareExperimentsRequest& request, const std::vector<RecordedRun>& runs,
             v1::Arm* arm);

// FAILED_PRECONDITION naming the experiments: no run has finished an epoch or diverged. Pure.
absl::Status CheckRecorded(const v1::CompareExperimentsResponse& comparison,
                           const std::vector<std::string>& names);

// Fetches the last theta vectors of a run of each arm with many thetas: its first run that
// succeeded, or else its first one. Of the first kMaxArmsWithThetas such arms. Errors: those of the
// calls.
inline constexpr size_t kMaxArmsWithThetas = 12;
absl::StatusOr<std::vector<LastThetas>> FetchLastThetas(
    Connection* connection, const v1::CompareExperimentsResponse& comparison);

}  // namespace anneal::client::plot

#endif  // ANNEAL_CLIENT_PLOT_ARMS_H_
