#include "server/store/usage_store.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/status.h"

namespace anneal::store {
namespace {

absl::Status Exceeded(const std::string& message) {
  return WithReason(absl::ResourceExhaustedError(message), v1::ERROR_REASON_QUOTA_EXCEEDED);
}

std::string InMebibytes(int64_t bytes) {
  return absl::StrFormat("%.1f MiB", static_cast<double>(bytes) / (1 << 20));
}

std::string UserNamed(absl::string_view user) {
  return user.empty() ? "the user without a name" : absl::StrCat("user ", user);
}

absl::Status CheckAgainst(const Usage& usage, const UsageLimits& limits, absl::string_view user,
                          int64_t new_runs) {
  if (limits.unended_runs > 0 && usage.unended_runs + new_runs > limits.unended_runs) {
    return Exceeded(
        absl::StrCat(UserNamed(user), " has ", usage.unended_runs, " unfinished runs, and ",
                     new_runs, " more would exceed the quota of ", limits.unended_runs,
                     " (anneald --max-queued-runs); wait for runs to finish, or cancel some"));
  }
  if (limits.stored_bytes > 0 && usage.stored_bytes >= limits.stored_bytes) {
    return Exceeded(absl::StrCat(UserNamed(user), " has stored ", InMebibytes(usage.stored_bytes),
                                 " and has reached the quota of ", InMebibytes(limits.stored_bytes),
                                 " (anneald --max-stored-bytes); delete and purge experiments"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Usage> UsageOf(Connection& db, absl::string_view user) {
  Statement query = db.Prepare("SELECT unended_runs, stored_bytes FROM usage WHERE user = ?");
  query.Bind(user);
  Usage usage;
  if (query.Next()) usage = {.unended_runs = query.Int(0), .stored_bytes = query.Int(1)};
  ANNEAL_RETURN_IF_ERROR(query.status());
  return usage;
}

absl::Status CheckUsage(Connection& db, const UsageLimits& limits, absl::string_view user,
                        int64_t new_runs) {
  ANNEAL_ASSIGN_OR_RETURN(const Usage usage, UsageOf(db, user));
  return CheckAgainst(usage, limits, user, new_runs);
}

absl::Status CheckRevived(Connection& db, const UsageLimits& limits, int64_t run_key,
                          int64_t runs) {
  Statement query = db.Prepare("SELECT user FROM runs WHERE run_id = ?");
  query.Bind(run_key);
  const std::string user = query.Next() ? query.Text(0) : std::string();
  ANNEAL_RETURN_IF_ERROR(query.status());
  ANNEAL_ASSIGN_OR_RETURN(Usage usage, UsageOf(db, user));
  usage.unended_runs -= runs;
  return CheckAgainst(usage, limits, user, runs);
}

}  // namespace anneal::store
