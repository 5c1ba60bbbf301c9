// `RateLimit` limits the requests per second of each caller.

#ifndef ANNEAL_SERVER_AUTH_RATE_LIMIT_H_
#define ANNEAL_SERVER_AUTH_RATE_LIMIT_H_

#include <functional>
#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/mutex.h"

namespace anneal::auth {

// Each caller has a token bucket that holds one second's requests and refills at that rate, so that
// a burst of one second's requests is allowed. Buckets are kept for every caller ever seen; callers
// are owners of tokens, so there are few. Thread-safe.
class RateLimit {
 public:
  // Returns the time of a monotonic clock.
  using SteadyClock = std::function<absl::Duration()>;
  static absl::Duration SystemSteadyClock();

  // `per_second` 0: no limit.
  explicit RateLimit(int per_second, SteadyClock clock = SystemSteadyClock);

  // Takes one request from the caller's bucket. RESOURCE_EXHAUSTED (RATE_LIMITED), naming the
  // limit.
  absl::Status Take(const std::string& caller) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Bucket {
    double tokens = 0;
    absl::Duration filled;  // the time of the last refill
  };

  const int per_second_;
  const SteadyClock clock_;
  Mutex mutex_;
  std::map<std::string, Bucket> buckets_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anneal::auth

#endif  // ANNEAL_SERVER_AUTH_RATE_LIMIT_H_
