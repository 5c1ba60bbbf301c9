// The engine that defines what is right: the network on LibTorch autograd.

#ifndef ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_REFERENCE_ENGINE_H_
#define ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_REFERENCE_ENGINE_H_

#include <vector>

#include "server/training/engines/engine.h"
#include "server/training/engines/reference/network.h"
#include "server/training/engines/reference/optimizer.h"
#include "server/training/engines/reference/torch.h"

namespace anneal::training {

class ReferenceEngine final : public Engine {
 public:
  // Runs on the device and in the precision of `options`.
  ReferenceEngine(const v1::TrainingConfig& config, const RunPlan& plan, int64_t seed,
                  const torch::TensorOptions& options);

  absl::string_view name() const override { return "reference"; }
  double TrainStep(const Batch& batch, const StepSettings& settings, StepTotals* totals) override;
  double Evaluate(const Batch& batch, ThetaMode mode, ConfusionMatrix* confusion) override;
  void ResetReluStatistics() override { network_.ResetReluStatistics(); }
  void UpdateReluStatistics(const Batch& batch) override;
  double Penalty() const override;
  std::vector<v1::ThetaVector> Thetas() const override { return network_.Thetas(); }
  Tensors SaveWeights() const override { return network_.Save(); }
  absl::Status LoadWeights(const Tensors& weights) override { return network_.Load(weights); }
  Tensors SaveMoments() const override { return optimizer_.SaveMoments(network_); }
  absl::Status LoadMoments(const Tensors& moments, int64_t step) override {
    return optimizer_.LoadMoments(network_, moments, step);
  }
  std::vector<LayerActivity> MeasureActivity(const Batch& probe) override;
  std::vector<double> LossesBetween(const Batch& probe, const Tensors& from, int points) override;
  Curvature MeasureCurvature(const Batch& probe, int64_t seed) override;

  Network& network() { return network_; }
  Optimizer& optimizer() { return optimizer_; }

 private:
  torch::Tensor Images(const Batch& batch) const;
  torch::Tensor Labels(const Batch& batch) const;
  double MeanLoss(const Batch& batch);
  void AddGradientNorms(StepTotals* totals) const;

  const FeatureShape image_;
  const v1::RegularizerConfig regularizer_;
  const torch::TensorOptions options_;
  Network network_;
  Optimizer optimizer_;
};

}  // namespace anneal::training

#endif  // ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_REFERENCE_ENGINE_H_
