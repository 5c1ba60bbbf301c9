// This file exceeds 400 lines for now. It will be split together with kernels.cc in a separate
// change, so that results and speed can be compared before and after.

#include "server/training/engines/fused/fused_engine.h"

#include <algorithm>
#include <cmath>
#include <new>

#include "common/activation.h"
#include "server/training/engines/fused/make_fused_engine.h"
#include "server/training/vectors/vectors.h"

namespace anneal::training::engines::fused {
namespace {

// A chunk's buffers should fit the L2 cache, and its images should fill the register tiles of dense
// layers. If the weights of dense layers exceed the L2 cache, the largest chunk amortises their
// loads.
constexpr int64_t kCacheFloats = int64_t{48} * 1024;
constexpr int64_t kMinChunk = 6;
constexpr int64_t kMaxChunk = 60;
// Limits a chunk's memory where even kMinChunk images are too large.
constexpr int64_t kMaxFloats = int64_t{64} * 1024 * 1024;

// Returns a zeroed buffer of `count` elements and the kernels' padding.
template <typename Value>
hwy::AlignedFreeUniquePtr<Value[]> Zeros(int64_t count) {
  const auto size = static_cast<size_t>(count + kSlack);
  auto buffer = hwy::AllocateAligned<Value>(size);
  if (buffer == nullptr) throw std::bad_alloc();
  std::fill_n(buffer.get(), size, Value());
  return buffer;
}

LayerShape ConvShape(const config::LayerPlan& plan) {
  const v1::ConvLayer& conv = plan.config.conv();
  const bool pools = conv.pool() != v1::POOL_NONE;
  const int64_t padding = 2 * int64_t{conv.padding()};  // on both sides
  const int64_t height = plan.input.height + padding;
  const int64_t row_stride = (plan.input.width + padding) * plan.input.channels;
  return {.window_rows = conv.kernel(),
          .window_row_size = conv.kernel() * plan.input.channels,
          .row_stride = row_stride,
          .x_stride = conv.stride() * plan.input.channels,
          .y_stride = conv.stride() * row_stride,
          .input_size = height * row_stride,
          .pooling = conv.pool() == v1::POOL_MAX   ? Pooling::kMax
                     : conv.pool() == v1::POOL_AVG ? Pooling::kAverage
                                                   : Pooling::kNone,
          .pool_size = pools ? conv.pool_size() : 1,
          .out_height = plan.output.height,
          .out_width = plan.output.width,
          .out_channels = plan.output.channels};
}

// The images of a chunk take the place of pixels; see SetImages.
LayerShape DenseShape(const config::LayerPlan& plan) {
  const int64_t units = plan.input.units();
  return {.window_row_size = units,
          .x_stride = units,
          .input_size = units,
          .out_channels = plan.output.channels};
}

void SetImages(int64_t images, LayerShape* dense) {
  dense->input_size = images * dense->window_row_size;
  dense->out_width = images;
}

// Returns the order in which PackForward reads the weights of a dense layer that follows a feature
// map: the network flattens it as [c, h, w], the kernels' input is [h, w, c].
std::vector<int32_t> FlattenOrder(const config::FeatureShape& input) {
  const int64_t pixels = input.height * input.width;
  std::vector<int32_t> order;
  if (pixels == 1) return order;
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    for (int64_t channel = 0; channel < input.channels; ++channel) {
      order.push_back(static_cast<int32_t>(channel * pixels + pixel));
    }
  }
  return order;
}

const int32_t* OrderOf(const std::vector<int32_t>& order) {
  return order.empty() ? nullptr : order.data();
}

}  // namespace

FusedEngine::FusedEngine(const v1::TrainingConfig& config, const config::RunPlan& plan,
                         int64_t seed)
    : reference_(config, plan, seed, torch::TensorOptions().dtype(torch::kFloat)),
      optimizer_(config.optimizer()),
      regularizer_(config.regularizer()),
      theta_(config.theta()),
      image_(plan.network.layers[0].input),
      values_(network().values().data_ptr<float>()),
      gradients_(network().gradients().data_ptr<float>()) {
  const reference::Network::Ranges& ranges = network().ranges();
  int64_t weights = 0;
  int64_t bias = ranges.weights_end;
  int64_t theta = ranges.thetas_begin;
  for (const config::LayerPlan& layer_plan : plan.network.layers) {
    AddLayer(layer_plan, config.theta());
    Layer& layer = layers_.back();
    layer.weights_begin = weights;
    layer.bias_begin = bias;
    layer.theta_begin = theta;
    weights += layer_plan.weights;
    bias += layer_plan.affine.channels;
    theta += layer_plan.thetas;
  }
  layers_.back().theta_count = 0;
  FoldFirstLayer(plan.network.layers[0]);
  Allocate();
}

