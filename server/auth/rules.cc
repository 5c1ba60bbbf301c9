#include "server/auth/rules.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "common/enum_name.h"
#include "common/status.h"

namespace anneal::auth {
namespace {

const std::map<absl::string_view, Access>& Rules() {
  static const auto& rules = *new std::map<absl::string_view, Access>{
      // Health probes (the watchdog, an orchestrator) have no token.
      {"/grpc.health.v1.Health/Check", Access::kOpen},
      {"/grpc.health.v1.Health/Watch", Access::kOpen},
      {"/anneal.v1.ServerService/GetServerInfo", Access::kRead},
      {"/anneal.v1.ServerService/BackUpDatabase", Access::kAdmin},
      {"/anneal.v1.PresetService/ListPresets", Access::kRead},
      {"/anneal.v1.PresetService/GetPreset", Access::kRead},
      {"/anneal.v1.ExperimentService/CreateExperiment", Access::kSubmit},
      {"/anneal.v1.ExperimentService/GetExperiment", Access::kRead},
      {"/anneal.v1.ExperimentService/ListExperiments", Access::kRead},
      {"/anneal.v1.ExperimentService/UpdateExperiment", Access::kOwn},
      {"/anneal.v1.ExperimentService/DeleteExperiment", Access::kOwn},
      {"/anneal.v1.ExperimentService/UndeleteExperiment", Access::kOwn},
      {"/anneal.v1.ExperimentService/PurgeExperiment", Access::kOwn},
      {"/anneal.v1.ExperimentService/CancelExperiment", Access::kOwn},
      {"/anneal.v1.ExperimentService/PauseExperiment", Access::kOwn},
      {"/anneal.v1.ExperimentService/ResumeExperiment", Access::kOwn},
      {"/anneal.v1.ExperimentService/RetryExperiment", Access::kOwn},
      {"/anneal.v1.ExperimentService/CompareExperiments", Access::kRead},
      {"/anneal.v1.ExperimentService/WatchExperiment", Access::kRead},
      {"/anneal.v1.RunService/GetRun", Access::kRead},
      {"/anneal.v1.RunService/UpdateRun", Access::kOwn},
      {"/anneal.v1.RunService/ListRuns", Access::kRead},
      {"/anneal.v1.RunService/ListQueue", Access::kRead},
      {"/anneal.v1.RunService/CancelRun", Access::kOwn},
      {"/anneal.v1.RunService/PauseRun", Access::kOwn},
      {"/anneal.v1.RunService/ResumeRun", Access::kOwn},
      {"/anneal.v1.RunService/RetryRun", Access::kOwn},
      {"/anneal.v1.RunService/ExtendRun", Access::kOwn},
      {"/anneal.v1.RunService/ListCheckpoints", Access::kRead},
      {"/anneal.v1.RunService/DownloadCheckpoint", Access::kRead},
      {"/anneal.v1.RunService/ListEpochs", Access::kRead},
      {"/anneal.v1.RunService/ListSplitImages", Access::kRead},
      {"/anneal.v1.RunService/ListThetas", Access::kRead},
  };
  return rules;
}

absl::Status Denied(const std::string& message) {
  return WithReason(absl::PermissionDeniedError(message), v1::ERROR_REASON_PERMISSION_DENIED);
}

}  // namespace

std::optional<Access> AccessTo(absl::string_view method) {
  const auto found = Rules().find(method);
  if (found == Rules().end()) return std::nullopt;
  return found->second;
}

absl::Status CheckMayCall(const Caller& caller, absl::string_view method) {
  const auto access = AccessTo(method);
  if (!access.has_value())
    return Denied(absl::StrCat(method, " is denied to every caller: it has no rule"));
  const bool is_admin = caller.role == Role::ROLE_ADMIN;
  const bool may_change = is_admin || caller.role == Role::ROLE_SUBMITTER;
  const bool only_reads = *access == Access::kOpen || *access == Access::kRead;
  if (only_reads || is_admin || (may_change && *access != Access::kAdmin)) return absl::OkStatus();
  return Denied(absl::StrCat(caller.name, " is a ", EnumName(caller.role), " and may not call ",
                             method, "; use a token created with --role ",
                             *access == Access::kAdmin ? "admin" : "submitter"));
}

absl::Status CheckOwner(const Caller& caller, absl::string_view owner, absl::string_view what) {
  if (caller.role == Role::ROLE_ADMIN) return absl::OkStatus();
  if (caller.role == Role::ROLE_SUBMITTER && caller.name == owner) return absl::OkStatus();
  return Denied(absl::StrCat(what, " belongs to ", owner.empty() ? "no user" : owner,
                             "; only its owner and admins may change it, and the caller is ",
                             caller.name));
}

}  // namespace anneal::auth
