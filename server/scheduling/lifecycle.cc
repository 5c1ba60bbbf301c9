#include "server/scheduling/lifecycle.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/enum_name.h"
#include "common/run_state.h"
#include "common/status.h"

namespace anneal::scheduling {
namespace {

using Next = absl::StatusOr<std::optional<v1::RunState>>;

absl::Status Refused(absl::string_view what, v1::RunState state, absl::string_view remedy) {
  return WithReason(absl::FailedPreconditionError(absl::StrCat("a run that is ", EnumName(state),
                                                               " cannot be ", what, remedy)),
                    v1::ERROR_REASON_RUN_STATE);
}

Next Resume(v1::RunState state) {
  if (state == v1::RUN_STATE_SUSPENDED) return v1::RUN_STATE_PENDING;
  if (IsFinal(state)) return Refused("resumed", state, "; retry or extend it instead");
  return std::nullopt;
}

Next Retry(v1::RunState state, v1::FailureReason failure) {
  switch (state) {
    case v1::RUN_STATE_FAILED:
      if (failure == v1::FAILURE_REASON_DIVERGED) {
        return WithReason(absl::FailedPreconditionError(
                              "a run that diverged would diverge again in the same step; submit it "
                              "again with --like and a lower optimizer.learning_rate"),
                          v1::ERROR_REASON_RUN_DIVERGED);
      }
      return v1::RUN_STATE_PENDING;
    case v1::RUN_STATE_CANCELLED:
      return v1::RUN_STATE_PENDING;
    case v1::RUN_STATE_SUCCEEDED:
      return Refused("retried", state, "; extend it to more epochs instead");
    case v1::RUN_STATE_SUSPENDED:
      return Refused("retried", state, "; resume it instead");
    default:
      return std::nullopt;
  }
}

}  // namespace

Next NextState(Command command, v1::RunState state, v1::FailureReason failure) {
  switch (command) {
    case Command::kCancel:
      if (IsFinal(state)) return std::nullopt;
      return v1::RUN_STATE_CANCELLED;
    case Command::kPause:
      if (IsFinal(state)) return Refused("paused", state, ": it has ended");
      if (state == v1::RUN_STATE_SUSPENDED) return std::nullopt;
      return v1::RUN_STATE_SUSPENDED;
    case Command::kResume:
      return Resume(state);
    case Command::kRetry:
      return Retry(state, failure);
  }
  return absl::InternalError("unknown command");
}

}  // namespace anneal::scheduling