void FusedEngine::AddLayer(const config::LayerPlan& plan, const v1::ThetaConfig& theta) {
  Layer& layer = layers_.emplace_back();
  switch (plan.config.kind_case()) {
    case v1::HiddenLayer::kConv:
      layer.dense = false;
      layer.shape = ConvShape(plan);
      layer.padding = plan.config.conv().padding();
      layer.width = plan.input.width + 2 * layer.padding;
      break;
    case v1::HiddenLayer::kDense:
    case v1::HiddenLayer::KIND_NOT_SET:  // no plan has one
      layer.dense = true;
      layer.shape = DenseShape(plan);
      layer.order = FlattenOrder(plan.input);
      break;
  }
  const bool shared = !network().trains_theta() || plan.thetas == 0;
  layer.theta_count = shared ? 1 : plan.thetas;
  const bool per_pixel =
      !shared && theta.granularity() == v1::THETA_GRANULARITY_NEURON && !layer.dense;
  layer.slope_stride = per_pixel ? layer.shape.channels() : 0;
}

void FusedEngine::FoldFirstLayer(const config::LayerPlan& plan) {
  Layer& layer = layers_.front();
  LayerShape& shape = layer.shape;
  const int64_t kernel = shape.window_rows;
  if (layer.dense || plan.input.channels != 1 || kernel < 2 || kernel > 4) return;
  shape.folded_rows = kernel;
  padded_image_ = Zeros<float>(shape.input_size);
  shape.window_rows = 1;
  shape.window_row_size = kernel * kernel;
  shape.x_stride *= kernel;
  shape.y_stride *= kernel;
  shape.input_size = (plan.input.height + 2 * layer.padding - kernel + 1) * layer.width * kernel;
  for (int64_t x = 0; x < kernel; ++x) {
    for (int64_t y = 0; y < kernel; ++y) {
      layer.order.push_back(static_cast<int32_t>(y * kernel + x));
    }
  }
}

int64_t FusedEngine::SlopeRows(const Layer& layer) const {
  return layer.slope_stride == 0 ? 1 : layer.shape.pixels();
}

void FusedEngine::Allocate() {
  int64_t floats_of_image = 0;
  int64_t dense_weights = 0;
  for (const Layer& layer : layers_) {
    floats_of_image += 2 * layer.z_size() + layer.in_size();
    if (layer.dense) dense_weights += layer.shape.out_channels * layer.shape.taps();
  }
  chunk_ = std::clamp(kCacheFloats / floats_of_image, kMinChunk, kMaxChunk);
  if (dense_weights > kCacheFloats) chunk_ = kMaxChunk;
  chunk_ = std::max(std::min(chunk_, kMaxFloats / floats_of_image), int64_t{1});
  for (Layer& layer : layers_) {
    if (layer.dense) SetImages(chunk_, &layer.shape);
    const LayerShape& shape = layer.shape;
    layer.forward_weights = Zeros<float>(shape.forward_weights());
    layer.backward_weights = Zeros<float>(shape.out_channels * shape.padded_taps());
    layer.weight_gradient = Zeros<float>(shape.out_channels * shape.padded_taps());
    layer.bias = Zeros<float>(shape.channels());
    layer.bias_gradient = Zeros<float>(shape.channels());
    layer.slopes = Zeros<float>(SlopeRows(layer) * shape.channels());
    layer.slope_gradient = Zeros<float>(SlopeRows(layer) * shape.channels());
    layer.input = Zeros<float>(chunk_ * layer.in_size());
    layer.scratch = Zeros<float>(shape.forward_scratch());
    layer.z = Zeros<float>(chunk_ * layer.z_size());
    layer.argmax = Zeros<int32_t>(chunk_ * layer.z_size());
    layer.gradient = Zeros<float>(shape.positions() * shape.channels());
    if (shape.pooling == Pooling::kAverage) {
      layer.window_offsets = Zeros<int32_t>(shape.positions() * shape.channels());
    }
    layer.scatter_list = Zeros<ScatterGroup>(shape.scatter_list_size());
    layer.input_gradient = Zeros<float>(shape.input_size);
  }
  logit_gradients_ = Zeros<float>(chunk_ * layers_.back().shape.out_channels);
}

