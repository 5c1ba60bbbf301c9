// Landscape builds the figures of the diagnostics.

#include "absl/strings/str_cat.h"
#include "client/plot/figures.h"
#include "client/plot/series.h"
#include "common/stats/statistics.h"
#include "common/status.h"

namespace anneal::client::plot {
namespace {

bool HasLayer(const ArmData& arm, size_t layer,
              const std::function<bool(const v1::LayerMetrics&)>& has) {
  for (const RunData& run : arm.runs) {
    for (const v1::Epoch& epoch : run.epochs) {
      if (static_cast<size_t>(epoch.layers_size()) <= layer ||
          !has(epoch.layers(static_cast<int>(layer)))) {
        return false;
      }
    }
  }
  return SharedEpochs(arm) > 0;
}

struct LayerDiagnostic {
  const char* title;
  const char* label;
  bool (v1::LayerMetrics::*has)() const;
  double (v1::LayerMetrics::*value)() const;
};

Panel LayerPanel(const std::vector<ArmData>& arms, const std::vector<Style>& styles,
                 const LayerDiagnostic& diagnostic) {
  Panel panel = {.title = diagnostic.title, .x_label = "epoch", .y_label = diagnostic.label};
  for (size_t i = 0; i < arms.size(); ++i) {
    const size_t layers = SharedEpochs(arms[i]) == 0
                              ? 0
                              : static_cast<size_t>(arms[i].runs[0].epochs[0].layers_size());
    for (size_t layer = 0; layer < layers; ++layer) {
      const auto has = [&](const v1::LayerMetrics& metrics) { return (metrics.*diagnostic.has)(); };
      if (!HasLayer(arms[i], layer, has)) continue;
      const EpochValue value = [&](const v1::Epoch& epoch) {
        return (epoch.layers(static_cast<int>(layer)).*diagnostic.value)();
      };
      panel.series.push_back(
          {.label = absl::StrCat(arms[i].name, ", layer ", layer),
           .style = {.color = styles[i].color, .variant = static_cast<int>(layer)},
           .points = MeanLine(arms[i], value)});
    }
  }
  return panel;
}

struct EpochDiagnostic {
  bool (v1::Epoch::*has)() const;
  double (v1::Epoch::*value)() const;
};

// Draws only epochs with a value: the Hessian is not computed in every epoch.
void AddDiagnostic(const ArmData& arm, Style style, const std::string& label,
                   const EpochDiagnostic& diagnostic, Panel* panel) {
  Series series = {.label = label, .style = style};
  for (size_t epoch = 0; epoch < SharedEpochs(arm); ++epoch) {
    const v1::Epoch& first = arm.runs[0].epochs[epoch];
    if (!(first.*diagnostic.has)()) continue;
    series.points.push_back({.x = static_cast<double>(first.epoch()),
                             .y = stats::Mean(ValuesAt(arm, epoch, [&](const v1::Epoch& e) {
                               return (e.*diagnostic.value)();
                             }))});
  }
  if (!series.points.empty()) panel->series.push_back(std::move(series));
}

}  // namespace

absl::StatusOr<Figure> Landscape(const std::vector<ArmData>& arms) {
  const std::vector<Style> styles = StylesOf(arms);
  Figure figure = {.title = "diagnostics", .columns = 2};
  const auto add = [&figure](Panel panel) {
    if (!panel.series.empty()) figure.panels.push_back(std::move(panel));
  };
  add(LayerPanel(arms, styles,
                 {.title = "linear gap",
                  .label = "(1 − tan θ) rms(relu(−h)) / rms(h)",
                  .has = &v1::LayerMetrics::has_linear_gap,
                  .value = &v1::LayerMetrics::linear_gap}));
  add(LayerPanel(arms, styles,
                 {.title = "negative pre-activations",
                  .label = "share",
                  .has = &v1::LayerMetrics::has_negative_share,
                  .value = &v1::LayerMetrics::negative_share}));
  Panel convexity = {
      .title = "violations of midpoint convexity", .x_label = "epoch", .y_label = "share"};
  Panel hessian = {
      .title = "extreme eigenvalues of the Hessian", .x_label = "epoch", .y_label = "eigenvalue"};
  for (size_t i = 0; i < arms.size(); ++i) {
    AddDiagnostic(
        arms[i], styles[i], arms[i].name,
        {.has = &v1::Epoch::has_convexity_violations, .value = &v1::Epoch::convexity_violations},
        &convexity);
    AddDiagnostic(arms[i], {.color = styles[i].color, .variant = 0},
                  absl::StrCat(arms[i].name, ", largest"),
                  {.has = &v1::Epoch::has_hessian_max_eigenvalue,
                   .value = &v1::Epoch::hessian_max_eigenvalue},
                  &hessian);
    AddDiagnostic(arms[i], {.color = styles[i].color, .variant = 1},
                  absl::StrCat(arms[i].name, ", smallest"),
                  {.has = &v1::Epoch::has_hessian_min_eigenvalue,
                   .value = &v1::Epoch::hessian_min_eigenvalue},
                  &hessian);
  }
  add(std::move(convexity));
  add(std::move(hessian));
  if (!figure.panels.empty()) return figure;
  return absl::FailedPreconditionError(
      "no run has recorded diagnostics; submit with --set diagnostics.activations=true "
      "--set diagnostics.convexity=true --set diagnostics.hessian_every=5");
}

}  // namespace anneal::client::plot
