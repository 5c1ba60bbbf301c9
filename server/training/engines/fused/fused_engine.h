// The engine that is fast on CPUs: steps and evaluation by the kernels of kernels.h, on the
// parameters of a reference engine, which keeps the state and does the rest.

#ifndef ANNEAL_SERVER_TRAINING_ENGINES_FUSED_FUSED_ENGINE_H_
#define ANNEAL_SERVER_TRAINING_ENGINES_FUSED_FUSED_ENGINE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "hwy/aligned_allocator.h"
#include "server/training/engines/engine.h"
#include "server/training/engines/fused/kernels.h"
#include "server/training/engines/reference/reference_engine.h"

namespace anneal::training::engines::fused {

class FusedEngine final : public Engine {
 public:
  // `config` must have nothing that FindUnsupportedByFused finds.
  FusedEngine(const v1::TrainingConfig& config, const config::RunPlan& plan, int64_t seed);

  absl::string_view name() const override { return "fused"; }
  double TrainStep(const data::Batch& batch, const StepSettings& settings,
                   StepTotals* totals) override;
  double Evaluate(const data::Batch& batch, ThetaMode mode,
                  stats::ConfusionMatrix* confusion) override;

  void ResetReluStatistics() override { reference_.ResetReluStatistics(); }
  void UpdateReluStatistics(const data::Batch& batch) override {
    reference_.UpdateReluStatistics(batch);
  }
  double Penalty() const override { return reference_.Penalty(); }
  std::vector<v1::ThetaVector> Thetas() const override { return reference_.Thetas(); }
  model::Tensors SaveWeights() const override { return reference_.SaveWeights(); }
  absl::Status LoadWeights(const model::Tensors& weights) override {
    return reference_.LoadWeights(weights);
  }
  model::Tensors SaveMoments() const override { return reference_.SaveMoments(); }
  absl::Status LoadMoments(const model::Tensors& moments, int64_t step) override {
    return reference_.LoadMoments(moments, step);
  }
  std::vector<LayerActivity> MeasureActivity(const data::Batch& probe) override {
    return reference_.MeasureActivity(probe);
  }
  std::vector<double> LossesBetween(const data::Batch& probe, const model::Tensors& from,
                                    int points) override {
    return reference_.LossesBetween(probe, from, points);
  }
  Curvature MeasureCurvature(const data::Batch& probe, int64_t seed) override {
    return reference_.MeasureCurvature(probe, seed);
  }

  // The network whose parameters are trained, and, after a step, their gradients with the penalty.
  reference::Network& network() { return reference_.network(); }

 private:
  using Floats = hwy::AlignedFreeUniquePtr<float[]>;
  using Indices = hwy::AlignedFreeUniquePtr<int32_t[]>;

  // Buffers of a layer. Those of a conv layer with "each" hold one image after the other.
  struct Layer {
    LayerShape shape;  // of a dense layer: with as many images as a chunk has
    bool dense = false;
    // Of the input: pixels of a row, and a border around each image, its part of it.
    int64_t width = 0;
    int64_t border = 0;
    std::vector<int32_t> order;  // see PackForward; empty for none
    int64_t weights_begin = 0;   // in the vector of parameters
    int64_t bias_begin = 0;
    int64_t theta_begin = 0;
    int64_t theta_count = 0;  // 0: the output layer
    int64_t slope_stride = 0;
    Floats forward_weights;
    Floats backward_weights;
    Floats bias;
    Floats slopes;
    Floats input;  // each
    Floats rows;
    Floats z;         // each
    Indices winners;  // each
    Floats gradient;
    Indices window;
    hwy::AlignedFreeUniquePtr<Share[]> shares;
    Floats weight_gradient;
    Floats bias_gradient;
    Floats slope_gradient;
    Floats input_gradient;  // of a dense layer each, of a conv layer of one image

    // Values of z of an image.
    int64_t z_size() const { return dense ? shape.channels() : shape.pixels() * shape.channels(); }
    // Values of the input of an image.
    int64_t in_size() const { return dense ? shape.window_row : shape.input_size; }
  };

  // So that windows of few values fill vectors.
  void FoldFirstLayer(const config::LayerPlan& plan);
  void AddLayer(const config::LayerPlan& plan, const v1::ThetaConfig& theta);
  void Allocate();
  int64_t SlopeRows(const Layer& layer) const;
  bool TrainsTheta(const Layer& layer) { return network().trains_theta() && layer.theta_count > 0; }

  // Brings what the kernels read up to date with the parameters.
  void PackWeights(bool backward);
  void PackSlopes(ThetaMode mode);
  void PackTrainedSlopes(Layer* layer);

  // The images of a batch from `begin`, `count` of them, through all layers; logits are the z of
  // the last one.
  void ForwardChunk(const data::Batch& batch, int64_t begin, int64_t count, bool keep);
  // Returns the image with its border. `behind` floats may be read behind it.
  const float* LoadImage(const float* image, int64_t behind, int64_t index, bool keep);
  void ForwardImage(Layer* layer, size_t next, int64_t index, const float* picture, bool keep);
  void ForwardImages(Layer* layer, size_t next, int64_t count, bool keep);
  // Cross-entropies of a chunk; leaves the gradients of the logits where the last layer's backward
  // pass looks for them, scaled, unless `scale` is 0.
  double Head(const int64_t* labels, int64_t count, double scale,
              stats::ConfusionMatrix* confusion);
  void BackwardChunk(int64_t count);
  void BackwardLayer(size_t index, int64_t image, int64_t count);

  void ClearGradients();
  // From the kernels' layouts into the network's vector of gradients.
  void CollectGradients();
  void CollectThetaGradients();
  void AddGradientNorms(StepTotals* totals) const;
  void UpdateParameters(const StepSettings& settings);
  void UpdateGroup(int64_t begin, int64_t end, int64_t decayed, double scale, double learning_rate);

  reference::ReferenceEngine reference_;
  const v1::OptimizerConfig optimizer_;
  const v1::RegularizerConfig regularizer_;
  const v1::ThetaConfig theta_;
  const config::FeatureShape image_;
  float* const values_;
  float* const gradients_;
  std::vector<Layer> layers_;
  Floats logit_gradients_;
  Floats bordered_;    // where the first layer's windows are folded: an image with its border
  int64_t chunk_ = 1;  // images that are taken through the layers together
};

}  // namespace anneal::training::engines::fused

#endif  // ANNEAL_SERVER_TRAINING_ENGINES_FUSED_FUSED_ENGINE_H_
