#include "common/metric.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "common/status.h"

namespace anneal {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Pick = Metric::Pick;
using Source = Metric::Source;

constexpr char kLogLossArea[] = "log_loss_area";
constexpr char kThetaPrefix[] = "theta_";

struct PickName {
  Pick pick;
  absl::string_view prefix;  // of the metric's name
  absl::string_view words;   // of its labels
};
constexpr PickName kPickNames[] = {{Pick::kLast, "last.", ""},
                                   {Pick::kMin, "min.", "lowest"},
                                   {Pick::kMax, "max.", "highest"},
                                   {Pick::kBest, "best.", "best"},
                                   {Pick::kMean, "mean.", "mean"}};

const v1::MetricOptions& OptionsOf(const FieldDescriptor& field) {
  return field.options().GetExtension(v1::metric);
}

std::string InCapitals(absl::string_view name) { return absl::AsciiStrToUpper(MetricWords(name)); }

bool IsTheta(const FieldDescriptor& field) {
  return field.containing_type() == v1::ThetaSummary::descriptor();
}

void Append(const Descriptor& type, absl::string_view prefix, absl::string_view table_prefix,
            Source source, std::vector<Metric>* metrics) {
  for (const FieldDescriptor* field : MetricFields(type)) {
    const v1::MetricOptions& options = OptionsOf(*field);
    const std::string name = absl::StrCat(prefix, field->name());
    const std::string& table_label = options.table_label();
    metrics->push_back(
        {.name = name,
         .source = source,
         .field = field,
         .column = ColumnOf(*field),
         .better = options.better(),
         .label = options.label().empty() ? MetricWords(name) : options.label(),
         .unit = options.unit(),
         .table_label = absl::StrCat(table_prefix,
                                     table_label.empty() ? InCapitals(field->name()) : table_label),
         .percent = options.percent(),
         .diverged = options.diverged(),
         .split = options.split()});
  }
}

std::vector<Metric> EpochMetrics() {
  std::vector<Metric> metrics;
  Append(*v1::Epoch::descriptor(), "", "", Source::kEpoch, &metrics);
  Append(*v1::ThetaSummary::descriptor(), kThetaPrefix, "θ ", Source::kTheta, &metrics);
  return metrics;
}

std::vector<Metric> RunMetrics() {
  std::vector<Metric> metrics;
  Append(*v1::TestResult::descriptor(), "test_", "TEST ", Source::kLastTest, &metrics);
  Append(*v1::TestResult::descriptor(), "best_test_", "BEST ", Source::kBestTest, &metrics);
  for (Metric& metric : EpochMetrics()) metrics.push_back(std::move(metric));
  metrics.push_back({.name = kLogLossArea,
                     .source = Source::kLogLossArea,
                     .better = v1::MetricOptions::BETTER_LOWER,
                     .label = MetricWords(kLogLossArea),
                     .table_label = InCapitals(kLogLossArea),
                     .diverged = v1::MetricOptions::DIVERGED_WORST,
                     .split = v1::MetricOptions::SPLIT_VALIDATION});
  return metrics;
}

Metric Picked(Metric metric, const PickName& pick) {
  if (pick.pick == Pick::kLast) return metric;
  metric.pick = pick.pick;
  metric.name = absl::StrCat(pick.prefix, metric.name);
  metric.label = absl::StrCat(pick.words, " ", metric.label);
  metric.table_label = absl::StrCat(InCapitals(pick.words), " ", metric.table_label);
  return metric;
}

const std::vector<Metric>& AllRunMetrics() {
  static const auto& metrics = *new std::vector<Metric>(RunMetrics());
  return metrics;
}

// Returns the number of metrics if none of them has the name.
size_t IndexOf(const std::vector<Metric>& metrics, absl::string_view name) {
  const auto found = std::find_if(metrics.begin(), metrics.end(),
                                  [name](const Metric& metric) { return metric.name == name; });
  return static_cast<size_t>(found - metrics.begin());
}

absl::StatusOr<Metric> Find(const std::vector<Metric>& metrics, absl::string_view field,
                            absl::string_view name, absl::string_view more = "") {
  const size_t index = IndexOf(metrics, name);
  if (index < metrics.size()) return metrics[index];
  std::string names;
  for (const Metric& metric : metrics) {
    if (metric.source == Source::kBestTest) continue;  // those of kLastTest stand for them
    absl::StrAppend(&names, names.empty() ? "" : ", ", metric.name);
  }
  return InvalidField(field, absl::StrCat("is ", Quoted(name), "; there are ", names, more));
}

absl::StatusOr<Metric> FindPicked(absl::string_view field, absl::string_view typed,
                                  const PickName& pick, absl::string_view name) {
  auto metric = FindEpochMetric(field, name);
  if (!metric.ok()) return metric;
  if (pick.pick == Pick::kBest && metric->better == v1::MetricOptions::BETTER_NEITHER) {
    return InvalidField(field, absl::StrCat("is ", Quoted(typed), ", but neither direction of ",
                                            name, " is better; use min. or max."));
  }
  return Picked(*std::move(metric), pick);
}

absl::StatusOr<Metric> FindLogLossArea(absl::string_view field, absl::string_view typed,
                                       absl::string_view name) {
  const auto loss = FindEpochMetric(field, name);
  if (!loss.ok()) return loss;
  if (loss->diverged != v1::MetricOptions::DIVERGED_WORST) {
    return InvalidField(field, absl::StrCat("is ", Quoted(typed), ", but ", name,
                                            " is not a loss; use validation_loss"));
  }
  Metric area = RunMetric(kLogLossArea);
  area.name = std::string(typed);
  area.label = absl::StrCat(area.label, " of ", loss->label);
  area.field = loss->field;
  area.column = loss->column;
  area.split = loss->split;
  return area;
}

}  // namespace

