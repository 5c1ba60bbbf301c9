#include "client/named_runs.h"

#include <algorithm>
#include <set>
#include <utility>

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

}  // namespace anneal::client
