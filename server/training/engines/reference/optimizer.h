// `Optimizer` implements SGD with momentum, Adam (Kingma and Ba 2015, arXiv:1412.6980) and AdamW
// (Loshchilov and Hutter 2019, arXiv:1711.05101) on a network's flat vector of parameters. The
// formulas are in config.proto.

#ifndef ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_OPTIMIZER_H_
#define ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_OPTIMIZER_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "anneal/v1/config.pb.h"
#include "server/training/engines/reference/network.h"
#include "server/training/engines/reference/torch.h"

namespace anneal::training::engines::reference {

// Not thread-safe.
class Optimizer {
 public:
  // `config` must be resolved.
  Optimizer(const v1::TrainingConfig& config, const Network& network);

  // Updates network->values() from network->gradients(), the gradients of the loss, and overwrites
  // the latter. In order: adds the gradient of the penalty; clips the global norm over weights,
  // biases and batch normalisation parameters; updates each parameter group; projects thetas to
  // their bounds.
  void Step(Network* network, double learning_rate, double theta_learning_rate);

  // For an engine that updates parameters itself (float32, CPU): the flat vectors of moments,
  // shaped like Network::values() (null if the optimiser has none), and the step count.
  float* first_moment() { return first_.defined() ? first_.data_ptr<float>() : nullptr; }
  float* second_moment() { return second_.defined() ? second_.data_ptr<float>() : nullptr; }
  int64_t steps() const { return steps_; }
  void CountStep() { ++steps_; }

  // See Engine.
  model::Tensors SaveMoments(const Network& network) const;
  absl::Status LoadMoments(const Network& network, const model::Tensors& moments, int64_t step);

 private:
  std::vector<Network::NamedView> MomentViews(const Network& network) const;
  void AddPenalty(const torch::Tensor& weights, const torch::Tensor& gradients) const;
  void Clip(const torch::Tensor& gradients) const;
  // Updates one parameter group, `begin` to `end` of the vector. AdamW decays its first `decayed`
  // values.
  void Update(Network* network, int64_t begin, int64_t end, int64_t decayed, double learning_rate);
  void UpdateSgd(const torch::Tensor& values, const torch::Tensor& gradients,
                 const torch::Tensor& velocity, double learning_rate) const;
  void UpdateAdam(const torch::Tensor& values, const torch::Tensor& gradients,
                  const torch::Tensor& mean, const torch::Tensor& square,
                  double learning_rate) const;

  const v1::OptimizerConfig config_;
  const v1::RegularizerConfig regularizer_;
  const double theta_low_;
  const double theta_high_;
  int64_t steps_ = 0;
  torch::Tensor first_;   // SGD's velocity, Adam's first moment
  torch::Tensor second_;  // Adam's second moment
};

}  // namespace anneal::training::engines::reference

#endif  // ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_OPTIMIZER_H_
