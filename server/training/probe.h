// The diagnostics of a run (DiagnosticsConfig): what is measured on the probe batch, and when.

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
  // Takes the first images of the validation split, if anything is to be measured.
  Probe(const v1::DiagnosticsConfig& config, int64_t seed, const data::Dataset& dataset,
        absl::Span<const int32_t> validation);

  // Before the first epoch, and when training goes on: there `weights` are those before the epoch
  // in progress.
  void Begin(model::Tensors weights) { before_ = std::move(weights); }
  // The weights before the epoch in progress, where they are needed; empty otherwise.
  const model::Tensors& epoch_start() const { return before_; }
  bool needs_epoch_start() const { return config_.convexity(); }
  // After each epoch: adds what is due to the record, whose layers must be there.
  void Measure(engines::Engine* engine, v1::Epoch* record);

 private:
  const v1::DiagnosticsConfig config_;
  const int64_t seed_;
  std::vector<float> images_;
  std::vector<int64_t> labels_;
  data::Batch batch_;
  model::Tensors before_;  // the weights before the epoch, for the segment
};

// Of losses at equidistant points of a segment: the share of pairs with a point in their middle at
// which the loss lies above the mean of the pair's, by more than rounding (1e-6 of it). Pure. At
// least three points.
double ConvexityViolations(absl::Span<const double> losses);

}  // namespace anneal::training

#endif  // ANNEAL_SERVER_TRAINING_PROBE_H_
