#include "server/training/engines/reference/reference_engine.h"

#include <ATen/Parallel.h>

#include <cmath>

#include "server/training/data/randomness.h"
#include "server/training/engines/reference/lanczos.h"
#include "server/training/engines/reference/make_reference_engine.h"

namespace anneal::training::engines::reference {
namespace {

// Limits Lanczos iteration, which converges much earlier for networks of the intended sizes.
constexpr int kMaxLanczosSteps = 100;
// Random stream of the start vector, distinct from those of the layers.
constexpr int64_t kLanczosStream = -1;

void CountPredictions(const torch::Tensor& logits, const data::Batch& batch,
                      stats::ConfusionMatrix* confusion) {
  if (confusion == nullptr) return;
  const torch::Tensor predictions = logits.detach().argmax(1).to(torch::kCPU);
  const auto* predicted = predictions.data_ptr<int64_t>();
  for (int64_t i = 0; i < batch.count; ++i) {
    confusion->Add(static_cast<int>(batch.labels[i]), static_cast<int>(predicted[i]));
  }
}

}  // namespace

ReferenceEngine::ReferenceEngine(const v1::TrainingConfig& config, const config::RunPlan& plan,
                                 int64_t seed, const torch::TensorOptions& options)
    : image_(plan.network.layers[0].input),
      regularizer_(config.regularizer()),
      options_(options),
      network_(config, plan.network, seed, options),
      optimizer_(config, network_) {}

torch::Tensor ReferenceEngine::Images(const data::Batch& batch) const {
  // from_blob takes a mutable pointer; the tensor is only read.
  auto* images = const_cast<float*>(batch.images);
  return torch::from_blob(images, {batch.count, image_.channels, image_.height, image_.width},
                          torch::kFloat)
      .to(options_);
}

torch::Tensor ReferenceEngine::Labels(const data::Batch& batch) const {
  auto* labels = const_cast<int64_t*>(batch.labels);
  return torch::from_blob(labels, {batch.count}, torch::kLong).to(options_.device());
}

double ReferenceEngine::TrainStep(const data::Batch& batch, const StepSettings& settings,
                                  StepTotals* totals) {
  if (!network_.trains_theta()) network_.SetTheta(settings.theta);
  network_.gradients().zero_();
  const torch::Tensor logits = network_.Logits(Images(batch), {.training = true});
  const torch::Tensor loss = torch::cross_entropy_loss(logits, Labels(batch));
  loss.backward();
  AddGradientNorms(totals);
  optimizer_.Step(&network_, settings.learning_rate, settings.theta_learning_rate);
  CountPredictions(logits, batch, &totals->confusion);
  const double mean_loss = loss.item<double>();
  totals->loss_sum += mean_loss * static_cast<double>(batch.count);
  ++totals->steps;
  return mean_loss;
}

double ReferenceEngine::Evaluate(const data::Batch& batch, ThetaMode mode,
                                 stats::ConfusionMatrix* confusion) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor logits = network_.Logits(Images(batch), {.thetas = mode});
  CountPredictions(logits, batch, confusion);
  return torch::cross_entropy_loss(logits, Labels(batch), {}, at::Reduction::Sum).item<double>();
}

void ReferenceEngine::UpdateReluStatistics(const data::Batch& batch) {
  const torch::NoGradGuard no_grad;
  network_.Logits(Images(batch), {.thetas = ThetaMode::kRelu, .training = true});
}

double ReferenceEngine::Penalty() const {
  const torch::NoGradGuard no_grad;
  const torch::Tensor weights =
      network_.values().narrow(0, 0, network_.ranges().weights_end).to(torch::kDouble);
  return regularizer_.l1() * weights.abs().sum().item<double>() +
         regularizer_.l2() * weights.square().sum().item<double>();
}

void ReferenceEngine::AddGradientNorms(StepTotals* totals) const {
  const torch::NoGradGuard no_grad;
  const auto& layers = network_.layer_gradients();
  for (size_t i = 0; i < layers.size(); ++i) {
    totals->squared_gradient_norms[i] +=
        torch::dot(layers[i].weights, layers[i].weights).item<double>() +
        torch::dot(layers[i].bias, layers[i].bias).item<double>();
  }
}

