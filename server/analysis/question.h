// `Understand` checks a request for a comparison and resolves the names in it.

#ifndef ANNEAL_SERVER_ANALYSIS_QUESTION_H_
#define ANNEAL_SERVER_ANALYSIS_QUESTION_H_

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "anneal/v1/services.pb.h"
#include "common/metric.h"

namespace anneal::analysis {

// The entries of group_by that are no fields of the config.
inline constexpr absl::string_view kExperimentField = "experiment";
inline constexpr absl::string_view kPresetField = "preset";

// A metric whose curve is wanted: of epochs, or of their layers.
struct WantedCurve {
  std::string name;    // as requested
  std::string column;  // of the table of epochs, or of layers
  bool of_layers = false;
  // The range of its values.
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};

struct Question {
  std::vector<std::string> ids;  // of the experiments, without repetition
  Metric metric;
  std::vector<std::string> group_by;
  std::vector<std::string> within;
  std::string baseline;
  std::optional<double> threshold;
  Metric threshold_metric;
  bool excludes_diverged = false;
  std::vector<WantedCurve> curves;
  std::vector<Metric> run_metrics;
  v1::TestResult::Weights confusion = v1::TestResult::WEIGHTS_UNSPECIFIED;
  bool configs = false;
};

// INVALID_ARGUMENT with every violation: what CompareExperimentsRequest documents.
absl::StatusOr<Question> Understand(const v1::CompareExperimentsRequest& request);

// Returns the name of the metric of the test split that the request names, such as `test_accuracy`;
// nothing if it names none. A request with one is a look at test results.
std::optional<std::string> TestMetricOf(const v1::CompareExperimentsRequest& request);

}  // namespace anneal::analysis

#endif  // ANNEAL_SERVER_ANALYSIS_QUESTION_H_
