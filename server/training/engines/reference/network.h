// The network of a config, on LibTorch autograd. It runs where, and in the precision that, its
// tensor options say.

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
  // All parameters are views of one vector, in three ranges: the weights of all layers; their
  // biases and normalisation parameters; the thetas.
  struct Ranges {
    int64_t weights_end = 0;
    int64_t thetas_begin = 0;
    int64_t end = 0;
  };
  struct Forward {
    ThetaMode thetas = ThetaMode::kCurrent;
    // Batch normalisation by the batch, which also updates the running statistics of the mode.
    bool training = false;
    // Where not null, receives what each activation is given.
    std::vector<torch::Tensor>* pre_activations = nullptr;
  };

  // Weights are drawn from the seed; `config` is resolved and `plan` is its plan.
  Network(const v1::TrainingConfig& config, const config::NetworkPlan& plan, int64_t seed,
          const torch::TensorOptions& options);

  // images: [N, 1, H, W] -> logits: [N, classes].
  torch::Tensor Logits(const torch::Tensor& images, const Forward& mode);

  // Sets the one theta of a network that does not train it.
  void SetTheta(double theta);
  double theta() const { return theta_; }
  bool trains_theta() const { return trains_theta_; }

  const Ranges& ranges() const { return ranges_; }
  // One-dimensional; writing to them writes the parameters and their gradients.
  torch::Tensor& values() { return values_; }
  const torch::Tensor& values() const { return values_; }
  torch::Tensor& gradients() { return gradients_; }
  // The weights, biases and normalisation parameters as autograd's leaves.
  const std::vector<torch::Tensor>& weight_leaves() const { return leaves_; }
  // The gradients of one layer's weights and bias, one-dimensional.
  struct LayerGradients {
    torch::Tensor weights;
    torch::Tensor bias;
  };
  const std::vector<LayerGradients>& layer_gradients() const { return layer_gradients_; }

  std::vector<v1::ThetaVector> Thetas() const;
  // The slope tan(theta) of each hidden layer, broadcastable to its pre-activations.
  torch::Tensor SlopeOfLayer(size_t layer) const;

  void ResetReluStatistics();

  // What training changes besides normalisation statistics, and untrained theta: by the names of
  // engine.h, as views of a vector shaped like values().
  struct NamedView {
    std::string name;
    torch::Tensor view;
  };
  std::vector<NamedView> Views(const torch::Tensor& flat) const;

  // See Engine::SaveWeights.
  model::Tensors Save() const;
  absl::Status Load(const model::Tensors& weights);

 private:
  // Batch normalisation's running statistics; one for each theta mode.
  struct Statistics {
    torch::Tensor mean;
    torch::Tensor variance;
  };
  struct Layer {
    config::LayerPlan plan;
    torch::Tensor weight;
    torch::Tensor bias;
    torch::Tensor scale;  // batch normalisation's; undefined without
    torch::Tensor shift;
    torch::Tensor theta;  // undefined for the output layer
    Statistics current;
    Statistics relu;
  };

  void Allocate(const v1::TrainingConfig& config, const config::NetworkPlan& plan,
                const torch::TensorOptions& options);
  void Initialise(const v1::TrainingConfig& config, int64_t seed);
  void AddThetas(const v1::ThetaConfig& config, int64_t begin);
  std::vector<NamedView> StatisticsViews() const;
  torch::Tensor Affine(const Layer& layer, const torch::Tensor& input) const;
  torch::Tensor Normalise(Layer& layer, const torch::Tensor& input, const Forward& mode);
  torch::Tensor Bend(const Layer& layer, const torch::Tensor& input, ThetaMode mode) const;

  bool batch_norm_ = false;
  bool trains_theta_ = false;
  bool shared_theta_ = false;  // one for all layers
  double theta_ = 0;           // where it is not trained
  int64_t relu_batches_ = 0;
  Ranges ranges_;
  torch::Tensor values_;
  torch::Tensor gradients_;
  std::vector<Layer> layers_;  // hidden ones, then the output layer
  std::vector<torch::Tensor> leaves_;
  std::vector<LayerGradients> layer_gradients_;
};

// A copy of `tensor`, float or double, in its logical order.
model::Tensor ToHost(const std::string& name, const torch::Tensor& tensor);
// Writes to the targets what is in the tensors of their names. DATA_LOSS, and nothing written, when
// names, shapes or types differ.
absl::Status FromHost(const model::Tensors& tensors,
                      const std::vector<Network::NamedView>& targets);

}  // namespace anneal::training::engines::reference

#endif  // ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_NETWORK_H_