absl::StatusOr<Metric> FindEpochMetric(absl::string_view field, absl::string_view name) {
  static const auto& metrics = *new std::vector<Metric>(EpochMetrics());
  return Find(metrics, field, name);
}

absl::StatusOr<Metric> FindRunMetric(absl::string_view field, absl::string_view name) {
  absl::string_view rest = name;
  for (const PickName& pick : kPickNames) {
    if (absl::ConsumePrefix(&rest, pick.prefix)) return FindPicked(field, name, pick, rest);
  }
  if (absl::ConsumePrefix(&rest, absl::StrCat(kLogLossArea, "."))) {
    return FindLogLossArea(field, name, rest);
  }
  return Find(AllRunMetrics(), field, name,
              "; also best_test_accuracy and the like, and those of an epoch with last., min., max., "
              "best. or mean. in front");
}

const std::vector<Metric>& ExtremeMetrics() {
  static const auto& metrics = *[] {
    auto* all = new std::vector<Metric>();
    for (const Metric& metric : EpochMetrics()) {
      for (const PickName& pick : kPickNames) {
        if (pick.pick == Pick::kLast || pick.pick == Pick::kMean) continue;
        const bool ranks = metric.better != v1::MetricOptions::BETTER_NEITHER;
        if (pick.pick == Pick::kBest && !ranks) continue;
        all->push_back(Picked(metric, pick));
      }
    }
    return all;
  }();
  return metrics;
}

std::vector<Metric> AllEpochMetrics() {
  std::vector<Metric> metrics = EpochMetrics();
  metrics.insert(metrics.end(), ExtremeMetrics().begin(), ExtremeMetrics().end());
  return metrics;
}

const Metric& RunMetric(absl::string_view name) {
  return AllRunMetrics().at(IndexOf(AllRunMetrics(), name));
}

std::vector<std::string> RunMetricNames() {
  std::vector<std::string> names;
  for (const Metric& metric : AllRunMetrics()) names.push_back(metric.name);
  return names;
}

std::optional<double> ValueOf(const Metric& metric, const v1::Run& run) {
  if (metric.pick != Pick::kLast) {
    const auto found = run.metrics().find(metric.name);
    if (found == run.metrics().end()) return std::nullopt;
    return found->second.value();
  }
  switch (metric.source) {
    case Source::kEpoch:
    case Source::kTheta:
      return run.has_last_epoch() ? ValueOf(metric, run.last_epoch()) : std::nullopt;
    case Source::kLogLossArea:
      return std::nullopt;
    case Source::kLastTest:
    case Source::kBestTest:
      break;
  }
  const auto weights = metric.source == Source::kLastTest ? v1::TestResult::WEIGHTS_LAST
                                                          : v1::TestResult::WEIGHTS_BEST;
  for (const v1::TestResult& result : run.test_results()) {
    if (result.weights() == weights) return NumberOf(result, *metric.field);
  }
  return std::nullopt;
}

std::optional<double> ValueOf(const Metric& metric, const v1::Epoch& epoch) {
  if (metric.source == Source::kEpoch) return NumberOf(epoch, *metric.field);
  if (metric.source == Source::kTheta) return NumberOf(epoch.theta(), *metric.field);
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
