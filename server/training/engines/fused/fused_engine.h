// `FusedEngine` trains and evaluates on CPUs with the kernels of kernels.h. It operates on the
// parameters and moments of a reference engine, which owns the state and does everything else.

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

// Not thread-safe, as Engine.
class FusedEngine final : public Engine {
 public:
  // As MakeFusedEngine.
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

  // The network that is trained. After a step its gradients() are those of the loss and the
  // penalty.
  reference::Network& network() { return reference_.network(); }

 private:
  using Floats = hwy::AlignedFreeUniquePtr<float[]>;
  using Indices = hwy::AlignedFreeUniquePtr<int32_t[]>;

  // Geometry and buffers of a layer; layouts as in kernels.h. Buffers marked "per image" hold the
  // images of a chunk one after the other, the others of a conv layer one image.
  struct Layer {
    LayerShape shape;  // of a dense layer: for the images of a whole chunk
    bool dense = false;
    int64_t width = 0;           // of the input in pixels, zero padding included
    int64_t padding = 0;         // zero padding on each side of the input
    std::vector<int32_t> order;  // see PackForward; empty for the identity
    int64_t weights_begin = 0;   // offsets in the vector of parameters
    int64_t bias_begin = 0;
    int64_t theta_begin = 0;
    int64_t theta_count = 0;  // 0 for the output layer
    int64_t slope_stride = 0;
    Floats forward_weights;
    Floats backward_weights;
    Floats bias;
    Floats slopes;
    Floats input;  // per image
    Floats scratch;
    Floats z;        // per image
    Indices argmax;  // per image
    Floats gradient;
    Indices window_offsets;
    hwy::AlignedFreeUniquePtr<ScatterGroup[]> scatter_list;
    Floats weight_gradient;
    Floats bias_gradient;
    Floats slope_gradient;
    Floats input_gradient;  // per image for a dense layer

    // Elements of z of one image.
    int64_t z_size() const { return dense ? shape.channels() : shape.pixels() * shape.channels(); }
    // Elements of the input of one image.
    int64_t in_size() const { return dense ? shape.window_row_size : shape.input_size; }
  };

  // Folds the rows of a single-channel first layer (FoldRows), so that its short window rows fill
  // vectors.
  void FoldFirstLayer(const config::LayerPlan& plan);
  void AddLayer(const config::LayerPlan& plan, const v1::ThetaConfig& theta);
  void Allocate();
  int64_t SlopeRows(const Layer& layer) const;
  bool TrainsTheta(const Layer& layer) { return network().trains_theta() && layer.theta_count > 0; }

  // Copy the parameters into the kernels' layouts.
  void PackWeights(bool backward);
  void PackSlopes(ThetaMode mode);
  void PackTrainedSlopes(Layer* layer);

  // Runs `count` images of a batch from `begin` through all layers; the logits are the last layer's
  // z. With `keep`, stores the inputs of the backward pass.
  void ForwardChunk(const data::Batch& batch, int64_t begin, int64_t count, bool keep);
  // Copies an image into the first layer's input, as the image of index `index` of the chunk, and
  // returns it with its zero padding, unfolded. `readable` floats behind the image may be read.
  const float* LoadImage(const float* image, int64_t readable, int64_t index, bool keep);
  // Forward pass of a conv layer for one image, and of a dense layer for a chunk, into the input of
  // layer `next`.
  void ForwardImage(Layer* layer, size_t next, int64_t index, const float* image, bool keep);
  void ForwardImages(Layer* layer, size_t next, int64_t count, bool keep);
  // Returns the sum of the chunk's cross-entropies and counts its predictions. Unless `scale` is 0,
  // writes the gradients in the logits, times `scale`, to logit_gradients_.
  double SoftmaxCrossEntropy(const int64_t* labels, int64_t count, double scale,
                             stats::ConfusionMatrix* confusion);
  // Backward pass, for the chunk of the last ForwardChunk; accumulates the layers' gradients.
  void BackwardChunk(int64_t count);
  void BackwardLayer(size_t index, int64_t image, int64_t count);

  void ClearGradients();
  // Copy the layers' gradients from the kernels' layouts into the network's vector of gradients.
  void CollectGradients();
  void CollectThetaGradients();
  void AddGradientNorms(StepTotals* totals) const;
  void UpdateParameters(const StepSettings& settings);
  // Updates parameters `begin` to `end`, of which AdamW decays the first `decayed`; gradients are
  // multiplied by `scale`.
  void UpdateGroup(int64_t begin, int64_t end, int64_t decayed, double scale, double learning_rate);

  reference::ReferenceEngine reference_;
  const v1::OptimizerConfig optimizer_;
  const v1::RegularizerConfig regularizer_;
  const v1::ThetaConfig theta_;
  const config::FeatureShape image_;
  float* const values_;  // the network's parameters and their gradients
  float* const gradients_;
  std::vector<Layer> layers_;
  Floats logit_gradients_;
  Floats padded_image_;  // the first layer's zero-padded input before it is folded
  int64_t chunk_ = 1;    // images that go through the layers together
};

}  // namespace anneal::training::engines::fused

#endif  // ANNEAL_SERVER_TRAINING_ENGINES_FUSED_FUSED_ENGINE_H_