void FusedEngine::PackWeights(bool backward) {
  for (size_t i = 0; i < layers_.size(); ++i) {
    Layer& layer = layers_[i];
    const float* weights = values_ + layer.weights_begin;
    PackForward(layer.shape, weights, OrderOf(layer.order), layer.forward_weights.get());
    std::copy_n(values_ + layer.bias_begin, layer.shape.out_channels, layer.bias.get());
    // The first layer needs no input gradient.
    if (!backward || i == 0) continue;
    PackBackward(layer.shape, weights, OrderOf(layer.order), layer.backward_weights.get());
  }
}

void FusedEngine::PackSlopes(ThetaMode mode) {
  for (Layer& layer : layers_) {
    if (mode == ThetaMode::kCurrent && TrainsTheta(layer)) {
      PackTrainedSlopes(&layer);
      continue;
    }
    const double slope = layer.theta_count == 0     ? 1
                         : mode == ThetaMode::kRelu ? 0
                                                    : Slope(network().theta());
    std::fill_n(layer.slopes.get(), SlopeRows(layer) * layer.shape.channels(),
                static_cast<float>(slope));
  }
}

void FusedEngine::PackTrainedSlopes(Layer* layer) {
  const int64_t channels = layer->shape.channels();
  const int64_t used = layer->shape.out_channels;
  const float* thetas = values_ + layer->theta_begin;
  float* slopes = layer->slopes.get();
  if (layer->theta_count == 1) {
    float slope = 0;
    vectors::Slopes(thetas, 1, &slope);
    std::fill_n(slopes, channels, slope);
  } else if (layer->slope_stride == 0) {
    vectors::Slopes(thetas, used, slopes);
  } else {
    // Transposes [channel][pixel] to [pixel][channel], using the backward pass's scratch.
    const int64_t pixels = layer->shape.pixels();
    float* by_channel = layer->gradient.get();
    vectors::Slopes(thetas, pixels * used, by_channel);
    for (int64_t pixel = 0; pixel < pixels; ++pixel) {
      for (int64_t c = 0; c < used; ++c) {
        slopes[pixel * channels + c] = by_channel[c * pixels + pixel];
      }
    }
  }
}

const float* FusedEngine::LoadImage(const float* image, int64_t readable, int64_t index,
                                    bool keep) {
  const Layer& first = layers_.front();
  float* to = first.input.get() + index * first.in_size();
  if (first.padding > 0) {
    float* padded = first.shape.folded_rows > 0 ? padded_image_.get() : to;
    for (int64_t y = 0; y < image_.height; ++y) {
      std::copy_n(image + y * image_.width, image_.width,
                  padded + (y + first.padding) * first.width + first.padding);
    }
    image = padded;
  } else if (first.shape.uses_image_winograd() && readable < kSlack) {
    std::copy_n(image, image_.units(), padded_image_.get());
    image = padded_image_.get();
  }
  // Evaluation by image_winograd-inl.h reads the unfolded image only.
  if (first.shape.uses_image_winograd() && !keep) return image;
  if (first.shape.folded_rows > 0) {
    FoldRows(image, image_.height + 2 * first.padding, first.width, first.shape.folded_rows, to);
  } else if (first.padding == 0) {
    std::copy_n(image, image_.units(), to);
  }
  return image;
}

