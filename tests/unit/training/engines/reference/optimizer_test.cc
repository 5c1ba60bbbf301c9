#include "server/training/engines/reference/optimizer.h"

#include <torch/torch.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "tests/unit/training/torch_test_util.h"
#include "tests/unit/training/training_test_util.h"

namespace anneal::training::engines::reference {
namespace {

constexpr config::DatasetShape kData = {.height = 6, .width = 6, .classes = 3, .train_images = 100};
constexpr double kThetaLearningRate = 0.01;
constexpr int kSteps = 7;

v1::TrainingConfig ConfigOf(const std::string& text) {
  return Complete(
      text +
      " network { layers { conv { filters: 3 kernel: 3 } } layers { dense { units: 5 } } "
      "} theta { policy: THETA_POLICY_TRAINABLE granularity: THETA_GRANULARITY_CHANNEL "
      "start: 0.4 lower_bound: 0.3 upper_bound: 0.45 }");
}

Network Build(const v1::TrainingConfig& config) {
  Network network(config, PlanOf(config, kData).network, 1, torch::kDouble);
  // Perturbed, because initial biases of 0 would hide errors.
  const torch::NoGradGuard no_grad;
  const int64_t end = network.ranges().thetas_begin;
  network.values().narrow(0, 0, end).add_(0.3 * Normal({end}, 5));
  return network;
}

// LibTorch's optimiser on copies of a network's three parameter groups, with penalty, clipping and
// projection implemented independently.
class ExpectedOptimizer {
 public:
  ExpectedOptimizer(const v1::TrainingConfig& config, const Network& network) : config_(config) {
    const Network::Ranges& ranges = network.ranges();
    weights_ = Copy(network, 0, ranges.weights_end);
    rest_ = Copy(network, ranges.weights_end, ranges.thetas_begin);
    thetas_ = Copy(network, ranges.thetas_begin, ranges.end);
    MakeOptimizer();
  }

  void Step(const torch::Tensor& gradients) {
    const auto parts =
        gradients.split_with_sizes({weights_.numel(), rest_.numel(), thetas_.numel()});
    weights_.mutable_grad() = parts[0].clone();
    rest_.mutable_grad() = parts[1].clone();
    thetas_.mutable_grad() = parts[2].clone();
    const v1::RegularizerConfig& penalty = config_.regularizer();
    // Accumulates into the gradients.
    (penalty.l1() * weights_.abs().sum() + penalty.l2() * weights_.square().sum()).backward();
    const double norm = torch::cat({weights_.grad(), rest_.grad()}).norm().item<double>();
    const double most = config_.optimizer().clip_norm();
    if (most > 0 && norm > most) {
      weights_.mutable_grad() = weights_.grad() * (most / norm);
      rest_.mutable_grad() = rest_.grad() * (most / norm);
    }
    optimizer_->step();
    const torch::NoGradGuard no_grad;
    thetas_.clamp_(config_.theta().lower_bound(), config_.theta().upper_bound());
  }

  torch::Tensor Values() const { return torch::cat({weights_, rest_, thetas_}).detach(); }

 private:
  static torch::Tensor Copy(const Network& network, int64_t begin, int64_t end) {
    return network.values().slice(0, begin, end).detach().clone().requires_grad_();
  }

  template <typename Optimizer, typename Options>
  void Make(const Options& weights, const Options& rest, Options thetas) {
    thetas.lr(kThetaLearningRate);
    std::vector<torch::optim::OptimizerParamGroup> groups;
    groups.emplace_back(std::vector<torch::Tensor>{weights_}, std::make_unique<Options>(weights));
    groups.emplace_back(std::vector<torch::Tensor>{rest_}, std::make_unique<Options>(rest));
    groups.emplace_back(std::vector<torch::Tensor>{thetas_}, std::make_unique<Options>(thetas));
    optimizer_ = std::make_unique<Optimizer>(groups, rest);
  }

  void MakeOptimizer() {
    const v1::OptimizerConfig& c = config_.optimizer();
    const auto betas = std::make_tuple(c.beta1(), c.beta2());
    if (c.kind() == v1::OPTIMIZER_KIND_SGD) {
      const auto options =
          torch::optim::SGDOptions(c.learning_rate()).momentum(c.momentum()).nesterov(c.nesterov());
      Make<torch::optim::SGD>(options, options, options);
    } else if (c.kind() == v1::OPTIMIZER_KIND_ADAM) {
      const auto options =
          torch::optim::AdamOptions(c.learning_rate()).betas(betas).eps(c.epsilon());
      Make<torch::optim::Adam>(options, options, options);
    } else {
      auto options = torch::optim::AdamWOptions(c.learning_rate())
                         .betas(betas)
                         .eps(c.epsilon())
                         .weight_decay(c.weight_decay());
      auto free = options;
      free.weight_decay(0);
      Make<torch::optim::AdamW>(options, free, free);
    }
  }

