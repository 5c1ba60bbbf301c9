#include "server/training/engines/reference/network.h"

#include <cmath>
#include <cstring>
#include <map>

#include "absl/strings/str_cat.h"
#include "common/activation.h"
#include "common/status.h"
#include "server/training/data/randomness.h"
#include "server/training/engines/reference/activation.h"

namespace anneal::training::engines::reference {
namespace {

constexpr double kNormEpsilon = 1e-5;
constexpr double kNormMomentum = 0.1;

// Returns the [out, in, k, k] view of weights stored channels-last ([out, k, k, in]), the layout in
// which oneDNN's convolution is fastest.
torch::Tensor ConvView(const torch::Tensor& flat, const config::LayerPlan& plan) {
  const int64_t kernel = plan.config.conv().kernel();
  return flat.view({plan.affine.channels, kernel, kernel, plan.input.channels})
      .permute({0, 3, 1, 2});
}

// Returns the view of a layer's range of the flat vector that its convolution or linear map takes.
torch::Tensor WeightView(const torch::Tensor& flat, const config::LayerPlan& plan) {
  switch (plan.config.kind_case()) {
    case v1::HiddenLayer::kConv:
      return ConvView(flat, plan);
    case v1::HiddenLayer::kDense:
    case v1::HiddenLayer::KIND_NOT_SET:
      break;
  }
  return flat.view({plan.affine.channels, plan.fan_in});
}

// Flattens per-channel thetas from [C, 1, 1], which broadcasts, to [C], as they are exported.
torch::Tensor ExportedShape(const torch::Tensor& theta) {
  return theta.dim() == 3 && theta.numel() == theta.size(0) ? theta.flatten() : theta;
}

torch::Tensor Pool(const config::LayerPlan& plan, const torch::Tensor& input) {
  const v1::ConvLayer& conv = plan.config.conv();
  switch (conv.pool()) {
    case v1::POOL_MAX:
      return torch::max_pool2d(input, conv.pool_size());
    case v1::POOL_AVG:
      return torch::avg_pool2d(input, conv.pool_size());
    default:  // NONE
      static_assert(v1::Pool_ARRAYSIZE == 4, "train the new pool of config.proto here");
      return input;
  }
}

// Returns true for a layer that outputs feature maps rather than single units.
bool HasPlanes(const config::LayerPlan& plan) {
  switch (plan.config.kind_case()) {
    case v1::HiddenLayer::kConv:
      return true;
    case v1::HiddenLayer::kDense:
    case v1::HiddenLayer::KIND_NOT_SET:
      break;
  }
  return false;
}

std::vector<int64_t> ThetaShape(v1::ThetaGranularity granularity, const config::LayerPlan& plan) {
  const config::FeatureShape& output = plan.output;
  const bool conv = HasPlanes(plan);
  switch (granularity) {
    case v1::THETA_GRANULARITY_CHANNEL:
      return conv ? std::vector<int64_t>{output.channels, 1, 1}
                  : std::vector<int64_t>{output.channels};
    case v1::THETA_GRANULARITY_NEURON:
      return conv ? std::vector<int64_t>{output.channels, output.height, output.width}
                  : std::vector<int64_t>{output.channels};
    default:  // LAYER and NETWORK
      static_assert(v1::ThetaGranularity_ARRAYSIZE == 5, "shape the thetas of the new granularity");
      return {1};
  }
}

}  // namespace

Network::Network(const v1::TrainingConfig& config, const config::NetworkPlan& plan, int64_t seed,
                 const torch::TensorOptions& options)
    : batch_norm_(config.network().batch_norm()),
      trains_theta_(config.theta().policy() == v1::THETA_POLICY_TRAINABLE),
      theta_(config.theta().start()) {
  Allocate(config, plan, options);
  Initialise(config, seed);
}

void Network::Allocate(const v1::TrainingConfig& config, const config::NetworkPlan& plan,
                       const torch::TensorOptions& options) {
  for (const config::LayerPlan& layer : plan.layers) ranges_.weights_end += layer.weights;
  ranges_.thetas_begin = plan.parameters;
  ranges_.end = plan.parameters + plan.thetas;
  values_ = torch::zeros({ranges_.end}, options);
  gradients_ = torch::zeros({ranges_.end}, options);

  int64_t weight = 0;
  int64_t rest = ranges_.weights_end;
  for (const config::LayerPlan& layer_plan : plan.layers) {
    Layer& layer = layers_.emplace_back();
    layer.plan = layer_plan;
    const int64_t channels = layer_plan.affine.channels;
    // A leaf is a view of the vector of parameters, and its gradient one of that of gradients.
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
      return WeightView(flat, layer_plan);
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
  shared_theta_ = !trains_theta_ || config.granularity() == v1::THETA_GRANULARITY_NETWORK;
  const torch::Tensor one = shared_theta_ ? add(begin, 1, {1}) : torch::Tensor();
  for (size_t i = 0; i + 1 < layers_.size(); ++i) {
    Layer& layer = layers_[i];
    layer.theta = shared_theta_
                      ? one
                      : add(begin, layer.plan.thetas, ThetaShape(config.granularity(), layer.plan));
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
    const config::LayerPlan& plan = layers_[i].plan;
    std::vector<double> draws = data::StandardNormal(plan.weights, seed, static_cast<int64_t>(i));
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
  switch (layer.plan.config.kind_case()) {
    case v1::HiddenLayer::kConv: {
      const v1::ConvLayer& conv = layer.plan.config.conv();
      return torch::conv2d(input, layer.weight, layer.bias, conv.stride(), conv.padding());
    }
    case v1::HiddenLayer::kDense:
    case v1::HiddenLayer::KIND_NOT_SET:  // no plan has one
      break;
  }
  return torch::linear(input.flatten(1), layer.weight, layer.bias);
}

torch::Tensor Network::Normalise(Layer& layer, const torch::Tensor& input, const Forward& mode) {
  const bool relu = mode.thetas == ThetaMode::kRelu;
  Statistics& statistics = relu ? layer.relu : layer.current;
  // Statistics for theta = 0 are cumulative means over their batches.
  const double momentum = relu ? 1.0 / static_cast<double>(relu_batches_) : kNormMomentum;
  // The unbiased variance of a single value per channel is NaN: such a batch is normalised without
  // updating the running statistics.
  if (mode.training && input.numel() == input.size(1)) {
    return torch::batch_norm(input, layer.scale, layer.shift, {}, {}, /*training=*/true, momentum,
                             kNormEpsilon, /*cudnn_enabled=*/true);
  }
  return torch::batch_norm(input, layer.scale, layer.shift, statistics.mean, statistics.variance,
                           mode.training, momentum, kNormEpsilon, /*cudnn_enabled=*/true);
}

torch::Tensor Network::ApplyActivation(const Layer& layer, const torch::Tensor& input,
                                       ThetaMode mode) const {
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
    values = ApplyActivation(layer, values, mode.thetas);
  }
  return Affine(layers_.back(), values);
}

std::vector<v1::ThetaVector> Network::Thetas() const {
  const torch::NoGradGuard no_grad;
  std::vector<v1::ThetaVector> thetas;
  for (size_t i = 0; i + 1 < layers_.size(); ++i) {
    v1::ThetaVector& vector = thetas.emplace_back();
    vector.set_layer(shared_theta_ ? -1 : static_cast<int32_t>(i));
    const torch::Tensor theta = ExportedShape(layers_[i].theta.detach());
    for (const int64_t side : theta.sizes()) vector.add_shape(static_cast<int32_t>(side));
    const torch::Tensor values = theta.to(torch::kCPU, torch::kFloat).contiguous();
    vector.mutable_values()->Add(values.data_ptr<float>(),
                                 values.data_ptr<float>() + values.numel());
    if (shared_theta_) break;
  }
  return thetas;
}

torch::Tensor Network::SlopeOfLayer(size_t layer) const {
  return layers_[layer].theta.detach().tan();
}

void Network::ResetReluStatistics() { relu_batches_ = 0; }

std::vector<Network::NamedView> Network::Views(const torch::Tensor& flat) const {
  std::vector<NamedView> views;
  int64_t weight = 0;
  int64_t rest = ranges_.weights_end;
  for (size_t i = 0; i < layers_.size(); ++i) {
    const config::LayerPlan& plan = layers_[i].plan;
    const std::string prefix = absl::StrCat("layers.", i, ".");
    const auto vector = [&](absl::string_view name) {
      views.push_back({absl::StrCat(prefix, name), flat.narrow(0, rest, plan.affine.channels)});
      rest += plan.affine.channels;
    };
    views.push_back(
        {absl::StrCat(prefix, "weight"), WeightView(flat.narrow(0, weight, plan.weights), plan)});
    weight += plan.weights;
    vector("bias");
    if (!layers_[i].scale.defined()) continue;
    vector("scale");
    vector("shift");
  }
  if (!trains_theta_) return views;
  int64_t theta = ranges_.thetas_begin;
  for (size_t i = 0; i + 1 < layers_.size(); ++i) {
    const torch::Tensor exported = ExportedShape(layers_[i].theta);
    views.push_back({shared_theta_ ? "theta" : absl::StrCat("layers.", i, ".theta"),
                     flat.narrow(0, theta, exported.numel()).view(exported.sizes())});
    theta += exported.numel();
    if (shared_theta_) break;
  }
  return views;
}

std::vector<Network::NamedView> Network::StatisticsViews() const {
  std::vector<NamedView> views;
  for (size_t i = 0; i < layers_.size(); ++i) {
    if (!layers_[i].scale.defined()) continue;
    views.push_back({absl::StrCat("layers.", i, ".running_mean"), layers_[i].current.mean});
    views.push_back({absl::StrCat("layers.", i, ".running_variance"), layers_[i].current.variance});
  }
  return views;
}

model::Tensors Network::Save() const {
  model::Tensors tensors;
  if (!trains_theta_) {
    tensors.push_back(ToHost("theta", torch::tensor(theta_, torch::kDouble)));
  }
  for (const auto& [name, view] : Views(values_)) tensors.push_back(ToHost(name, view));
  for (const auto& [name, view] : StatisticsViews()) tensors.push_back(ToHost(name, view));
  return tensors;
}

absl::Status Network::Load(const model::Tensors& weights) {
  torch::Tensor theta = torch::zeros({}, torch::kDouble);
  std::vector<NamedView> targets = Views(values_);
  if (!trains_theta_) targets.insert(targets.begin(), {"theta", theta});
  const std::vector<NamedView> statistics = StatisticsViews();
  targets.insert(targets.end(), statistics.begin(), statistics.end());
  ANNEAL_RETURN_IF_ERROR(FromHost(weights, targets));
  if (!trains_theta_) SetTheta(theta.item<double>());
  return absl::OkStatus();
}

model::Tensor ToHost(const std::string& name, const torch::Tensor& tensor) {
  const torch::Tensor host = tensor.detach().to(torch::kCPU).contiguous();
  const bool single = host.scalar_type() == torch::kFloat;
  return {.name = name,
          .type = single ? model::ElementType::kFloat32 : model::ElementType::kFloat64,
          .shape = host.sizes().vec(),
          .bytes = {static_cast<const char*>(host.data_ptr()), host.nbytes()}};
}

absl::Status FromHost(const model::Tensors& tensors,
                      const std::vector<Network::NamedView>& targets) {
  std::map<absl::string_view, const model::Tensor*> by_name;
  for (const model::Tensor& tensor : tensors) by_name[tensor.name] = &tensor;
  if (by_name.size() != targets.size()) {
    return absl::DataLossError(
        absl::StrCat("found ", by_name.size(), " tensors; the network has ", targets.size()));
  }
  std::vector<torch::Tensor> sources;
  for (const auto& [name, view] : targets) {
    const auto found = by_name.find(name);
    const torch::ScalarType type = view.scalar_type();
    if (found == by_name.end() || found->second->shape != view.sizes().vec() ||
        (found->second->type == model::ElementType::kFloat32) != (type == torch::kFloat)) {
      return absl::DataLossError(
          absl::StrCat("tensor ", name, " is missing or has another shape or type"));
    }
    sources.push_back(torch::empty(view.sizes(), type));
    if (found->second->bytes.size() != sources.back().nbytes()) {
      return absl::DataLossError(absl::StrCat("tensor ", name, " is truncated"));
    }
    std::memcpy(sources.back().data_ptr(), found->second->bytes.data(), sources.back().nbytes());
  }
  const torch::NoGradGuard no_grad;
  for (size_t i = 0; i < targets.size(); ++i) {
    torch::Tensor target = targets[i].view;
    target.copy_(sources[i]);
  }
  return absl::OkStatus();
}

}  // namespace anneal::training::engines::reference
