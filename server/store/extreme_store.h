// These functions keep the extremes of runs: of every metric of epochs the lowest and the highest
// value, and the best one over the eligible epochs. `MetricsReader` reads metrics of runs together
// with the epochs that they are of.

#ifndef ANNEAL_SERVER_STORE_EXTREME_STORE_H_
#define ANNEAL_SERVER_STORE_EXTREME_STORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "anneal/v1/resources.pb.h"
#include "common/metric.h"
#include "server/store/transaction.h"

namespace anneal::store {

// Returns the column of run_extremes that holds a metric picked by kMin, kMax or kBest.
std::string ExtremeColumn(const Metric& metric);

// Updates the extremes of a run with one more epoch. Metrics that the epoch does not have leave
// theirs unchanged, and an epoch that is not eligible leaves the best values unchanged.
absl::Status AddToExtremes(Transaction& transaction, int64_t run_key, const v1::Epoch& epoch);

// Fills Run.metrics for the runs of one list. Not thread-safe.
class MetricsReader {
 public:
  // Borrows `db`. Means and log_loss_area have no epoch and are left out.
  MetricsReader(Connection* db, const std::vector<Metric>& metrics);

  // Sets the metrics that the run has, with one query; of equal values that of the first epoch.
  // The run's last epoch and test results must be set already.
  absl::Status Read(int64_t run_key, v1::Run* run);

 private:
  std::vector<Metric> recorded_;  // in the last epoch or a test result
  std::vector<Metric> extremes_;
  std::optional<Statement> statement_;  // set if there are extremes
};

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_EXTREME_STORE_H_
