#include "common/run_state.h"

#include "absl/strings/str_cat.h"
#include "common/enum_name.h"
#include "common/status.h"

namespace anneal {
namespace {

bool IsAllowed(v1::RunState from, v1::RunState to) {
  switch (from) {
    case v1::RUN_STATE_PENDING:
      return to == v1::RUN_STATE_RUNNING || to == v1::RUN_STATE_SUSPENDED ||
             to == v1::RUN_STATE_CANCELLED || to == v1::RUN_STATE_FAILED;
    case v1::RUN_STATE_RUNNING:
      return to == v1::RUN_STATE_PENDING || to == v1::RUN_STATE_SUSPENDED || IsFinal(to);
    case v1::RUN_STATE_SUSPENDED:
      return to == v1::RUN_STATE_PENDING || to == v1::RUN_STATE_CANCELLED;
    default:
      // By retry or extend.
      return IsFinal(from) && to == v1::RUN_STATE_PENDING;
  }
}

}  // namespace

bool IsFinal(v1::RunState state) {
  return state == v1::RUN_STATE_SUCCEEDED || state == v1::RUN_STATE_FAILED ||
         state == v1::RUN_STATE_CANCELLED;
}

absl::Status CheckTransition(v1::RunState from, v1::RunState to) {
  if (IsAllowed(from, to)) return absl::OkStatus();
  return WithReason(absl::FailedPreconditionError(absl::StrCat("a run that is ", EnumName(from),
                                                               " cannot become ", EnumName(to))),
                    v1::ERROR_REASON_RUN_STATE);
}

v1::RunState CombinedState(const v1::RunCounts& counts) {
  if (counts.running() > 0) return v1::RUN_STATE_RUNNING;
  if (counts.pending() > 0) return v1::RUN_STATE_PENDING;
  if (counts.suspended() > 0) return v1::RUN_STATE_SUSPENDED;
  if (counts.failed() > 0) return v1::RUN_STATE_FAILED;
  if (counts.cancelled() > 0) return v1::RUN_STATE_CANCELLED;
  return v1::RUN_STATE_SUCCEEDED;
}

}  // namespace anneal
