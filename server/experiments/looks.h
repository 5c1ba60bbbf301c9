// `Looks` logs looks at test results in the experiments that they concern.

#ifndef ANNEAL_SERVER_EXPERIMENTS_LOOKS_H_
#define ANNEAL_SERVER_EXPERIMENTS_LOOKS_H_

#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "anneal/v1/resources.pb.h"
#include "common/wall_clock.h"
#include "server/store/store.h"

namespace anneal::experiments {

// Thread-safe.
class Looks {
 public:
  // Borrows the store.
  Looks(store::Store* store, WallClock clock) : store_(store), clock_(std::move(clock)) {}

  // Appends the look to the log of each experiment (by id), unless an equal one is less than an
  // hour old. Experiments that are purged meanwhile are skipped. Returns the number of logs that
  // have a new look. Blocks on the disk. Errors: those of the store.
  absl::StatusOr<int> Record(const std::set<std::string>& experiment_ids, const v1::Look& look);

 private:
  store::Store* const store_;
  const WallClock clock_;
};

}  // namespace anneal::experiments

#endif  // ANNEAL_SERVER_EXPERIMENTS_LOOKS_H_
