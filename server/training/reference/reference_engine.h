// The engine that defines what is right: the network on LibTorch autograd.

#ifndef ANNEAL_SERVER_TRAINING_REFERENCE_REFERENCE_ENGINE_H_
#define ANNEAL_SERVER_TRAINING_REFERENCE_REFERENCE_ENGINE_H_

#include <vector>

#include "server/training/engine.h"
#include "server/training/reference/network.h"
#include "server/training/reference/optimizer.h"
#include "server/training/reference/torch.h"

namespace anneal::training {

class ReferenceEngine final : public Engine {
 public:
  // Runs on the device and in the precision of `options`.
  ReferenceEngine(const v1::TrainingConfig& config, const RunPlan& plan, int64_t seed,
                  const torch::TensorOptions& options);

  absl::string_view name() const override { return "reference"; }
  double TrainStep(const Batch& batch, const StepSettings& settings,
                   ConfusionMatrix* confusion) override;
  double Evaluate(const Batch& batch, ThetaMode mode, ConfusionMatrix* confusion) override;
  void ResetReluStatistics() override { network_.ResetReluStatistics(); }
  void UpdateReluStatistics(const Batch& batch) override;
  double Penalty() const override;
  std::vector<double> TakeGradientNorms() override;
  std::vector<v1::ThetaVector> Thetas() const override { return network_.Thetas(); }
  WeightState SaveWeights() const override { return network_.Save(); }
  void LoadWeights(const WeightState& state) override { network_.Load(state); }
  std::vector<LayerActivity> MeasureActivity(const Batch& probe) override;
  std::vector<double> LossesBetween(const Batch& probe, const WeightState& from,
                                    const WeightState& to, int points) override;
  Curvature MeasureCurvature(const Batch& probe, int64_t seed) override;

  Network& network() { return network_; }

 private:
  torch::Tensor Images(const Batch& batch) const;
  torch::Tensor Labels(const Batch& batch) const;
  double MeanLoss(const Batch& batch);
  void AddGradientNorms();

  const FeatureShape image_;
  const v1::RegularizerConfig regularizer_;
  const torch::TensorOptions options_;
  Network network_;
  Optimizer optimizer_;
  std::vector<double> squared_norms_;  // by layer, summed over steps
  int64_t norm_steps_ = 0;
};

}  // namespace anneal::training

#endif  // ANNEAL_SERVER_TRAINING_REFERENCE_REFERENCE_ENGINE_H_
