// What trains a network. The epoch loop (trainer.h) knows engines by this interface only; none of
// LibTorch shows here.

#ifndef ANNEAL_SERVER_TRAINING_ENGINES_ENGINE_H_
#define ANNEAL_SERVER_TRAINING_ENGINES_ENGINE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "anneal/v1/resources.pb.h"
#include "common/config/validation.h"
#include "common/stats/classification.h"
#include "server/training/data/batches.h"
#include "server/training/model/tensors.h"

namespace anneal::training::engines {

// The thetas to run with: those of training, or all 0.
enum class ThetaMode { kCurrent, kRelu };

struct StepSettings {
  double learning_rate = 0;
  double theta_learning_rate = 0;  // TRAINABLE
  double theta = 0;                // FIXED and SCHEDULED; TRAINABLE ignores it
};

struct Curvature {
  double max_eigenvalue = 0;
  double min_eigenvalue = 0;
};

struct LayerActivity {
  double linear_gap = 0;
  double negative_share = 0;
};

// What the steps of an epoch add up to.
struct StepTotals {
  StepTotals(int classes, size_t layers) : confusion(classes), squared_gradient_norms(layers) {}

  int64_t steps = 0;
  double loss_sum = 0;  // over images, without penalty
  stats::ConfusionMatrix confusion;
  // Per layer, output layer last: of the loss gradient in weights and bias, without penalty and
  // clipping.
  std::vector<double> squared_gradient_norms;
};

// One run's network and optimiser. Not thread-safe: one thread uses it, and that thread must have
// called PrepareTrainingThread. Methods may throw what the engine's library throws; Train catches.
class Engine {
 public:
  virtual ~Engine() = default;

  virtual absl::string_view name() const = 0;

  // One optimiser step. Returns the mean loss of the batch, without penalty, before the step, and
  // adds the step to the totals. The batch must not be empty.
  virtual double TrainStep(const data::Batch& batch, const StepSettings& settings,
                           StepTotals* totals) = 0;

  // Returns the sum of the losses and counts the predictions; `confusion` may be null.
  virtual double Evaluate(const data::Batch& batch, ThetaMode mode,
                          stats::ConfusionMatrix* confusion) = 0;

  // With batch normalisation: forgets the statistics kept for evaluation in kRelu mode, and adds a
  // training batch to them.
  virtual void ResetReluStatistics() = 0;
  virtual void UpdateReluStatistics(const data::Batch& batch) = 0;

  // Of the weights as they are.
  virtual double Penalty() const = 0;
  // Without epoch numbers.
  virtual std::vector<v1::ThetaVector> Thetas() const = 0;

  // `layers.I.weight` ([out, in, k, k] or [out, in]) and `.bias`; with batch normalisation
  // `.scale`,
  // `.shift`, `.running_mean` and `.running_variance`; `layers.I.theta`, or `theta` where the
  // network has one, in double where it is not trained.
  virtual model::Tensors SaveWeights() const = 0;
  // DATA_LOSS, and nothing changed, when names or shapes are not those of this network.
  virtual absl::Status LoadWeights(const model::Tensors& weights) = 0;

  // The optimiser's moments: `first.NAME` and `second.NAME` for each trained tensor, as far as the
  // optimiser has them.
  virtual model::Tensors SaveMoments() const = 0;
  // `step`: optimiser steps done. Errors as LoadWeights.
  virtual absl::Status LoadMoments(const model::Tensors& moments, int64_t step) = 0;

  // Diagnostics on a probe batch; see DiagnosticsConfig. They change nothing.
  virtual std::vector<LayerActivity> MeasureActivity(const data::Batch& probe) = 0;
  // Mean losses at equidistant points of the segment from `from`, which SaveWeights gave, to the
  // current weights, ends included.
  virtual std::vector<double> LossesBetween(const data::Batch& probe, const model::Tensors& from,
                                            int points) = 0;
  virtual Curvature MeasureCurvature(const data::Batch& probe, int64_t seed) = 0;
};

}  // namespace anneal::training::engines

#endif  // ANNEAL_SERVER_TRAINING_ENGINES_ENGINE_H_
