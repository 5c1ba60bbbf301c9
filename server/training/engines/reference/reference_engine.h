// `ReferenceEngine` trains the network on LibTorch autograd. It supports every config and defines
// the results that other engines are tested against.

#ifndef ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_REFERENCE_ENGINE_H_
#define ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_REFERENCE_ENGINE_H_

#include <vector>

#include "server/training/engines/engine.h"
#include "server/training/engines/reference/network.h"
#include "server/training/engines/reference/optimizer.h"
#include "server/training/engines/reference/torch.h"

namespace anneal::training::engines::reference {

// Not thread-safe, as Engine.
class ReferenceEngine final : public Engine {
 public:
  // Runs on the device and in the precision of `options`. Initialises the weights from `seed`.
  ReferenceEngine(const v1::TrainingConfig& config, const config::RunPlan& plan, int64_t seed,
                  const torch::TensorOptions& options);

  absl::string_view name() const override { return "reference"; }
  double TrainStep(const data::Batch& batch, const StepSettings& settings,
                   StepTotals* totals) override;
  double Evaluate(const data::Batch& batch, ThetaMode mode,
                  stats::ConfusionMatrix* confusion) override;
  void ResetReluStatistics() override { network_.ResetReluStatistics(); }
  void UpdateReluStatistics(const data::Batch& batch) override;
  double Penalty() const override;
  std::vector<v1::ThetaVector> Thetas() const override { return network_.Thetas(); }
  model::Tensors SaveWeights() const override { return network_.Save(); }
  absl::Status LoadWeights(const model::Tensors& weights) override {
    return network_.Load(weights);
  }
  model::Tensors SaveMoments() const override { return optimizer_.SaveMoments(network_); }
  absl::Status LoadMoments(const model::Tensors& moments, int64_t step) override {
    return optimizer_.LoadMoments(network_, moments, step);
  }
  std::vector<LayerActivity> MeasureActivity(const data::Batch& probe) override;
  std::vector<double> LossesBetween(const data::Batch& probe, const model::Tensors& from,
                                    int points) override;
  Curvature MeasureCurvature(const data::Batch& probe, int64_t seed) override;

  Network& network() { return network_; }
  Optimizer& optimizer() { return optimizer_; }

 private:
  torch::Tensor Images(const data::Batch& batch) const;
  torch::Tensor Labels(const data::Batch& batch) const;
  double MeanLoss(const data::Batch& batch);
  void AddGradientNorms(StepTotals* totals) const;

  const config::FeatureShape image_;
  const v1::RegularizerConfig regularizer_;
  const torch::TensorOptions options_;
  Network network_;
  Optimizer optimizer_;
};

}  // namespace anneal::training::engines::reference

#endif  // ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_REFERENCE_ENGINE_H_
