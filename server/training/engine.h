// What trains a network. The epoch loop (trainer.h) knows engines by this interface only; none of
// LibTorch shows here.

#ifndef ANNEAL_SERVER_TRAINING_ENGINE_H_
#define ANNEAL_SERVER_TRAINING_ENGINE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "anneal/v1/resources.pb.h"
#include "common/classification.h"
#include "common/config_validation.h"

namespace anneal::training {

// Standardised images, row-major count x height x width, and their labels. Borrowed.
struct Batch {
  const float* images = nullptr;
  const int64_t* labels = nullptr;
  int64_t count = 0;
};

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

// Weights, normalisation statistics and thetas; opaque, for the engine that made it.
struct WeightState {
  std::vector<char> bytes;
  double theta = 0;  // where it is not trained
};

// One run's network and optimiser. Not thread-safe: one thread uses it, and that thread must have
// called PrepareTrainingThread. Methods may throw what the engine's library throws; Train catches.
class Engine {
 public:
  virtual ~Engine() = default;

  virtual absl::string_view name() const = 0;

  // One optimiser step. Returns the mean loss of the batch, without penalty, before the step, and
  // counts its predictions. The batch must not be empty.
  virtual double TrainStep(const Batch& batch, const StepSettings& settings,
                           ConfusionMatrix* confusion) = 0;

  // Returns the sum of the losses and counts the predictions; `confusion` may be null.
  virtual double Evaluate(const Batch& batch, ThetaMode mode, ConfusionMatrix* confusion) = 0;

  // With batch normalisation: forgets the statistics kept for evaluation in kRelu mode, and adds a
  // training batch to them.
  virtual void ResetReluStatistics() = 0;
  virtual void UpdateReluStatistics(const Batch& batch) = 0;

  // Of the weights as they are.
  virtual double Penalty() const = 0;
  // Per layer, over the steps since the last call; see LayerMetrics.gradient_norm.
  virtual std::vector<double> TakeGradientNorms() = 0;
  // Without epoch numbers.
  virtual std::vector<v1::ThetaVector> Thetas() const = 0;

  virtual WeightState SaveWeights() const = 0;
  virtual void LoadWeights(const WeightState& state) = 0;

  // Diagnostics on a probe batch; see DiagnosticsConfig. They change nothing.
  virtual std::vector<LayerActivity> MeasureActivity(const Batch& probe) = 0;
  // Mean losses at equidistant points of the segment between two states, ends included.
  virtual std::vector<double> LossesBetween(const Batch& probe, const WeightState& from,
                                            const WeightState& to, int points) = 0;
  virtual Curvature MeasureCurvature(const Batch& probe, int64_t seed) = 0;
};

// Sets up the calling thread: one intra-op thread, denormals flushed to zero.
void PrepareTrainingThread();

// Initialises weights from the seed (config.proto, InitGain). `config` and `plan` must be those of
// PlanRun.
std::unique_ptr<Engine> MakeEngine(const v1::TrainingConfig& config, const RunPlan& plan,
                                   int64_t seed);

}  // namespace anneal::training

#endif  // ANNEAL_SERVER_TRAINING_ENGINE_H_
