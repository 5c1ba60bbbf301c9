// How many requests each caller may make.

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

// Every caller has a bucket with as many tokens as are allowed a second, filled at that rate: a
// burst of a second's worth is fine. There are as many buckets as names that have shown a token,
// ever. Thread-safe.
class RateLimit {
 public:
  // Time that only goes on.
  using SteadyClock = std::function<absl::Duration()>;
  static absl::Duration SystemSteadyClock();

  // 0: no limit.
  explicit RateLimit(int per_second, SteadyClock clock = SystemSteadyClock);

  // Counts a request. RESOURCE_EXHAUSTED (RATE_LIMITED), naming the limit: one too many.
  absl::Status Take(const std::string& caller) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Bucket {
    double tokens = 0;
    absl::Duration filled;  // when
  };

  const int per_second_;
  const SteadyClock clock_;
  Mutex mutex_;
  std::map<std::string, Bucket> buckets_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anneal::auth

#endif  // ANNEAL_SERVER_AUTH_RATE_LIMIT_H_
