#include "server/training/reference/network.h"

#include <cmath>
#include <cstring>

#include "common/activation.h"
#include "server/training/randomness.h"
#include "server/training/reference/activation.h"

namespace anneal::training {
namespace {

constexpr double kNormEpsilon = 1e-5;
constexpr double kNormMomentum = 0.1;

// Weights are stored channels-last, which oneDNN convolves fastest, and seen as [O, I, K, K].
torch::Tensor ConvView(const torch::Tensor& flat, const LayerPlan& plan) {
  const int64_t kernel = plan.config.conv().kernel();
  return flat.view({plan.affine.channels, kernel, kernel, plan.input.channels})
      .permute({0, 3, 1, 2});
}

torch::Tensor Pool(const LayerPlan& plan, const torch::Tensor& input) {
  const v1::ConvLayer& conv = plan.config.conv();
  switch (conv.pool()) {
    case v1::POOL_MAX:
      return torch::max_pool2d(input, conv.pool_size());
    case v1::POOL_AVG:
      return torch::avg_pool2d(input, conv.pool_size());
    default:
      return input;
  }
}

std::vector<int64_t> ThetaShape(v1::ThetaGranularity granularity, const LayerPlan& plan) {
  const FeatureShape& output = plan.output;
  const bool conv = plan.config.has_conv();
  switch (granularity) {
    case v1::THETA_GRANULARITY_CHANNEL:
      return conv ? std::vector<int64_t>{output.channels, 1, 1}
                  : std::vector<int64_t>{output.channels};
    case v1::THETA_GRANULARITY_NEURON:
      return conv ? std::vector<int64_t>{output.channels, output.height, output.width}
                  : std::vector<int64_t>{output.channels};
    default:
      return {1};
  }
}

}  // namespace

Network::Network(const v1::TrainingConfig& config, const NetworkPlan& plan, int64_t seed,
                 const torch::TensorOptions& options)
    : batch_norm_(config.network().batch_norm()),
      trains_theta_(config.theta().policy() == v1::THETA_POLICY_TRAINABLE),
      theta_(config.theta().start()) {
  Allocate(config, plan, options);
  Initialise(config, seed);
}

void Network::Allocate(const v1::TrainingConfig& config, const NetworkPlan& plan,
                       const torch::TensorOptions& options) {
  for (const LayerPlan& layer : plan.layers) ranges_.weights_end += layer.weights;
  ranges_.thetas_begin = plan.parameters;
  ranges_.end = plan.parameters + plan.thetas;
  values_ = torch::zeros({ranges_.end}, options);
  gradients_ = torch::zeros({ranges_.end}, options);

  int64_t weight = 0;
  int64_t rest = ranges_.weights_end;
  for (const LayerPlan& layer_plan : plan.layers) {
    Layer& layer = layers_.emplace_back();
    layer.plan = layer_plan;
    const int64_t channels = layer_plan.affine.channels;
    // A leaf shares the vector's storage, and its gradient that of the vector of gradients.
    const auto leaf = [this](int64_t begin, int64_t size, const auto& view) {
      torch::Tensor tensor = view(values_.narrow(0, begin, size)).detach();
      tensor.mutable_grad() = view(gradients_.narrow(0, begin, size));
      tensor.set_requires_grad(true);
      leaves_.push_back(tensor);
      return tensor;
    };
    layer_gradients_.push_back({.weights = gradients_.narrow(0, weight, layer_plan.weights),
                                .bias = gradients_.narrow(0, rest, channels)});
    layer.weight = leaf(weight, layer_plan.weights, [&layer_plan](const torch::Tensor& flat) {
      return layer_plan.config.has_conv()
                 ? ConvView(flat, layer_plan)
                 : flat.view({layer_plan.affine.channels, layer_plan.fan_in});
    });
    weight += layer_plan.weights;
    const auto vector = [](const torch::Tensor& flat) { return flat; };
    layer.bias = leaf(rest, channels, vector);
    rest += channels;
    if (!batch_norm_ || &layer_plan == &plan.layers.back()) continue;
    layer.scale = leaf(rest, channels, vector);
    layer.shift = leaf(rest + channels, channels, vector);
    rest += 2 * channels;
    for (Statistics* statistics : {&layer.current, &layer.relu}) {
      statistics->mean = torch::zeros({channels}, options);
      statistics->variance = torch::ones({channels}, options);
    }
  }
  AddThetas(config.theta(), ranges_.thetas_begin);
}

void Network::AddThetas(const v1::ThetaConfig& config, int64_t begin) {
  const auto add = [this](int64_t start, int64_t size, const std::vector<int64_t>& shape) {
    torch::Tensor theta = values_.narrow(0, start, size).view(shape).detach();
    if (trains_theta_) {
      theta.mutable_grad() = gradients_.narrow(0, start, size).view(shape);
      theta.set_requires_grad(true);
    }
    return theta;
  };
  const bool shared = !trains_theta_ || config.granularity() == v1::THETA_GRANULARITY_NETWORK;
  const torch::Tensor one = shared ? add(begin, 1, {1}) : torch::Tensor();
  for (size_t i = 0; i + 1 < layers_.size(); ++i) {
    Layer& layer = layers_[i];
    layer.theta =
        shared ? one : add(begin, layer.plan.thetas, ThetaShape(config.granularity(), layer.plan));
    begin += layer.plan.thetas;
  }
}

void Network::Initialise(const v1::TrainingConfig& config, int64_t seed) {
  const torch::NoGradGuard no_grad;
  const double gain = config.network().init_gain() == v1::INIT_GAIN_THETA
                          ? InitialisationGain(config.theta().start())
                          : InitialisationGain(kThetaRelu);
  int64_t begin = 0;
  for (size_t i = 0; i < layers_.size(); ++i) {
    const LayerPlan& plan = layers_[i].plan;
    std::vector<double> draws = StandardNormal(plan.weights, seed, static_cast<int64_t>(i));
    const torch::Tensor normal = torch::from_blob(draws.data(), {plan.weights}, torch::kDouble);
    values_.narrow(0, begin, plan.weights)
        .copy_(normal * (gain / std::sqrt(static_cast<double>(plan.fan_in))));
    begin += plan.weights;
    if (layers_[i].scale.defined()) layers_[i].scale.fill_(1);
  }
  values_.narrow(0, ranges_.thetas_begin, ranges_.end - ranges_.thetas_begin)
      .fill_(config.theta().start());
}

void Network::SetTheta(double theta) {
  const torch::NoGradGuard no_grad;
  theta_ = theta;
  values_.narrow(0, ranges_.thetas_begin, 1).fill_(theta);
}

torch::Tensor Network::Affine(const Layer& layer, const torch::Tensor& input) const {
  if (!layer.plan.config.has_conv()) {
    return torch::linear(input.flatten(1), layer.weight, layer.bias);
  }
  const v1::ConvLayer& conv = layer.plan.config.conv();
  return torch::conv2d(input, layer.weight, layer.bias, conv.stride(), conv.padding());
}

torch::Tensor Network::Normalise(Layer& layer, const torch::Tensor& input, const Forward& mode) {
  const bool relu = mode.thetas == ThetaMode::kRelu;
  Statistics& statistics = relu ? layer.relu : layer.current;
  // Statistics for theta = 0 are the plain mean over the batches they are given.
  const double momentum = relu ? 1.0 / static_cast<double>(relu_batches_) : kNormMomentum;
  // The unbiased variance of a single value is not a number: such a batch is normalised, but says
  // nothing of the statistics.
  if (mode.training && input.numel() == input.size(1)) {
    return torch::batch_norm(input, layer.scale, layer.shift, {}, {}, /*training=*/true, momentum,
                             kNormEpsilon, /*cudnn_enabled=*/true);
  }
  return torch::batch_norm(input, layer.scale, layer.shift, statistics.mean, statistics.variance,
                           mode.training, momentum, kNormEpsilon, /*cudnn_enabled=*/true);
}

torch::Tensor Network::Bend(const Layer& layer, const torch::Tensor& input, ThetaMode mode) const {
  if (mode == ThetaMode::kRelu) return Activate(input, kThetaRelu);
  return trains_theta_ ? Activate(input, layer.theta) : Activate(input, theta_);
}

torch::Tensor Network::Logits(const torch::Tensor& images, const Forward& mode) {
  if (mode.training && mode.thetas == ThetaMode::kRelu) ++relu_batches_;
  torch::Tensor values = images;
  for (size_t i = 0; i + 1 < layers_.size(); ++i) {
    Layer& layer = layers_[i];
    values = Affine(layer, values);
    if (batch_norm_) values = Normalise(layer, values, mode);
    values = Pool(layer.plan, values);
    if (mode.pre_activations != nullptr) mode.pre_activations->push_back(values);
    values = Bend(layer, values, mode.thetas);
  }
  return Affine(layers_.back(), values);
}

std::vector<v1::ThetaVector> Network::Thetas() const {
  const torch::NoGradGuard no_grad;
  const bool shared = layers_.size() < 2 || layers_[0].plan.thetas == 0;
  std::vector<v1::ThetaVector> thetas;
  for (size_t i = 0; i + 1 < layers_.size(); ++i) {
    v1::ThetaVector& vector = thetas.emplace_back();
    vector.set_layer(shared ? -1 : static_cast<int32_t>(i));
    const torch::Tensor theta = layers_[i].theta.detach();
    // [C, 1, 1] is one a channel.
    const torch::Tensor shown =
        theta.dim() == 3 && theta.numel() == theta.size(0) ? theta.flatten() : theta;
    for (const int64_t side : shown.sizes()) vector.add_shape(static_cast<int32_t>(side));
    const torch::Tensor values = theta.to(torch::kCPU, torch::kFloat).contiguous();
    vector.mutable_values()->Add(values.data_ptr<float>(),
                                 values.data_ptr<float>() + values.numel());
    if (shared) break;
  }
  return thetas;
}

torch::Tensor Network::SlopeOfLayer(size_t layer) const {
  return layers_[layer].theta.detach().tan();
}

void Network::ResetReluStatistics() { relu_batches_ = 0; }

namespace {

void Append(const torch::Tensor& tensor, std::vector<char>* bytes) {
  const torch::Tensor host = tensor.detach().to(torch::kCPU).contiguous();
  const char* data = static_cast<const char*>(host.data_ptr());
  bytes->insert(bytes->end(), data, data + host.nbytes());
}

const char* Restore(const char* data, torch::Tensor tensor) {
  const torch::NoGradGuard no_grad;
  torch::Tensor host = torch::empty(tensor.sizes(), tensor.options().device(torch::kCPU));
  std::memcpy(host.data_ptr(), data, host.nbytes());
  tensor.copy_(host);
  return data + host.nbytes();
}

}  // namespace

WeightState Network::Save() const {
  WeightState state;
  state.theta = theta_;
  Append(values_, &state.bytes);
  if (!batch_norm_) return state;
  for (const Layer& layer : layers_) {
    if (!layer.scale.defined()) continue;
    Append(layer.current.mean, &state.bytes);
    Append(layer.current.variance, &state.bytes);
  }
  return state;
}

void Network::Load(const WeightState& state) {
  const char* data = Restore(state.bytes.data(), values_);
  if (!trains_theta_) theta_ = state.theta;
  if (!batch_norm_) return;
  for (Layer& layer : layers_) {
    if (!layer.scale.defined()) continue;
    data = Restore(data, layer.current.mean);
    data = Restore(data, layer.current.variance);
  }
}

}  // namespace anneal::training
