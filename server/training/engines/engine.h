// `Engine` trains and evaluates one run's network. The epoch loop (trainer.h) uses engines through
// this interface only, which does not expose LibTorch.

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

// Selects the thetas of a forward pass: those of training, or all 0 (ReLU).
enum class ThetaMode { kCurrent, kRelu };

// Hyperparameters of one optimiser step, as the schedules give them.
struct StepSettings {
  double learning_rate = 0;
  double theta_learning_rate = 0;  // policy TRAINABLE only
  double theta = 0;                // policies FIXED and SCHEDULED only
};

// Extreme eigenvalues of the Hessian of the loss in the weights, biases and batch normalisation
// parameters.
struct Curvature {
  double max_eigenvalue = 0;
  double min_eigenvalue = 0;
};

// Diagnostics of a hidden layer's activation; definitions in LayerMetrics (resources.proto).
struct LayerActivity {
  double linear_gap = 0;  // RMS of activation - identity, relative to that of the pre-activations
  double negative_share = 0;  // fraction of pre-activations below 0
};

// Totals over the steps of an epoch.
struct StepTotals {
  StepTotals(int classes, size_t layers) : confusion(classes), squared_gradient_norms(layers) {}

  int64_t steps = 0;
  double loss_sum = 0;  // over images, without the penalty
  stats::ConfusionMatrix confusion;
  // Sums over steps of the squared L2 norm of the loss gradient in a layer's weights and bias,
  // before penalty and clipping; one per layer, output layer last.
  std::vector<double> squared_gradient_norms;
};

// One run's network and optimiser state. Not thread-safe: one thread uses an engine, after it has
// called PrepareTrainingThread. Methods may throw the exceptions of the engine's library, which
// Train catches. Arguments are borrowed for the call.
class Engine {
 public:
  virtual ~Engine() = default;

  // The engine's name in checkpoints and reports, such as "fused".
  virtual absl::string_view name() const = 0;

  // Takes one optimiser step on a batch, which must not be empty, and adds it to the totals.
  // Returns the mean loss of the batch before the step, without the penalty.
  virtual double TrainStep(const data::Batch& batch, const StepSettings& settings,
                           StepTotals* totals) = 0;

  // Returns the sum of the losses over a batch, without the penalty, and adds the predictions to
  // `confusion` unless that is null.
  virtual double Evaluate(const data::Batch& batch, ThetaMode mode,
                          stats::ConfusionMatrix* confusion) = 0;

  // Maintain the batch normalisation statistics for evaluation in mode kRelu, which are means over
  // training batches: the first resets them, the second adds a batch. They have no effect without
  // batch normalisation.
  virtual void ResetReluStatistics() = 0;
  virtual void UpdateReluStatistics(const data::Batch& batch) = 0;

  // Returns the L1 and L2 penalty of the current weights.
  virtual double Penalty() const = 0;
  // Returns the current thetas, without epoch numbers.
  virtual std::vector<v1::ThetaVector> Thetas() const = 0;

  // Returns copies of the weights: `layers.I.weight` (row-major [out, in, k, k] or [out, in]) and
  // `layers.I.bias` ([out]); with batch normalisation `.scale`, `.shift`, `.running_mean` and
  // `.running_variance` ([out]); `layers.I.theta`, or a single `theta` for the network, which is
  // float64 if it is not trained.
  virtual model::Tensors SaveWeights() const = 0;
  // Restores what SaveWeights returned. DATA_LOSS, with the network unchanged, if names, shapes or
  // element types are not this network's.
  virtual absl::Status LoadWeights(const model::Tensors& weights) = 0;

  // Returns copies of the optimiser's moments: `first.NAME` and `second.NAME` for each trained
  // tensor, if the optimiser has them.
  virtual model::Tensors SaveMoments() const = 0;
  // Restores what SaveMoments returned after `step` optimiser steps. Errors as LoadWeights.
  virtual absl::Status LoadMoments(const model::Tensors& moments, int64_t step) = 0;

  // Diagnostics on a probe batch (DiagnosticsConfig); they leave the engine's state unchanged.
  // MeasureActivity returns one entry per hidden layer.
  virtual std::vector<LayerActivity> MeasureActivity(const data::Batch& probe) = 0;
  // Returns the mean losses at `points` >= 2 equidistant points of the segment from the weights
  // `from` (of SaveWeights) to the current ones, end points included.
  virtual std::vector<double> LossesBetween(const data::Batch& probe, const model::Tensors& from,
                                            int points) = 0;
  // Estimates the extreme eigenvalues by Lanczos iteration from a random start vector drawn from
  // `seed`.
  virtual Curvature MeasureCurvature(const data::Batch& probe, int64_t seed) = 0;
};

}  // namespace anneal::training::engines

#endif  // ANNEAL_SERVER_TRAINING_ENGINES_ENGINE_H_
