#include "client/plot/arms.h"

#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/named_runs.h"
#include "common/status.h"

namespace anneal::client::plot {
namespace {

// The request sets only names and grouping, so INVALID_ARGUMENT concerns --by.
absl::StatusOr<v1::CompareExperimentsResponse> FetchArmsOfRuns(Connection* connection,
                                                               const std::vector<RunData>& runs,
                                                               const std::vector<std::string>& by) {
  v1::CompareExperimentsRequest request;
  std::set<std::string> seen;
  for (const RunData& run : runs) {
    const std::string experiment = ExperimentOf(run.run);
    if (seen.insert(experiment).second) request.add_names(experiment);
  }
  request.mutable_group_by()->Assign(by.begin(), by.end());
  auto response = connection->Compare(request);
  if (absl::IsInvalidArgument(response.status())) {
    return InvalidField("--by", std::string(response.status().message()));
  }
  return response;
}

}  // namespace

absl::StatusOr<std::vector<ArmData>> SortIntoArms(
    std::vector<RunData> runs, const v1::CompareExperimentsResponse& comparison) {
  const std::map<std::string, std::string> names = ArmNames(comparison);
  std::vector<ArmData> arms;
  std::map<std::string, size_t> index;
  for (RunData& run : runs) {
    const auto name = names.find(run.run.name());
    if (name == names.end()) return NoArmError(run.run);
    const auto [found, is_new] = index.try_emplace(name->second, arms.size());
    if (is_new) arms.push_back({.name = name->second});
    arms[found->second].runs.push_back(std::move(run));
  }
  return arms;
}

absl::StatusOr<std::vector<RunData>> FetchRuns(Connection* connection,
                                               const std::vector<std::string>& names,
                                               bool with_epochs) {
  ANNEAL_ASSIGN_OR_RETURN(std::vector<v1::Run> runs,
                          FetchNamedRuns(connection, names, v1::RUN_VIEW_FULL));
  std::vector<RunData> data;
  for (v1::Run& run : runs) {
    if (!with_epochs) {
      data.push_back({.run = std::move(run)});
      continue;
    }
    if (run.epochs_done() == 0) continue;
    ANNEAL_ASSIGN_OR_RETURN(std::vector<v1::Epoch> epochs,
                            connection->ListEpochs(run.name(), /*limit=*/0));
    data.push_back({.run = std::move(run), .epochs = std::move(epochs)});
  }
  if (!data.empty()) return data;
  return absl::FailedPreconditionError(
      absl::StrCat("no run of ", absl::StrJoin(names, ", "),
                   " has finished an epoch yet; follow them with `anneal watch`"));
}

absl::StatusOr<std::vector<ArmData>> FetchArms(Connection* connection,
                                               const std::vector<std::string>& names,
                                               const std::vector<std::string>& by,
                                               bool with_epochs) {
  ANNEAL_ASSIGN_OR_RETURN(auto runs, FetchRuns(connection, names, with_epochs));
  ANNEAL_ASSIGN_OR_RETURN(const auto comparison, FetchArmsOfRuns(connection, runs, by));
  return SortIntoArms(std::move(runs), comparison);
}

absl::StatusOr<std::vector<std::vector<v1::ThetaVector>>> FetchLastThetas(
    Connection* connection, const std::vector<ArmData>& arms) {
  std::vector<std::vector<v1::ThetaVector>> thetas;
  for (const ArmData& arm : arms) {
    thetas.emplace_back();
    const RunData& first = arm.runs[0];
    if (first.epochs.back().theta().count() < 2) continue;
    v1::ListThetasRequest request;
    request.set_parent(first.run.name());
    request.set_epoch(first.epochs.back().epoch());
    ANNEAL_ASSIGN_OR_RETURN(thetas.back(), connection->ListThetas(request, /*limit=*/0));
  }
  return thetas;
}

}  // namespace anneal::client::plot
