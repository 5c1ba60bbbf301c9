#include "common/metric.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status.h"

namespace anneal {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Source = Metric::Source;

constexpr char kLogLossArea[] = "log_loss_area";

bool IsNumber(const FieldDescriptor& field) {
  return !field.is_repeated() && (field.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE ||
                                  field.cpp_type() == FieldDescriptor::CPPTYPE_INT32 ||
                                  field.cpp_type() == FieldDescriptor::CPPTYPE_INT64);
}

bool HigherIsBetter(absl::string_view name) {
  for (const absl::string_view good : {"accuracy", "precision", "recall", "f1", "per_second"}) {
    if (absl::EndsWith(name, good)) return true;
  }
  return false;
}

void Append(const Descriptor& type, absl::string_view prefix, Source source,
            std::vector<Metric>* metrics) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (!IsNumber(field)) continue;
    metrics->push_back({.name = absl::StrCat(prefix, field.name()),
                        .source = source,
                        .field = &field,
                        .higher_is_better = HigherIsBetter(field.name())});
  }
}

std::vector<Metric> EpochMetrics() {
  std::vector<Metric> metrics;
  Append(*v1::Epoch::descriptor(), "", Source::kEpoch, &metrics);
  Append(*v1::ThetaSummary::descriptor(), "theta_", Source::kTheta, &metrics);
  return metrics;
}

std::vector<Metric> RunMetrics() {
  std::vector<Metric> metrics;
  Append(*v1::TestResult::descriptor(), "test_", Source::kLastTest, &metrics);
  Append(*v1::TestResult::descriptor(), "best_test_", Source::kBestTest, &metrics);
  for (Metric& metric : EpochMetrics()) metrics.push_back(std::move(metric));
  metrics.push_back({.name = kLogLossArea, .source = Source::kLogLossArea});
  return metrics;
}

const std::vector<Metric>& AllRunMetrics() {
  static const auto& metrics = *new std::vector<Metric>(RunMetrics());
  return metrics;
}

absl::StatusOr<Metric> Find(const std::vector<Metric>& metrics, absl::string_view field,
                            absl::string_view name) {
  const auto found = std::find_if(metrics.begin(), metrics.end(),
                                  [name](const Metric& metric) { return metric.name == name; });
  if (found != metrics.end()) return *found;
  const std::string names = absl::StrJoin(
      metrics, ", ",
      [](std::string* out, const Metric& metric) { absl::StrAppend(out, metric.name); });
  return InvalidField(field, absl::StrCat("is ", Quoted(name), "; there are ", names));
}

std::optional<double> NumberOf(const Message& message, const FieldDescriptor& field) {
  const auto* reflection = message.GetReflection();
  if (field.has_presence() && !reflection->HasField(message, &field)) return std::nullopt;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection->GetInt32(message, &field);
    case FieldDescriptor::CPPTYPE_INT64:
      return static_cast<double>(reflection->GetInt64(message, &field));
    default:
      return reflection->GetDouble(message, &field);
  }
}

}  // namespace

absl::StatusOr<Metric> FindEpochMetric(absl::string_view field, absl::string_view name) {
  static const auto& metrics = *new std::vector<Metric>(EpochMetrics());
  return Find(metrics, field, name);
}

absl::StatusOr<Metric> FindRunMetric(absl::string_view field, absl::string_view name) {
  return Find(AllRunMetrics(), field, name);
}

std::vector<std::string> RunMetricNames() {
  std::vector<std::string> names;
  for (const Metric& metric : AllRunMetrics()) names.push_back(metric.name);
  return names;
}

std::optional<double> ValueOf(const Metric& metric, const v1::Run& run) {
  switch (metric.source) {
    case Source::kEpoch:
      if (!run.has_last_epoch()) return std::nullopt;
      return NumberOf(run.last_epoch(), *metric.field);
    case Source::kTheta:
      if (!run.has_last_epoch()) return std::nullopt;
      return NumberOf(run.last_epoch().theta(), *metric.field);
    case Source::kLogLossArea:
      return std::nullopt;
    default:
      break;
  }
  const auto weights = metric.source == Source::kLastTest ? v1::TestResult::WEIGHTS_LAST
                                                          : v1::TestResult::WEIGHTS_BEST;
  for (const v1::TestResult& result : run.test_results()) {
    if (result.weights() == weights) return NumberOf(result, *metric.field);
  }
  return std::nullopt;
}

}  // namespace anneal
