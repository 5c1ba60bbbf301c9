// `Network` is a config's network on LibTorch autograd. The tensor options passed to it select
// device and precision.

#ifndef ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_NETWORK_H_
#define ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_NETWORK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "anneal/v1/config.pb.h"
#include "anneal/v1/resources.pb.h"
#include "common/config/network_plan.h"
#include "server/training/engines/engine.h"
#include "server/training/engines/reference/torch.h"

namespace anneal::training::engines::reference {

// Not thread-safe.
class Network {
 public:
  // All parameters are views of one flat vector in three ranges: [0, weights_end) holds the weights
  // of all layers, [weights_end, thetas_begin) their biases and batch normalisation parameters,
  // [thetas_begin, end) the thetas.
  struct Ranges {
    int64_t weights_end = 0;
    int64_t thetas_begin = 0;
    int64_t end = 0;
  };
  // Options of a forward pass.
  struct Forward {
    ThetaMode thetas = ThetaMode::kCurrent;
    // Normalise with the statistics of the batch and update the running ones of the theta mode.
    bool training = false;
    // Unless null, receives the pre-activations of each hidden layer.
    std::vector<torch::Tensor>* pre_activations = nullptr;
  };

  // Initialises the weights from `seed`. `config` must be resolved, and `plan` its plan.
  Network(const v1::TrainingConfig& config, const config::NetworkPlan& plan, int64_t seed,
          const torch::TensorOptions& options);

  // Forward pass, differentiable: images [n, c, h, w] -> logits [n, classes].
  torch::Tensor Logits(const torch::Tensor& images, const Forward& mode);

  // Sets theta, for a network that does not train it.
  void SetTheta(double theta);
  double theta() const { return theta_; }
  bool trains_theta() const { return trains_theta_; }

  const Ranges& ranges() const { return ranges_; }
  // The flat vectors of parameters and of their gradients; the layers' tensors are views of them.
  torch::Tensor& values() { return values_; }
  const torch::Tensor& values() const { return values_; }
  torch::Tensor& gradients() { return gradients_; }
  // Autograd leaves: weights, biases and batch normalisation parameters, layer by layer.
  const std::vector<torch::Tensor>& weight_leaves() const { return leaves_; }
  // Flat views of the gradients in one layer's weights and bias.
  struct LayerGradients {
    torch::Tensor weights;
    torch::Tensor bias;
  };
  const std::vector<LayerGradients>& layer_gradients() const { return layer_gradients_; }

  // See Engine::Thetas.
  std::vector<v1::ThetaVector> Thetas() const;
  // Returns tan(theta) of a hidden layer, broadcastable to its pre-activations.
  torch::Tensor SlopeOfLayer(size_t layer) const;

  // See Engine::ResetReluStatistics.
  void ResetReluStatistics();

  // Returns views of `flat`, a vector shaped like values(), for each trained tensor, with the names
  // and shapes of Engine::SaveWeights. Running statistics and untrained thetas are not among them.
  struct NamedView {
    std::string name;
    torch::Tensor view;
  };
  std::vector<NamedView> Views(const torch::Tensor& flat) const;

  // See Engine::SaveWeights.
  model::Tensors Save() const;
  absl::Status Load(const model::Tensors& weights);

 private:
  // Running statistics of batch normalisation, [C].
  struct Statistics {
    torch::Tensor mean;
    torch::Tensor variance;
  };
  struct Layer {
    config::LayerPlan plan;
    torch::Tensor weight;
    torch::Tensor bias;
    torch::Tensor scale;  // scale and shift of batch normalisation; undefined without it
    torch::Tensor shift;
    torch::Tensor theta;  // undefined for the output layer
    Statistics current;   // one for each ThetaMode
    Statistics relu;
  };

  void Allocate(const v1::TrainingConfig& config, const config::NetworkPlan& plan,
                const torch::TensorOptions& options);
  void Initialise(const v1::TrainingConfig& config, int64_t seed);
  void AddThetas(const v1::ThetaConfig& config, int64_t begin);
  std::vector<NamedView> StatisticsViews() const;
  torch::Tensor Affine(const Layer& layer, const torch::Tensor& input) const;
  torch::Tensor Normalise(Layer& layer, const torch::Tensor& input, const Forward& mode);
  torch::Tensor ApplyActivation(const Layer& layer, const torch::Tensor& input,
                                ThetaMode mode) const;

  bool batch_norm_ = false;
  bool trains_theta_ = false;
  bool shared_theta_ = false;  // one theta for all layers
  double theta_ = 0;           // theta, if it is not trained
  int64_t relu_batches_ = 0;
  Ranges ranges_;
  torch::Tensor values_;
  torch::Tensor gradients_;
  std::vector<Layer> layers_;  // hidden ones, then the output layer
  std::vector<torch::Tensor> leaves_;
  std::vector<LayerGradients> layer_gradients_;
};

// Returns a copy of `tensor`, float32 or float64, in row-major order of its dimensions.
model::Tensor ToHost(const std::string& name, const torch::Tensor& tensor);
// Copies tensors into the targets of the same names. DATA_LOSS, with nothing written, if names,
// shapes or element types differ.
absl::Status FromHost(const model::Tensors& tensors,
                      const std::vector<Network::NamedView>& targets);

}  // namespace anneal::training::engines::reference

#endif  // ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_NETWORK_H_
