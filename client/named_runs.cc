#include "client/named_runs.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/resource_name.h"
#include "common/status.h"

namespace anneal::client {

absl::StatusOr<std::vector<v1::Run>> FetchNamedRuns(Connection* connection,
                                                    const std::vector<std::string>& names,
                                                    v1::RunView view) {
  std::vector<v1::Run> runs;
  std::set<std::string> seen;
  for (const std::string& typed : names) {
    const std::string name = ExpandName(typed);
    std::vector<v1::Run> named;
    if (IsRunName(name)) {
      ANNEAL_ASSIGN_OR_RETURN(named.emplace_back(), connection->GetRun(name));
    } else {
      v1::ListRunsRequest request;
      request.set_parent(name);
      request.set_view(view);
      ANNEAL_ASSIGN_OR_RETURN(named, connection->ListRuns(request, /*limit=*/0));
    }
    for (v1::Run& run : named) {
      if (seen.insert(run.name()).second) runs.push_back(std::move(run));
    }
  }
  return runs;
}

std::vector<std::string> ExperimentsOf(const std::vector<v1::Run>& runs) {
  std::vector<std::string> names;
  for (const v1::Run& run : runs) {
    std::string name = ExperimentOf(run);
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      names.push_back(std::move(name));
    }
  }
  return names;
}

std::string ExperimentOf(const v1::Run& run) {
  return run.name().substr(0, run.name().find("/runs/"));
}

std::map<std::string, std::string> ArmNames(const v1::CompareExperimentsResponse& comparison) {
  std::map<std::string, std::string> names;
  for (const v1::ArmsOfRuns& arms_of_runs : comparison.arms_of_runs()) {
    for (int run = 0; run < arms_of_runs.arms_size(); ++run) {
      const int arm = arms_of_runs.arms(run);
      if (arm < 0 || arm >= comparison.arms_size()) continue;
      names[absl::StrCat(arms_of_runs.experiment(), "/runs/", run)] = comparison.arms(arm).name();
    }
  }
  return names;
}

absl::Status NoArmError(const v1::Run& run) {
  return absl::FailedPreconditionError(absl::StrCat(
      "the server named no arm for ", ShortenName(run.name()),
      ", which was purged or needs a newer anneald; `anneal server` shows its version"));
}

}  // namespace anneal::client
