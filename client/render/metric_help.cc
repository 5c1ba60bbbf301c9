#include "client/render/metric_help.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace anneal::client::render {
namespace {

using Align = Table::Align;
using MetricFacts = std::vector<std::pair<std::string, std::string>>;
using Pick = Metric::Pick;
using Source = Metric::Source;

std::string ValueText(const Metric& metric) {
  switch (metric.source) {
    case Source::kLastTest:
      return "that of the test with the last weights";
    case Source::kBestTest:
      return "that of the test with the best weights";
    case Source::kLogLossArea:
      return absl::StrCat("the area under the logarithm of ",
                          metric.field == nullptr
                              ? "the validation loss, at θ = 0 where θ has a schedule,"
                              : metric.field->name(),
                          " by epoch (trapezoidal rule), per epoch");
    case Source::kEpoch:
    case Source::kTheta:
      break;
  }
  switch (metric.pick) {
    case Pick::kLast:
      return "that of the last epoch";
    case Pick::kMin:
      return "the lowest of all epochs";
    case Pick::kMax:
      return "the highest of all epochs";
    case Pick::kBest:
      return "the best of the epochs whose θ is at its schedule's end";
    case Pick::kMean:
      return "the mean over all epochs";
  }
  return "";
}

std::string UnitText(const Metric& metric) {
  return metric.percent ? "share of 1, in tables %" : metric.unit;
}

std::string BetterText(const Metric& metric) {
  if (metric.better == v1::MetricOptions::BETTER_NEITHER) return "neither direction";
  return metric.higher_is_better() ? "higher" : "lower";
}

std::string DivergedText(const Metric& metric) {
  switch (metric.diverged) {
    case v1::MetricOptions::DIVERGED_WORST:
      return "worse than every other value; means leave it out";
    case v1::MetricOptions::DIVERGED_ACCURACY:
      return "s, the share of the split's largest class";
    case v1::MetricOptions::DIVERGED_PRECISION:
      return "s / C, with s the share of the split's largest class and C the number of classes";
    case v1::MetricOptions::DIVERGED_RECALL:
      return "1 / C, with C the number of classes";
    case v1::MetricOptions::DIVERGED_F1:
      return "2 s / ((1 + s) C), with s the share of the split's largest class and C the number of "
             "classes";
    default:
      return "no value; means leave it out";
  }
}

std::string ImagesText(const Metric& metric) {
  switch (metric.split) {
    case v1::MetricOptions::SPLIT_TRAIN:
      return "training split";
    case v1::MetricOptions::SPLIT_VALIDATION:
      return "validation split";
    case v1::MetricOptions::SPLIT_TEST:
      return "test split: comparing, plotting, sorting or filtering by it is logged as a look";
    default:
      return "";
  }
}

std::string SqlText(const Metric& metric) {
  switch (metric.source) {
    case Source::kLastTest:
      return absl::StrCat("test_results.", metric.column, " WHERE weights = 'LAST'");
    case Source::kBestTest:
      return absl::StrCat("test_results.", metric.column, " WHERE weights = 'BEST'");
    case Source::kLogLossArea:
      return "";
    case Source::kEpoch:
    case Source::kTheta:
      break;
  }
  switch (metric.pick) {
    case Pick::kLast:
      return absl::StrCat("epochs.", metric.column);
    case Pick::kMin:
      return absl::StrCat("run_extremes.min_", metric.column);
    case Pick::kMax:
      return absl::StrCat("run_extremes.max_", metric.column);
    case Pick::kBest:
      return absl::StrCat("run_extremes.best_", metric.column);
    case Pick::kMean:
      return "";
  }
  return "";
}

std::string TagText(const Metric& metric) {
  if (metric.source == Source::kLogLossArea || metric.pick != Pick::kLast) return "";
  const std::string tag = TagOf(*metric.field);
  if (metric.source == Source::kLastTest) return absl::StrCat("test/", tag);
  if (metric.source == Source::kBestTest) return absl::StrCat("test_best/", tag);
  return tag;
}

std::string FormsText(const Metric& metric) {
  if (!metric.is_of_epochs() || metric.pick != Pick::kLast) return "";
  std::vector<std::string> forms;
  for (const char* form : {"last.", "min.", "max.", "best.", "mean.", "log_loss_area."}) {
    const std::string name = absl::StrCat(form, metric.name);
    if (FindRunMetric("metric", name).ok()) forms.push_back(name);
  }
  return absl::StrJoin(forms, ", ");
}

// In the order of the fields of MetricRecord after the name.
MetricFacts FactsOf(const Metric& metric) {
  return {{"value", ValueText(metric)},   {"unit", UnitText(metric)},
          {"better", BetterText(metric)}, {"diverged", DivergedText(metric)},
          {"images", ImagesText(metric)}, {"sql", SqlText(metric)},
          {"tag", TagText(metric)},       {"forms", FormsText(metric)}};
}

}  // namespace

std::string MetricHelp(const Metric& metric) {
  std::string text = absl::StrCat(metric.name, "\n\n");
  for (const auto& [name, value] : FactsOf(metric)) {
    if (value.empty()) continue;
    absl::StrAppend(&text, Pad(name, 8, Align::kLeft), " ", value, "\n");
  }
  return text;
}

Table MetricTable(const std::vector<Metric>& metrics) {
  Table table({{"metric", "METRIC", Align::kLeft},
               {"unit", "UNIT", Align::kLeft},
               {"better", "BETTER", Align::kLeft},
               {"images", "IMAGES", Align::kLeft}});
  for (const Metric& metric : metrics) {
    const std::string images = ImagesText(metric);
    table.AddRow(
        {metric.name, UnitText(metric), BetterText(metric), images.substr(0, images.find(':'))});
  }
  return table;
}

Table MetricCsv(const std::vector<Metric>& metrics) {
  std::vector<Table::Column> columns;
  const auto* record = MetricRecord::descriptor();
  for (int i = 0; i < record->field_count(); ++i) {
    columns.push_back({record->field(i)->name(), record->field(i)->name(), Align::kLeft});
  }
  Table table(std::move(columns));
  for (const Metric& metric : metrics) {
    std::vector<std::string> row = {metric.name};
    for (auto& [name, value] : FactsOf(metric)) row.push_back(value);
    table.AddRow(std::move(row));
  }
  return table;
}

MetricRecord RecordOf(const Metric& metric) {
  MetricRecord record;
  record.set_metric(metric.name);
  for (const auto& [name, value] : FactsOf(metric)) {
    record.GetReflection()->SetString(&record, MetricRecord::descriptor()->FindFieldByName(name),
                                      value);
  }
  return record;
}

}  // namespace anneal::client::render
