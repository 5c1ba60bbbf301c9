#include "server/training/engines/reference/optimizer.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace anneal::training::engines::reference {

Optimizer::Optimizer(const v1::TrainingConfig& config, const Network& network)
    : config_(config.optimizer()),
      regularizer_(config.regularizer()),
      theta_low_(config.theta().lower_bound()),
      theta_high_(config.theta().upper_bound()) {
  const bool sgd = config_.kind() == v1::OPTIMIZER_KIND_SGD;
  if (!sgd || config_.momentum() > 0) first_ = torch::zeros_like(network.values());
  if (!sgd) second_ = torch::zeros_like(network.values());
}

void Optimizer::Step(Network* network, double learning_rate, double theta_learning_rate) {
  const torch::NoGradGuard no_grad;
  ++steps_;
  const Network::Ranges& ranges = network->ranges();
  AddPenalty(network->values().narrow(0, 0, ranges.weights_end),
             network->gradients().narrow(0, 0, ranges.weights_end));
  Clip(network->gradients().narrow(0, 0, ranges.thetas_begin));
  Update(network, 0, ranges.thetas_begin, ranges.weights_end, learning_rate);
  if (!network->trains_theta()) return;
  Update(network, ranges.thetas_begin, ranges.end, /*decayed=*/0, theta_learning_rate);
  network->values()
      .narrow(0, ranges.thetas_begin, ranges.end - ranges.thetas_begin)
      .clamp_(theta_low_, theta_high_);
}

void Optimizer::AddPenalty(const torch::Tensor& weights, const torch::Tensor& gradients) const {
  if (regularizer_.l1() > 0) gradients.add_(weights.sign(), regularizer_.l1());
  if (regularizer_.l2() > 0) gradients.add_(weights, 2 * regularizer_.l2());
}

void Optimizer::Clip(const torch::Tensor& gradients) const {
  if (config_.clip_norm() == 0) return;
  const double norm = gradients.norm().item<double>();
  if (norm > config_.clip_norm()) gradients.mul_(config_.clip_norm() / norm);
}

void Optimizer::Update(Network* network, int64_t begin, int64_t end, int64_t decayed,
                       double learning_rate) {
  const auto group = [begin, end](const torch::Tensor& all) {
    return all.defined() ? all.narrow(0, begin, end - begin) : all;
  };
  const torch::Tensor values = group(network->values());
  const torch::Tensor gradients = group(network->gradients());
  if (config_.kind() == v1::OPTIMIZER_KIND_SGD) {
    UpdateSgd(values, gradients, group(first_), learning_rate);
    return;
  }
  if (config_.kind() == v1::OPTIMIZER_KIND_ADAMW && decayed > 0) {
    values.narrow(0, 0, decayed).mul_(1 - learning_rate * config_.weight_decay());
  }
  UpdateAdam(values, gradients, group(first_), group(second_), learning_rate);
}

void Optimizer::UpdateSgd(const torch::Tensor& values, const torch::Tensor& gradients,
                          const torch::Tensor& velocity, double learning_rate) const {
  if (!velocity.defined()) {
    values.add_(gradients, -learning_rate);
    return;
  }
  velocity.mul_(config_.momentum()).add_(gradients);
  if (config_.nesterov()) {
    gradients.add_(velocity, config_.momentum());
    values.add_(gradients, -learning_rate);
  } else {
    values.add_(velocity, -learning_rate);
  }
}

void Optimizer::UpdateAdam(const torch::Tensor& values, const torch::Tensor& gradients,
                           const torch::Tensor& mean, const torch::Tensor& square,
                           double learning_rate) const {
  const auto t = static_cast<double>(steps_);
  const double mean_correction = 1 - std::pow(config_.beta1(), t);
  const double square_correction = 1 - std::pow(config_.beta2(), t);
  mean.mul_(config_.beta1()).add_(gradients, 1 - config_.beta1());
  square.mul_(config_.beta2()).addcmul_(gradients, gradients, 1 - config_.beta2());
  const torch::Tensor denominator =
      square.sqrt().div_(std::sqrt(square_correction)).add_(config_.epsilon());
  values.addcdiv_(mean, denominator, -learning_rate / mean_correction);
}

std::vector<Network::NamedView> Optimizer::MomentViews(const Network& network) const {
  std::vector<Network::NamedView> moments;
  for (const auto& [prefix, flat] : {std::pair("first.", first_), std::pair("second.", second_)}) {
    if (!flat.defined()) continue;
    for (const auto& [name, view] : network.Views(flat)) {
      moments.push_back({absl::StrCat(prefix, name), view});
    }
  }
  return moments;
}

model::Tensors Optimizer::SaveMoments(const Network& network) const {
  model::Tensors tensors;
  for (const auto& [name, view] : MomentViews(network)) tensors.push_back(ToHost(name, view));
  return tensors;
}

absl::Status Optimizer::LoadMoments(const Network& network, const model::Tensors& moments,
                                    int64_t step) {
  ANNEAL_RETURN_IF_ERROR(FromHost(moments, MomentViews(network)));
  steps_ = step;
  return absl::OkStatus();
}

}  // namespace anneal::training::engines::reference
