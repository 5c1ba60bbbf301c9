#include "server/training/probe.h"

#include <cmath>

namespace anneal::training {
namespace {

constexpr int kSegmentPoints = 9;  // 8 pieces

}  // namespace

Probe::Probe(const v1::DiagnosticsConfig& config, int64_t seed, const data::Dataset& dataset,
             absl::Span<const int32_t> validation)
    : config_(config), seed_(seed) {
  if (!config.activations() && !config.convexity() && config.hessian_every() == 0) return;
  const auto size = static_cast<size_t>(config.probe_size());
  images_.resize(size * static_cast<size_t>(dataset.pixels_per_image()));
  labels_.resize(size);
  data::GatherBatch(dataset, dataset.train, validation.subspan(0, size), images_.data(),
                    labels_.data());
  batch_ = {
      .images = images_.data(), .labels = labels_.data(), .count = static_cast<int64_t>(size)};
}

void Probe::Measure(engines::Engine* engine, v1::Epoch* record) {
  if (config_.activations()) {
    const std::vector<engines::LayerActivity> activity = engine->MeasureActivity(batch_);
    for (size_t i = 0; i < activity.size(); ++i) {
      v1::LayerMetrics* layer = record->mutable_layers(static_cast<int>(i));
      layer->set_linear_gap(activity[i].linear_gap);
      layer->set_negative_share(activity[i].negative_share);
    }
  }
  if (config_.convexity()) {
    record->set_convexity_violations(
        ConvexityViolations(engine->LossesBetween(batch_, before_, kSegmentPoints)));
    before_ = engine->SaveWeights();
  }
  if (config_.hessian_every() > 0 && record->epoch() % config_.hessian_every() == 0) {
    const engines::Curvature curvature = engine->MeasureCurvature(batch_, seed_);
    record->set_hessian_max_eigenvalue(curvature.max_eigenvalue);
    record->set_hessian_min_eigenvalue(curvature.min_eigenvalue);
  }
}

double ConvexityViolations(absl::Span<const double> losses) {
  constexpr double kRounding = 1e-6;
  int pairs = 0;
  int violations = 0;
  for (size_t first = 0; first < losses.size(); ++first) {
    for (size_t half = 1; first + 2 * half < losses.size(); ++half) {
      const double chord = (losses[first] + losses[first + 2 * half]) / 2;
      ++pairs;
      if (losses[first + half] > chord + kRounding * std::abs(chord)) ++violations;
    }
  }
  return static_cast<double>(violations) / pairs;
}

}  // namespace anneal::training
