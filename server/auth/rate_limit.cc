#include "server/auth/rate_limit.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace anneal::auth {

absl::Duration RateLimit::SystemSteadyClock() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

RateLimit::RateLimit(int per_second, SteadyClock clock)
    : per_second_(per_second), clock_(std::move(clock)) {}

absl::Status RateLimit::Take(const std::string& caller) {
  if (per_second_ == 0) return absl::OkStatus();
  const absl::Duration now = clock_();
  const double full = per_second_;
  MutexLock lock(&mutex_);
  const auto [found, is_new] = buckets_.try_emplace(caller, Bucket{.tokens = full, .filled = now});
  Bucket& bucket = found->second;
  const double gained = full * absl::ToDoubleSeconds(now - bucket.filled);
  bucket = {.tokens = std::min(full, bucket.tokens + gained), .filled = now};
  if (bucket.tokens < 1) {
    return WithReason(
        absl::ResourceExhaustedError(absl::StrCat(
            caller, " exceeded the rate limit of ", per_second_,
            " requests per second (anneald --max-requests-per-second); retry in a moment")),
        v1::ERROR_REASON_RATE_LIMITED);
  }
  bucket.tokens -= 1;
  return absl::OkStatus();
}

}  // namespace anneal::auth