void FusedEngine::ForwardImage(Layer* layer, size_t next, int64_t index, const float* image,
                               bool keep) {
  const LayerShape& shape = layer->shape;
  const bool z = keep && TrainsTheta(*layer);
  Layer& after = layers_[next];
  float* output = after.input.get() + index * after.in_size();
  int64_t output_row_stride = shape.out_width * shape.out_channels;
  if (!after.dense) {
    output_row_stride = after.width * shape.out_channels;
    output += after.padding * (output_row_stride + shape.out_channels);
  }
  Forward(shape, {.input = layer->input.get() + index * layer->in_size(),
                  .image = image,
                  .weights = layer->forward_weights.get(),
                  .bias = layer->bias.get(),
                  .slopes = layer->slopes.get(),
                  .slope_stride = layer->slope_stride,
                  .scratch = layer->scratch.get(),
                  .z = z ? layer->z.get() + index * layer->z_size() : nullptr,
                  .argmax = keep ? layer->argmax.get() + index * layer->z_size() : nullptr,
                  .output = output,
                  .output_row_stride = output_row_stride});
}

void FusedEngine::ForwardImages(Layer* layer, size_t next, int64_t count, bool keep) {
  LayerShape shape = layer->shape;
  SetImages(count, &shape);
  const bool last = next == layers_.size();
  Forward(shape, {.input = layer->input.get(),
                  .weights = layer->forward_weights.get(),
                  .bias = layer->bias.get(),
                  .slopes = layer->slopes.get(),
                  .scratch = layer->scratch.get(),
                  .z = last || (keep && TrainsTheta(*layer)) ? layer->z.get() : nullptr,
                  .argmax = keep ? layer->argmax.get() : nullptr,
                  // The logits are the last layer's z; its output is scratch.
                  .output = last ? logit_gradients_.get() : layers_[next].input.get(),
                  .output_row_stride = shape.out_width * shape.out_channels});
}

void FusedEngine::ForwardChunk(const data::Batch& batch, int64_t begin, int64_t count, bool keep) {
  size_t dense = 0;
  while (!layers_[dense].dense) ++dense;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t at = (begin + i) * image_.units();
    const int64_t readable = (batch.count - 1 - begin - i) * image_.units();
    const float* image = LoadImage(batch.images + at, readable, i, keep);
    for (size_t layer = 0; layer < dense; ++layer) {
      ForwardImage(&layers_[layer], layer + 1, i, image, keep);
    }
  }
  for (size_t layer = dense; layer < layers_.size(); ++layer) {
    ForwardImages(&layers_[layer], layer + 1, count, keep);
  }
}

double FusedEngine::SoftmaxCrossEntropy(const int64_t* labels, int64_t count, double scale,
                                        stats::ConfusionMatrix* confusion) {
  const Layer& last = layers_.back();
  const int64_t classes = last.shape.out_channels;
  double loss_sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    const float* logits = last.z.get() + i * last.z_size();
    const int64_t predicted = std::max_element(logits, logits + classes) - logits;
    if (confusion != nullptr) {
      confusion->Add(static_cast<int>(labels[i]), static_cast<int>(predicted));
    }
    // The prediction's term of the softmax denominator, 1, is left out of the sum, and logits are
    // subtracted first, so that small losses keep their precision.
    float* gradients = logit_gradients_.get() + i * classes;
    float others = 0;
    for (int64_t c = 0; c < classes; ++c) {
      gradients[c] = std::exp(logits[c] - logits[predicted]);
      others += c == predicted ? 0 : gradients[c];
    }
    loss_sum += static_cast<double>(std::log1p(others) + (logits[predicted] - logits[labels[i]]));
    if (scale == 0) continue;
    const auto factor = static_cast<float>(scale) / (1 + others);
    for (int64_t c = 0; c < classes; ++c) gradients[c] *= factor;
    gradients[labels[i]] -= static_cast<float>(scale);
  }
  return loss_sum;
}

