// `Metric` is a number that runs are measured by, under the name that the API and the command line
// use. Everything else about it is read from the options of its field (options.proto). Pure;
// thread-safe.

#ifndef ANNEAL_COMMON_METRIC_H_
#define ANNEAL_COMMON_METRIC_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "anneal/v1/options.pb.h"
#include "anneal/v1/resources.pb.h"

namespace anneal {

struct Metric {
  enum class Source { kEpoch, kTheta, kLastTest, kBestTest, kLogLossArea };
  // The epoch that a metric of epochs is of: the last; the one of the lowest or highest value; the
  // eligible one (Epoch.eligible) of the best value. Or the mean over all epochs.
  enum class Pick { kLast, kMin, kMax, kBest, kMean };

  bool higher_is_better() const { return better == v1::MetricOptions::BETTER_HIGHER; }
  bool is_of_epochs() const { return source == Source::kEpoch || source == Source::kTheta; }
  // Naming it is a look at test results (Look).
  bool is_of_test() const { return split == v1::MetricOptions::SPLIT_TEST; }

  std::string name;
  Source source = Source::kEpoch;
  Pick pick = Pick::kLast;
  // The field of Epoch, ThetaSummary or TestResult. For kLogLossArea the loss, or null where it
  // depends on the run.
  const google::protobuf::FieldDescriptor* field = nullptr;
  // The SQL column of the field in the source's table. Empty without a field.
  std::string column;
  v1::MetricOptions::Better better = v1::MetricOptions::BETTER_NEITHER;
  // The name for people, and the unit that labels add to it; the unit may be empty.
  std::string label;
  std::string unit;
  // The heading in tables, without the % of a share.
  std::string table_label;
  // The value is a share of 1 that tables show in per cent.
  bool percent = false;
  // What a run that diverged counts as, and the images that it is of.
  v1::MetricOptions::Diverged diverged = v1::MetricOptions::DIVERGED_UNSPECIFIED;
  v1::MetricOptions::Split split = v1::MetricOptions::SPLIT_UNSPECIFIED;
};

// Returns the metric of an epoch with this name: a field of Epoch (`train_loss`), or of its theta
// (`theta_mean`). INVALID_ARGUMENT naming `field`, with all names.
absl::StatusOr<Metric> FindEpochMetric(absl::string_view field, absl::string_view name);

// Returns the metric of a run with this name: `test_X` or `best_test_X` with X a number of
// TestResult; that of its last epoch, `X` or `last.X`, of another, `min.X`, `max.X` and `best.X`,
// or of all, `mean.X`; `log_loss_area`, or `log_loss_area.LOSS` with a loss of an epoch. Errors as
// of FindEpochMetric; `best.X` needs a metric of which one direction is better.
absl::StatusOr<Metric> FindRunMetric(absl::string_view field, absl::string_view name);

// Returns the extremes of all metrics of epochs: min, max and, where one direction is better, best.
const std::vector<Metric>& ExtremeMetrics();

// Returns the same metric; throws if there is none.
const Metric& RunMetric(absl::string_view name);

// Returns the metrics of the last epoch, and ExtremeMetrics.
std::vector<Metric> AllEpochMetrics();

// Returns the names that FindRunMetric knows, without those that begin with last, min, max, best
// and mean.
std::vector<std::string> RunMetricNames();

// Returns the run's value; nothing where the run does not have it. Of metrics of other epochs than
// the last it has those in Run.metrics; of log_loss_area and means, which take all epochs, none.
std::optional<double> ValueOf(const Metric& metric, const v1::Run& run);

// Returns the epoch's value; nothing where it does not have it, and for metrics of other sources.
std::optional<double> ValueOf(const Metric& metric, const v1::Epoch& epoch);

// Returns a metric's name as words, the label of a metric without one: `train loss`.
std::string MetricWords(absl::string_view name);

// Returns the label with its unit in parentheses, as axes show it: `train loss (nats)`.
std::string LabelWithUnit(const Metric& metric);

// Returns true where values of the two can be compared with each other: both are shares, both have
// the same unit, or they are the same metric.
bool SameUnit(const Metric& a, const Metric& b);

// Returns the fields of a message that are metrics, in the order of their declaration.
std::vector<const google::protobuf::FieldDescriptor*> MetricFields(
    const google::protobuf::Descriptor& type);

// Returns the value of a metric's field; nothing where it is unset.
std::optional<double> NumberOf(const google::protobuf::Message& message,
                               const google::protobuf::FieldDescriptor& field);

// Return the name of a field, a metric or not, in the database, in TensorBoard and in CSV headers.
std::string ColumnOf(const google::protobuf::FieldDescriptor& field);
std::string TagOf(const google::protobuf::FieldDescriptor& field);
std::string CsvNameOf(const google::protobuf::FieldDescriptor& field);

}  // namespace anneal

#endif  // ANNEAL_COMMON_METRIC_H_