std::vector<LayerActivity> ReferenceEngine::MeasureActivity(const data::Batch& probe) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> pre_activations;
  network_.Logits(Images(probe), {.pre_activations = &pre_activations});
  std::vector<LayerActivity> activities;
  for (size_t i = 0; i < pre_activations.size(); ++i) {
    const torch::Tensor h = pre_activations[i].to(torch::kDouble);
    const torch::Tensor deviation = (1 - network_.SlopeOfLayer(i)) * torch::relu(-h);
    const double rms = std::sqrt(h.square().mean().item<double>());
    activities.push_back(
        {.linear_gap = rms > 0 ? std::sqrt(deviation.square().mean().item<double>()) / rms : 0,
         .negative_share = (h < 0).to(torch::kDouble).mean().item<double>()});
  }
  return activities;
}

double ReferenceEngine::MeanLoss(const data::Batch& batch) {
  return Evaluate(batch, ThetaMode::kCurrent, nullptr) / static_cast<double>(batch.count);
}

std::vector<double> ReferenceEngine::LossesBetween(const data::Batch& probe,
                                                   const model::Tensors& from, int points) {
  const torch::NoGradGuard no_grad;
  // Only weights, biases and batch normalisation parameters vary along the segment; thetas and
  // running statistics stay the current ones.
  torch::Tensor weights = network_.values().narrow(0, 0, network_.ranges().thetas_begin);
  const torch::Tensor end = weights.clone();
  const model::Tensors current = network_.Save();
  // Cannot fail: both were saved by this engine.
  TORCH_CHECK(network_.Load(from).ok(), "the segment starts at the weights of another network");
  const torch::Tensor start = weights.clone();
  TORCH_CHECK(network_.Load(current).ok());
  std::vector<double> losses;
  for (int i = 0; i < points; ++i) {
    const double position = static_cast<double>(i) / (points - 1);
    weights.copy_(torch::lerp(start, end, position));
    losses.push_back(MeanLoss(probe));
  }
  weights.copy_(end);
  return losses;
}

Curvature ReferenceEngine::MeasureCurvature(const data::Batch& probe, int64_t seed) {
  const torch::Tensor logits = network_.Logits(Images(probe), {});
  const torch::Tensor loss = torch::cross_entropy_loss(logits, Labels(probe));
  const std::vector<torch::Tensor>& leaves = network_.weight_leaves();
  const auto flatten = [](const std::vector<torch::Tensor>& tensors) {
    std::vector<torch::Tensor> flat;
    for (const torch::Tensor& tensor : tensors) flat.push_back(tensor.reshape({-1}));
    return torch::cat(flat);
  };
  const torch::Tensor gradient =
      flatten(torch::autograd::grad({loss}, leaves, {}, /*retain_graph=*/true,
                                    /*create_graph=*/true));
  const auto multiply = [&](const torch::Tensor& vector) {
    const torch::Tensor product = torch::dot(gradient, vector.to(options_));
    auto columns = torch::autograd::grad({product}, leaves, {}, /*retain_graph=*/true,
                                         /*create_graph=*/false, /*allow_unused=*/true);
    // Undefined for parameters that the gradient does not depend on.
    for (size_t i = 0; i < columns.size(); ++i) {
      if (!columns[i].defined()) columns[i] = torch::zeros_like(leaves[i]);
    }
    return flatten(columns).detach().to(torch::kCPU, torch::kDouble);
  };
  std::vector<double> draws = data::StandardNormal(gradient.numel(), seed, kLanczosStream);
  const torch::Tensor start =
      torch::from_blob(draws.data(), {gradient.numel()}, torch::kDouble).clone();
  return ExtremeEigenvalues(multiply, start, kMaxLanczosSteps);
}

std::unique_ptr<Engine> MakeReferenceEngine(const v1::TrainingConfig& config,
                                            const config::RunPlan& plan, int64_t seed) {
  return std::make_unique<ReferenceEngine>(config, plan, seed,
                                           torch::TensorOptions().dtype(torch::kFloat));
}

void ConfigureThread() {
  at::set_num_threads(1);
  at::globalContext().setFlushDenormal(true);
}

}  // namespace anneal::training::engines::reference