void FusedEngine::BackwardLayer(size_t index, int64_t image, int64_t count) {
  Layer& layer = layers_[index];
  LayerShape shape = layer.shape;
  if (layer.dense) SetImages(count, &shape);
  // The output layer has slope 1, so the sign of its output does not matter.
  const float* output = logit_gradients_.get();
  const float* output_gradient = output;
  int64_t output_row_stride = shape.out_width * shape.out_channels;
  if (index + 1 < layers_.size()) {
    const Layer& after = layers_[index + 1];
    int64_t corner = 0;
    if (!after.dense) {
      output_row_stride = after.width * shape.out_channels;
      corner = after.padding * (output_row_stride + shape.out_channels);
    }
    output = after.input.get() + image * after.in_size() + corner;
    const bool each = after.dense && !layer.dense;
    output_gradient = after.input_gradient.get() + (each ? image * after.in_size() : 0) + corner;
  }
  Backward(shape, {.input = layer.input.get() + image * layer.in_size(),
                   .weights = layer.backward_weights.get(),
                   .slopes = layer.slopes.get(),
                   .slope_stride = layer.slope_stride,
                   .argmax = layer.argmax.get() + image * layer.z_size(),
                   .z = layer.z.get() + image * layer.z_size(),
                   .output = output,
                   .output_gradient = output_gradient,
                   .output_row_stride = output_row_stride,
                   .gradient = layer.gradient.get(),
                   .window_offsets = layer.window_offsets.get(),
                   .scatter_list = layer.scatter_list.get(),
                   .bias_gradient = layer.bias_gradient.get(),
                   .slope_gradient = TrainsTheta(layer) ? layer.slope_gradient.get() : nullptr,
                   .weight_gradient = layer.weight_gradient.get(),
                   .input_gradient = index == 0 ? nullptr : layer.input_gradient.get()});
}

void FusedEngine::BackwardChunk(int64_t count) {
  size_t layer = layers_.size();
  while (layer > 0 && layers_[layer - 1].dense) BackwardLayer(--layer, 0, count);
  const size_t convs = layer;
  for (int64_t image = 0; image < count; ++image) {
    for (layer = convs; layer > 0; --layer) BackwardLayer(layer - 1, image, 1);
  }
}

void FusedEngine::ClearGradients() {
  for (Layer& layer : layers_) {
    const LayerShape& shape = layer.shape;
    std::fill_n(layer.weight_gradient.get(), shape.out_channels * shape.padded_taps(), 0.0F);
    std::fill_n(layer.bias_gradient.get(), shape.channels(), 0.0F);
    std::fill_n(layer.slope_gradient.get(), SlopeRows(layer) * shape.channels(), 0.0F);
  }
}

void FusedEngine::CollectGradients() {
  for (const Layer& layer : layers_) {
    UnpackGradients(layer.shape, layer.weight_gradient.get(), OrderOf(layer.order),
                    gradients_ + layer.weights_begin);
    std::copy_n(layer.bias_gradient.get(), layer.shape.out_channels, gradients_ + layer.bias_begin);
  }
  if (network().trains_theta()) CollectThetaGradients();
}

void FusedEngine::CollectThetaGradients() {
  const reference::Network::Ranges& ranges = network().ranges();
  std::fill(gradients_ + ranges.thetas_begin, gradients_ + ranges.end, 0.0F);
  for (const Layer& layer : layers_) {
    if (layer.theta_count == 0) continue;
    const int64_t channels = layer.shape.channels();
    const int64_t rows = SlopeRows(layer);
    float* thetas = gradients_ + layer.theta_begin;
    // In double: for a theta that many neurons share, terms of either sign nearly cancel.
    double sum = 0;
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t c = 0; c < layer.shape.out_channels; ++c) {
        const auto at = static_cast<size_t>(row * channels + c);
        const auto slope = static_cast<double>(layer.slopes[at]);
        // d tan(theta) / d theta = 1 + tan^2(theta).
        const double gradient = (1 + slope * slope) * static_cast<double>(layer.slope_gradient[at]);
        sum += gradient;
        if (layer.theta_count > 1) thetas[c * rows + row] = static_cast<float>(gradient);
      }
    }
    if (layer.theta_count == 1) thetas[0] += static_cast<float>(sum);
  }
}

void FusedEngine::AddGradientNorms(StepTotals* totals) const {
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    totals->squared_gradient_norms[i] +=
        vectors::SquaredNorm(gradients_ + layer.weights_begin,
                             layer.shape.out_channels * layer.shape.taps()) +
        vectors::SquaredNorm(gradients_ + layer.bias_begin, layer.shape.out_channels);
  }
}

