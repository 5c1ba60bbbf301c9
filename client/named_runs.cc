#include "client/named_runs.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/resource_name.h"
#include "common/status.h"

namespace anneal::client {

absl::StatusOr<std::vector<v1::Run>> FetchNamedRuns(Connection* connection,
                                                    const std::vector<std::string>& names,
                                                    v1::RunView view,
                                                    const std::vector<std::string>& metrics) {
  std::vector<v1::Run> runs;
  std::set<std::string> seen;
  for (const std::string& typed : names) {
    const std::string name = ExpandName(typed);
    std::vector<v1::Run> named;
    if (IsRunName(name)) {
      ANNEAL_ASSIGN_OR_RETURN(named.emplace_back(), connection->GetRun(name, metrics));
    } else {
      v1::ListRunsRequest request;
      request.set_parent(name);
      request.set_view(view);
      request.mutable_metrics()->Assign(metrics.begin(), metrics.end());
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

double ComparedRun::ValueOf(const std::string& metric) const {
  const auto found = values.find(metric);
  return found == values.end() ? std::nan("") : found->second;
}

std::vector<ComparedRun> ComparedRuns(const v1::CompareExperimentsResponse& comparison) {
  std::vector<ComparedRun> runs;
  for (const v1::ArmsOfRuns& of : comparison.arms_of_runs()) {
    const int size =
        std::min({of.arms_size(), of.seeds_size(), of.outcomes_size(), of.duplicates_size()});
    for (int i = 0; i < size; ++i) {
      if (of.arms(i) < 0 || of.arms(i) >= comparison.arms_size()) continue;
      ComparedRun& run = runs.emplace_back();
      run.name = absl::StrCat(of.experiment(), "/runs/", i);
      run.arm = of.arms(i);
      run.seed = of.seeds(i);
      run.outcome = of.outcomes(i);
      run.is_duplicate = of.duplicates(i);
      for (const v1::RunValues& values : of.values()) {
        if (i < values.values_size()) run.values[values.metric()] = values.values(i);
      }
    }
  }
  return runs;
}

std::map<std::string, std::string> ArmNames(const v1::CompareExperimentsResponse& comparison) {
  std::map<std::string, std::string> names;
  for (const v1::ArmsOfRuns& of : comparison.arms_of_runs()) {
    for (int run = 0; run < of.arms_size(); ++run) {
      if (of.arms(run) < 0 || of.arms(run) >= comparison.arms_size()) continue;
      names[absl::StrCat(of.experiment(), "/runs/", run)] = comparison.arms(of.arms(run)).name();
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
