#include "client/render/comparison.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/render/format.h"
#include "common/metric.h"

namespace anneal::client::render {
namespace {

using Align = Table::Align;

// A metric that this version does not know is shown as it is.
bool IsShare(const std::string& name) {
  const auto metric = FindRunMetric("metric", name);
  return metric.ok() && metric->percent;
}

std::string Signed(double value, bool percent) {
  return percent ? absl::StrFormat("%+.2f", 100 * value)
                 : absl::StrCat(value >= 0 ? "+" : "", Short(value));
}

std::string MedianOf(bool is_set, double value) { return is_set ? Short(value) : "-"; }

}  // namespace

std::string MetricWithDirection(const v1::CompareExperimentsResponse& response) {
  const auto metric = FindRunMetric("metric", response.metric());
  if (metric.ok() && metric->better == v1::MetricOptions::BETTER_NEITHER) return response.metric();
  return absl::StrCat(response.metric(),
                      response.higher_is_better() ? " (higher is better)" : " (lower is better)");
}

Table ArmTable(const v1::CompareExperimentsResponse& response, int arms) {
  Table table({{"arm", "ARM", Align::kLeft},
               {"preset", "PRESET", Align::kLeft, 5},
               {"runs", "RUNS"},
               MetricColumn("validation_accuracy", 1),
               MetricColumn("validation_relu_accuracy", 3, "AT θ=0"),
               MetricColumn("test_accuracy"),
               {"theta", "FINAL θ", Align::kRight, 2},
               MetricColumn("epoch_seconds", 4)});
  for (int i = 0; i < arms; ++i) {
    const v1::Arm& arm = response.arms(i);
    table.AddRow({arm.name(), arm.preset().empty() ? "-" : arm.preset(),
                  absl::StrCat(arm.succeeded(), "/", arm.total()),
                  MeanOf(arm.validation_accuracy(), IsShare("validation_accuracy")),
                  MeanOf(arm.validation_relu_accuracy(), IsShare("validation_relu_accuracy")),
                  MeanOf(arm.test_accuracy(), IsShare("test_accuracy")),
                  MeanOf(arm.theta(), IsShare("theta_mean")),
                  MeanOf(arm.epoch_seconds(), IsShare("epoch_seconds"))});
  }
  return table;
}

Table DifferenceTable(const v1::CompareExperimentsResponse& response, int arms) {
  const bool percent = IsShare(response.metric());
  Table table({{"arm", "ARM", Align::kLeft},
               {"value", absl::StrCat(response.metric(), percent ? " %" : "")},
               {"pairs", "PAIRS", Align::kRight, 3},
               {"difference", "DIFFERENCE"},
               {"interval", "95 % INTERVAL", Align::kLeft},
               {"better", "P(BETTER)", Align::kRight, 1},
               {"p", "P", Align::kRight, 2},
               {"holm", "P (HOLM)"}});
  for (int i = 0; i < arms; ++i) {
    const v1::Arm& arm = response.arms(i);
    const std::string value = MeanOf(arm.value(), percent);
    if (!arm.has_comparison()) {
      table.AddRow({arm.name(), value, "-", arm.name() == response.baseline() ? "baseline" : "-",
                    "", "-", "-", "-"});
      continue;
    }
    const v1::Comparison& c = arm.comparison();
    table.AddRow({arm.name(), value, absl::StrCat(c.pairs()), Signed(c.difference(), percent),
                  absl::StrCat("[", Signed(c.difference_low(), percent), ", ",
                               Signed(c.difference_high(), percent), "]"),
                  absl::StrFormat("%.2f", c.probability_of_improvement()),
                  absl::StrFormat("%.3f", c.p_value()), absl::StrFormat("%.3f", c.holm_p_value())});
  }
  return table;
}

Table TimeTable(const v1::CompareExperimentsResponse& response, int arms) {
  Table table({{"arm", "ARM", Align::kLeft},
               {"reached", "REACHED"},
               {"never", "NEVER"},
               {"epochs", "MEDIAN EPOCHS"},
               {"seconds", "MEDIAN SECONDS"}});
  for (int i = 0; i < arms; ++i) {
    const v1::TimeToThreshold& times = response.arms(i).time_to_threshold();
    table.AddRow({response.arms(i).name(), absl::StrCat(times.reached()),
                  absl::StrCat(times.censored()),
                  MedianOf(times.has_median_epochs(), times.median_epochs()),
                  MedianOf(times.has_median_seconds(), times.median_seconds())});
  }
  return table;
}

}  // namespace anneal::client::render
