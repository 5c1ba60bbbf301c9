// What a run is measured by, under the names that the API and the database use. Pure; thread-safe.

#ifndef ANNEAL_COMMON_METRIC_H_
#define ANNEAL_COMMON_METRIC_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "anneal/v1/resources.pb.h"

namespace anneal {

struct Metric {
  enum class Source { kEpoch, kTheta, kLastTest, kBestTest, kLogLossArea };

  std::string name;
  Source source = Source::kEpoch;
  // The field of Epoch, ThetaSummary or TestResult. Null for kLogLossArea.
  const google::protobuf::FieldDescriptor* field = nullptr;
  bool higher_is_better = false;
};

// A field of Epoch with one number (`train_loss`), or of its theta (`theta_mean`): what each epoch
// has. INVALID_ARGUMENT naming `field`, with the names there are.
absl::StatusOr<Metric> FindEpochMetric(absl::string_view field, absl::string_view name);

// One of those (of a run's last epoch), `test_X` or `best_test_X` with X a number of TestResult, or
// `log_loss_area`. Errors likewise.
absl::StatusOr<Metric> FindRunMetric(absl::string_view field, absl::string_view name);

// The names that FindRunMetric knows.
std::vector<std::string> RunMetricNames();

// Nothing where the run does not have it, and for log_loss_area, which takes all epochs.
std::optional<double> ValueOf(const Metric& metric, const v1::Run& run);

}  // namespace anneal

#endif  // ANNEAL_COMMON_METRIC_H_