void FusedEngine::UpdateGroup(int64_t begin, int64_t end, int64_t decayed, double scale,
                              double learning_rate) {
  reference::Optimizer& optimizer = reference_.optimizer();
  float* values = values_ + begin;
  const float* gradients = gradients_ + begin;
  const int64_t count = end - begin;
  float* first = optimizer.first_moment();
  if (first != nullptr) first += begin;
  if (optimizer_.kind() == v1::OPTIMIZER_KIND_SGD) {
    vectors::Sgd({.gradient_scale = scale,
                  .learning_rate = learning_rate,
                  .momentum = optimizer_.momentum(),
                  .nesterov = optimizer_.nesterov()},
                 gradients, count, first, values);
    return;
  }
  float* second = optimizer.second_moment() + begin;
  const auto t = static_cast<double>(optimizer.steps());
  vectors::AdamStep step = {
      .gradient_scale = scale,
      .learning_rate = learning_rate / (1 - std::pow(optimizer_.beta1(), t)),
      .beta1 = optimizer_.beta1(),
      .beta2 = optimizer_.beta2(),
      .square_root_correction = std::sqrt(1 - std::pow(optimizer_.beta2(), t)),
      .epsilon = optimizer_.epsilon(),
      .shrink = optimizer_.kind() == v1::OPTIMIZER_KIND_ADAMW
                    ? 1 - learning_rate * optimizer_.weight_decay()
                    : 1};
  vectors::Adam(step, gradients, decayed, first, second, values);
  step.shrink = 1;
  vectors::Adam(step, gradients + decayed, count - decayed, first + decayed, second + decayed,
                values + decayed);
}

void FusedEngine::UpdateParameters(const StepSettings& settings) {
  const reference::Network::Ranges& ranges = network().ranges();
  if (regularizer_.l1() > 0 || regularizer_.l2() > 0) {
    vectors::AddPenalty(values_, ranges.weights_end, regularizer_.l1(), regularizer_.l2(),
                        gradients_);
  }
  double scale = 1;
  if (optimizer_.clip_norm() > 0) {
    const double norm = std::sqrt(vectors::SquaredNorm(gradients_, ranges.thetas_begin));
    if (norm > optimizer_.clip_norm()) scale = optimizer_.clip_norm() / norm;
  }
  reference_.optimizer().CountStep();
  UpdateGroup(0, ranges.thetas_begin, ranges.weights_end, scale, settings.learning_rate);
  if (!network().trains_theta()) return;
  UpdateGroup(ranges.thetas_begin, ranges.end, /*decayed=*/0, /*scale=*/1,
              settings.theta_learning_rate);
  vectors::Clamp(static_cast<float>(theta_.lower_bound()), static_cast<float>(theta_.upper_bound()),
                 ranges.end - ranges.thetas_begin, values_ + ranges.thetas_begin);
}

double FusedEngine::TrainStep(const data::Batch& batch, const StepSettings& settings,
                              StepTotals* totals) {
  if (!network().trains_theta()) network().SetTheta(settings.theta);
  PackWeights(/*backward=*/true);
  PackSlopes(ThetaMode::kCurrent);
  ClearGradients();
  const double scale = 1.0 / static_cast<double>(batch.count);
  double loss_sum = 0;
  for (int64_t begin = 0; begin < batch.count; begin += chunk_) {
    const int64_t count = std::min(chunk_, batch.count - begin);
    ForwardChunk(batch, begin, count, /*keep=*/true);
    loss_sum += SoftmaxCrossEntropy(batch.labels + begin, count, scale, &totals->confusion);
    BackwardChunk(count);
  }
  CollectGradients();
  AddGradientNorms(totals);
  UpdateParameters(settings);
  totals->loss_sum += loss_sum;
  ++totals->steps;
  return loss_sum * scale;
}

double FusedEngine::Evaluate(const data::Batch& batch, ThetaMode mode,
                             stats::ConfusionMatrix* confusion) {
  PackWeights(/*backward=*/false);
  PackSlopes(mode);
  double loss_sum = 0;
  for (int64_t begin = 0; begin < batch.count; begin += chunk_) {
    const int64_t count = std::min(chunk_, batch.count - begin);
    ForwardChunk(batch, begin, count, /*keep=*/false);
    loss_sum += SoftmaxCrossEntropy(batch.labels + begin, count, /*scale=*/0, confusion);
  }
  return loss_sum;
}

std::unique_ptr<Engine> MakeFusedEngine(const v1::TrainingConfig& config,
                                        const config::RunPlan& plan, int64_t seed) {
  return std::make_unique<FusedEngine>(config, plan, seed);
}

}  // namespace anneal::training::engines::fused