  const v1::TrainingConfig config_;
  torch::Tensor weights_;
  torch::Tensor rest_;
  torch::Tensor thetas_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
};

class OptimizerTest : public ::testing::TestWithParam<std::tuple<std::string, std::string>> {};

TEST_P(OptimizerTest, MatchesLibTorchsOptimizer) {
  const auto& [kind, rest] = GetParam();
  const v1::TrainingConfig config = ConfigOf("optimizer { learning_rate: 0.02 " + kind + rest);
  Network network = Build(config);
  Optimizer optimizer(config, network);
  ExpectedOptimizer expected(config, network);
  for (int step = 0; step < kSteps; ++step) {
    const torch::Tensor gradients =
        Normal({network.ranges().end}, 100 + static_cast<uint64_t>(step));
    network.gradients().copy_(gradients);
    const torch::Tensor before = network.values().clone();
    optimizer.Step(&network, 0.02, kThetaLearningRate);
    expected.Step(gradients);
    ASSERT_FALSE(torch::equal(network.values(), before));
    EXPECT_LT((network.values() - expected.Values()).abs().max().item<double>(), 1e-12)
        << "after step " << step + 1;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, OptimizerTest,
    ::testing::Combine(
        ::testing::Values("kind: OPTIMIZER_KIND_SGD ", "kind: OPTIMIZER_KIND_SGD momentum: 0.9 ",
                          "kind: OPTIMIZER_KIND_SGD momentum: 0.9 nesterov: true ",
                          "kind: OPTIMIZER_KIND_ADAM ",
                          "kind: OPTIMIZER_KIND_ADAM beta1: 0.5 beta2: 0.9 epsilon: 0.01 ",
                          "kind: OPTIMIZER_KIND_ADAMW weight_decay: 0.1 "),
        ::testing::Values("}", "} regularizer { l1: 0.3 }", "} regularizer { l2: 0.3 }",
                          "clip_norm: 2 }", "clip_norm: 1e6 }",
                          "clip_norm: 2 } regularizer { l1: 0.2 l2: 0.3 }")));

// Copies of the parameter groups of a flat vector.
torch::Tensor Weights(const Network& network, const torch::Tensor& all) {
  return all.slice(0, 0, network.ranges().weights_end);
}
torch::Tensor Rest(const Network& network, const torch::Tensor& all) {
  return all.slice(0, network.ranges().weights_end, network.ranges().thetas_begin);
}
torch::Tensor Thetas(const Network& network, const torch::Tensor& all) {
  return all.slice(0, network.ranges().thetas_begin, network.ranges().end);
}

TEST(OptimizerGroupsTest, ProjectsThetasToTheirBounds) {
  const v1::TrainingConfig config = ConfigOf("optimizer { kind: OPTIMIZER_KIND_SGD }");
  Network network = Build(config);
  Optimizer optimizer(config, network);
  torch::Tensor thetas = Thetas(network, network.gradients());
  thetas.fill_(1000);
  thetas[0] = -1000;
  thetas[1] = 0;
  optimizer.Step(&network, 0.1, 0.1);
  const torch::Tensor after = Thetas(network, network.values());
  EXPECT_EQ(after[0].item<double>(), 0.45);
  EXPECT_EQ(after[1].item<double>(), 0.4);
  EXPECT_TRUE((after.slice(0, 2) == 0.3).all().item<bool>());
}

TEST(OptimizerGroupsTest, DoesNotPenaliseOrDecayBiasesAndThetas) {
  for (const std::string kind : {"SGD", "ADAM", "ADAMW"}) {
    const v1::TrainingConfig config =
        ConfigOf("optimizer { kind: OPTIMIZER_KIND_" + kind +
                 " weight_decay: 0.5 } regularizer { l1: 0.5 l2: 0.5 }");
    Network network = Build(config);
    Optimizer optimizer(config, network);
    const torch::Tensor before = network.values().clone();
    network.gradients().zero_();
    optimizer.Step(&network, 0.01, 0.01);
    EXPECT_TRUE((Weights(network, network.values()).abs() < Weights(network, before).abs())
                    .to(torch::kDouble)
                    .mean()
                    .item<double>() > 0.9)
        << kind;
    EXPECT_TRUE(torch::equal(Rest(network, network.values()), Rest(network, before))) << kind;
    EXPECT_TRUE(torch::equal(Thetas(network, network.values()), Thetas(network, before))) << kind;
  }
}

TEST(OptimizerGroupsTest, DoesNotPenaliseOrDecayBatchNormParameters) {
  const v1::TrainingConfig config = Complete(
      "network { batch_norm: true layers { dense { units: 5 } } } "
      "optimizer { kind: OPTIMIZER_KIND_ADAMW weight_decay: 0.5 } regularizer { l1: 0.5 l2: 0.5 }");
  Network network = Build(config);
  Optimizer optimizer(config, network);
  const torch::Tensor before = network.values().clone();
  network.gradients().zero_();
  optimizer.Step(&network, 0.01, 0);
  EXPECT_EQ(Rest(network, before).numel(), 5 + 3 + 2 * 5);
  EXPECT_TRUE(torch::equal(Rest(network, network.values()), Rest(network, before)));
  EXPECT_FALSE(torch::equal(Weights(network, network.values()), Weights(network, before)));
}

TEST(OptimizerGroupsTest, OnlyAdamWDecaysWeights) {
  for (const std::string kind : {"ADAM", "ADAMW"}) {
    const v1::TrainingConfig config =
        ConfigOf("optimizer { kind: OPTIMIZER_KIND_" + kind + " weight_decay: 0.5 }");
    Network network = Build(config);
    Optimizer optimizer(config, network);
    const torch::Tensor before = Weights(network, network.values()).clone();
    network.gradients().zero_();
    optimizer.Step(&network, 0.01, 0.01);
    const double factor = kind == "ADAMW" ? 1 - 0.01 * 0.5 : 1;
    EXPECT_TRUE(torch::allclose(Weights(network, network.values()), factor * before, 1e-14, 0))
        << kind;
  }
}

TEST(OptimizerGroupsTest, ClipsTheGlobalNormOfWeightsAndBiasesButNotThetas) {
  const v1::TrainingConfig config =
      ConfigOf("optimizer { kind: OPTIMIZER_KIND_SGD clip_norm: 0.5 }");
  Network network = Build(config);
  Optimizer optimizer(config, network);
  const torch::Tensor gradients = Normal({network.ranges().end}, 1);
  network.gradients().copy_(gradients);
  // Small enough that projection has no effect.
  Thetas(network, network.gradients()).mul_(1e-3);
  const torch::Tensor before = network.values().clone();
  optimizer.Step(&network, 1, 1);
  const torch::Tensor moved = before - network.values();
  const torch::Tensor clipped = torch::cat({Weights(network, moved), Rest(network, moved)});
  EXPECT_NEAR(clipped.norm().item<double>(), 0.5, 1e-12);
  EXPECT_LT((Thetas(network, moved) - 1e-3 * Thetas(network, gradients)).abs().max().item<double>(),
            1e-14);
}

TEST(OptimizerGroupsTest, UsesTheLearningRateOfEachGroup) {
  const v1::TrainingConfig config = ConfigOf("optimizer { kind: OPTIMIZER_KIND_SGD }");
  Network network = Build(config);
  Optimizer optimizer(config, network);
  network.gradients().fill_(1);
  const torch::Tensor before = network.values().clone();
  optimizer.Step(&network, 0.25, 0.0625);
  const torch::Tensor moved = before - network.values();
  EXPECT_TRUE(torch::allclose(Weights(network, moved), torch::full({1}, 0.25, torch::kDouble)));
  EXPECT_TRUE(torch::allclose(Rest(network, moved), torch::full({1}, 0.25, torch::kDouble)));
  EXPECT_TRUE(torch::allclose(Thetas(network, moved), torch::full({1}, 0.0625, torch::kDouble)));
}

TEST(OptimizerGroupsTest, DoesNotUpdateAnUntrainedTheta) {
  for (const std::string kind : {"SGD", "ADAM", "ADAMW"}) {
    const v1::TrainingConfig config = Complete(
        "network { layers { dense { units: 5 } } } theta { start: 0.3 } "
        "optimizer { kind: OPTIMIZER_KIND_" +
        kind + " }");
    Network network = Build(config);
    Optimizer optimizer(config, network);
    network.gradients().fill_(1);
    optimizer.Step(&network, 0.1, 0.1);
    EXPECT_EQ(Thetas(network, network.values()).item<double>(), 0.3) << kind;
  }
}

TEST(OptimizerGroupsTest, Float32MatchesFloat64ToRounding) {
  const v1::TrainingConfig config = ConfigOf("optimizer { kind: OPTIMIZER_KIND_ADAM }");
  Network single(config, PlanOf(config, kData).network, 1, torch::kFloat);
  Network twice(config, PlanOf(config, kData).network, 1, torch::kDouble);
  Optimizer single_optimizer(config, single);
  Optimizer double_optimizer(config, twice);
  for (uint64_t step = 0; step < kSteps; ++step) {
    const torch::Tensor gradients = Normal({twice.ranges().end}, 100 + step);
    single.gradients().copy_(gradients);
    twice.gradients().copy_(gradients);
    single_optimizer.Step(&single, 0.01, 0.01);
    double_optimizer.Step(&twice, 0.01, 0.01);
  }
  EXPECT_LT((single.values() - twice.values()).abs().max().item<double>(), 1e-6);
}

}  // namespace
}  // namespace anneal::training::engines::reference
