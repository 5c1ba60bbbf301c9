#include "common/metric.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/status.h"

namespace anneal {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Source = Metric::Source;

constexpr char kLogLossArea[] = "log_loss_area";
constexpr char kThetaPrefix[] = "theta_";

const v1::MetricOptions& OptionsOf(const FieldDescriptor& field) {
  return field.options().GetExtension(v1::metric);
}

bool IsTheta(const FieldDescriptor& field) {
  return field.containing_type() == v1::ThetaSummary::descriptor();
}

void Append(const Descriptor& type, absl::string_view prefix, Source source,
            std::vector<Metric>* metrics) {
  for (const FieldDescriptor* field : MetricFields(type)) {
    const v1::MetricOptions& options = OptionsOf(*field);
    const std::string name = absl::StrCat(prefix, field->name());
    metrics->push_back({.name = name,
                        .source = source,
                        .field = field,
                        .column = ColumnOf(*field),
                        .better = options.better(),
                        .label = options.label().empty() ? MetricWords(name) : options.label(),
                        .unit = options.unit(),
                        .percent = options.percent()});
  }
}

std::vector<Metric> EpochMetrics() {
  std::vector<Metric> metrics;
  Append(*v1::Epoch::descriptor(), "", Source::kEpoch, &metrics);
  Append(*v1::ThetaSummary::descriptor(), kThetaPrefix, Source::kTheta, &metrics);
  return metrics;
}

std::vector<Metric> RunMetrics() {
  std::vector<Metric> metrics;
  Append(*v1::TestResult::descriptor(), "test_", Source::kLastTest, &metrics);
  Append(*v1::TestResult::descriptor(), "best_test_", Source::kBestTest, &metrics);
  for (Metric& metric : EpochMetrics()) metrics.push_back(std::move(metric));
  metrics.push_back({.name = kLogLossArea,
                     .source = Source::kLogLossArea,
                     .better = v1::MetricOptions::BETTER_LOWER,
                     .label = MetricWords(kLogLossArea)});
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

std::string MetricWords(absl::string_view name) { return absl::StrReplaceAll(name, {{"_", " "}}); }

std::string LabelWithUnit(const Metric& metric) {
  return metric.unit.empty() ? metric.label : absl::StrCat(metric.label, " (", metric.unit, ")");
}

bool SameUnit(const Metric& a, const Metric& b) {
  if (a.name == b.name || (a.percent && b.percent)) return true;
  return !a.unit.empty() && a.unit == b.unit;
}

std::vector<const FieldDescriptor*> MetricFields(const Descriptor& type) {
  std::vector<const FieldDescriptor*> fields;
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->options().HasExtension(v1::metric)) fields.push_back(type.field(i));
  }
  return fields;
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

std::string ColumnOf(const FieldDescriptor& field) {
  const std::string& column = OptionsOf(field).column();
  if (!column.empty()) return column;
  return absl::StrCat(IsTheta(field) ? kThetaPrefix : "", field.name());
}

std::string TagOf(const FieldDescriptor& field) {
  const std::string& tag = OptionsOf(field).tag();
  if (!tag.empty()) return tag;
  if (IsTheta(field)) return absl::StrCat("theta/", field.name());
  if (field.containing_type() == v1::Epoch::descriptor()) {
    return absl::StrCat("run/", field.name());
  }
  return field.name();
}

std::string CsvNameOf(const FieldDescriptor& field) {
  const std::string& name = OptionsOf(field).csv_name();
  return name.empty() ? field.name() : name;
}

}  // namespace anneal
