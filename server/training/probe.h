// `Probe` measures the diagnostics of a run (DiagnosticsConfig) on its probe batch.

#ifndef ANNEAL_SERVER_TRAINING_PROBE_H_
#define ANNEAL_SERVER_TRAINING_PROBE_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "anneal/v1/config.pb.h"
#include "anneal/v1/resources.pb.h"
#include "server/training/data/dataset.h"
#include "server/training/engines/engine.h"

namespace anneal::training {

// Not thread-safe.
class Probe {
 public:
  // Copies the first images of the validation split, where the config asks for any diagnostic.
  Probe(const v1::DiagnosticsConfig& config, int64_t seed, const data::Dataset& dataset,
        absl::Span<const int32_t> validation);

  // Sets the weights before the epoch in progress. Call before the first epoch, and when a run
  // resumes.
  void Begin(model::Tensors weights) { before_ = std::move(weights); }
  // Returns the weights before the epoch in progress; empty where no diagnostic needs them.
  const model::Tensors& epoch_start() const { return before_; }
  bool needs_epoch_start() const { return config_.convexity(); }
  // Adds the due diagnostics to the record of a finished epoch; the record's layers must exist.
  void Measure(engines::Engine* engine, v1::Epoch* record);

 private:
  const v1::DiagnosticsConfig config_;
  const int64_t seed_;
  std::vector<float> images_;
  std::vector<int64_t> labels_;
  data::Batch batch_;
  model::Tensors before_;  // the weights before the epoch, for the segment
};

// Returns the share of convexity violations among losses at equidistant points of a segment: of all
// pairs of points with a point halfway between, those whose halfway loss exceeds the mean of the
// pair's losses by more than rounding (relative 1e-6). `losses` has at least three values. Pure.
double ConvexityViolations(absl::Span<const double> losses);

}  // namespace anneal::training

#endif  // ANNEAL_SERVER_TRAINING_PROBE_H_
