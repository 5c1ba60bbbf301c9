// Landscape builds the figures of the diagnostics.

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/plot/figures.h"
#include "client/plot/series.h"
#include "common/status.h"

namespace anneal::client::plot {
namespace {

using Response = v1::CompareExperimentsResponse;

constexpr char kLinearGap[] = "layers.linear_gap";
constexpr char kNegativeShare[] = "layers.negative_share";
constexpr char kGradientNorm[] = "layers.gradient_norm";
constexpr char kConvexity[] = "convexity_violations";
constexpr char kLargest[] = "hessian_max_eigenvalue";
constexpr char kSmallest[] = "hessian_min_eigenvalue";

// A panel of curves: of these metrics, each with the words that tell it from the others.
struct Diagnostic {
  const char* title;
  const char* label;
  std::vector<std::pair<const char*, const char*>> metrics;
};

const std::vector<Diagnostic>& Diagnostics() {
  static const auto& diagnostics = *new std::vector<Diagnostic>{
      {"linear gap", "(1 − tan θ) rms(relu(−h)) / rms(h)", {{kLinearGap, ""}}},
      {"negative pre-activations", "share", {{kNegativeShare, ""}}},
      {"violations of midpoint convexity", "share", {{kConvexity, ""}}},
      {"extreme eigenvalues of the Hessian",
       "eigenvalue",
       {{kLargest, ", largest"}, {kSmallest, ", smallest"}}}};
  return diagnostics;
}

std::string LayerWords(int layer) { return layer < 0 ? "" : absl::StrCat(", layer ", layer); }

// The dashes of a line tell layers or metrics apart, so that the colour alone has to tell the arms.
std::vector<Style> ColorsOf(const Arms& arms) {
  std::vector<Style> styles = StylesOf(arms);
  std::set<Color> colors;
  for (const Style& style : styles) colors.insert(style.color);
  if (colors.size() == styles.size()) return styles;
  for (size_t i = 0; i < styles.size(); ++i) styles[i].color = static_cast<Color>(i % kColors);
  return styles;
}

Style StyleOf(Style style, const Diagnostic& diagnostic, size_t metric, int layer) {
  if (layer >= 0) style.variant = layer;
  if (diagnostic.metrics.size() > 1) style.variant = static_cast<int>(metric);
  return style;
}

Panel DiagnosticPanel(const Response& comparison, const std::vector<Style>& styles,
                      const Diagnostic& diagnostic) {
  Layers layers;
  for (int i = 0; i < comparison.arms_size(); ++i) {
    const v1::Arm& arm = comparison.arms(i);
    for (size_t m = 0; m < diagnostic.metrics.size(); ++m) {
      const auto& [metric, words] = diagnostic.metrics[m];
      for (const v1::Curve& curve : arm.curves()) {
        if (curve.metric() != metric) continue;
        layers.AddCurve(absl::StrCat(arm.name(), LayerWords(curve.layer()), words, " (",
                                     SampleSize(&curve), ")"),
                        StyleOf(styles[static_cast<size_t>(i)], diagnostic, m, curve.layer()),
                        &curve);
      }
    }
  }
  return {.title = diagnostic.title,
          .x_label = "epoch",
          .y_label = diagnostic.label,
          .series = std::move(layers).Take()};
}

}  // namespace

std::vector<std::string> LandscapeCurves() {
  std::vector<std::string> names;
  for (const Diagnostic& diagnostic : Diagnostics()) {
    for (const auto& [metric, words] : diagnostic.metrics) names.emplace_back(metric);
  }
  names.emplace_back(kGradientNorm);
  return names;
}

absl::StatusOr<Figure> Landscape(const Response& comparison) {
  const std::vector<Style> styles = ColorsOf(comparison.arms());
  Figure figure = {.title = absl::StrCat("diagnostics, mean over ", AveragedOver(comparison)),
                   .columns = 2};
  for (const Diagnostic& diagnostic : Diagnostics()) {
    Panel panel = DiagnosticPanel(comparison, styles, diagnostic);
    if (!panel.series.empty()) figure.panels.push_back(std::move(panel));
  }
  if (figure.panels.empty()) {
    return absl::FailedPreconditionError(
        "no run has recorded diagnostics; submit with --set diagnostics.activations=true "
        "--set diagnostics.convexity=true --set diagnostics.hessian_every=5");
  }
  // Every run records gradient norms: alone they are no diagnostics.
  Panel norms = DiagnosticPanel(
      comparison, styles, {"gradient norm", "root mean square over steps", {{kGradientNorm, ""}}});
  if (!norms.series.empty()) figure.panels.push_back(std::move(norms));
  return figure;
}

}  // namespace anneal::client::plot
