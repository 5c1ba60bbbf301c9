#include "server/training/engines/reference/network.h"

#include <torch/torch.h>

#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/unit/training/torch_test_util.h"
#include "tests/unit/training/training_test_util.h"

namespace anneal::training::engines::reference {
namespace {

using Shape = std::vector<int64_t>;

constexpr config::DatasetShape kData = {.height = 8, .width = 8, .classes = 3, .train_images = 100};

// conv 3@3x3 + pool 2 (6x6 to 3x3), dense 5, dense 3.
const std::string kMaxPool =
    "network { layers { conv { filters: 3 kernel: 3 pool: POOL_MAX } } "
    "layers { dense { units: 5 } } } ";
const std::string kAveragePool =
    "network { layers { conv { filters: 3 kernel: 3 pool: POOL_AVG } } "
    "layers { dense { units: 5 } } } ";
const std::string kNoPool =
    "network { layers { conv { filters: 3 kernel: 3 stride: 2 padding: 1 } } "
    "layers { conv { filters: 2 kernel: 2 } } layers { dense { units: 5 } } } ";

// Returns the resolved config of several concatenated texts.
v1::TrainingConfig Merged(const std::string& layers, const std::string& rest = "",
                          const std::string& more = "") {
  v1::TrainingConfig config = FromText<v1::TrainingConfig>(layers);
  config.MergeFrom(FromText<v1::TrainingConfig>(rest));
  config.MergeFrom(FromText<v1::TrainingConfig>(more));
  config = config::ResolveConfig(config);
  EXPECT_EQ(config::CheckConfig(config), absl::OkStatus());
  return config;
}

Network Build(const v1::TrainingConfig& config, int64_t seed = 1,
              const config::DatasetShape& data = kData) {
  return Network(config, PlanOf(config, data).network, seed, torch::kDouble);
}

std::string Fixed(double theta) { return absl::StrCat("theta { start: ", theta, " } "); }
const std::string kFixedLinear = "theta { start: 0.78539816339744830962 } ";

std::string Trainable(const std::string& granularity, const std::string& start = "0.4") {
  return "theta { policy: THETA_POLICY_TRAINABLE start: " + start +
         " granularity: THETA_GRANULARITY_" + granularity + " } ";
}

torch::Tensor Images(int64_t count, uint64_t seed) { return Normal({count, 1, 8, 8}, seed); }

torch::Tensor Logits(Network* network, const torch::Tensor& images, Network::Forward mode = {}) {
  const torch::NoGradGuard no_grad;
  return network->Logits(images, mode);
}

double MaxNorm(const torch::Tensor& tensor) { return tensor.abs().max().item<double>(); }

// Returns the maximum norm of f(a + b) - f(a) - f(b) + f(0), which is 0 for an affine f.
double AffineDeviation(Network* network) {
  const torch::Tensor a = Images(4, 11);
  const torch::Tensor b = Images(4, 12);
  return MaxNorm(Logits(network, a + b) - Logits(network, a) - Logits(network, b) +
                 Logits(network, torch::zeros_like(a)));
}

// Perturbs the parameters: initial biases of 0 would hide errors.
void Perturb(Network* network) {
  const torch::NoGradGuard no_grad;
  torch::Tensor& values = network->values();
  const int64_t end = network->ranges().thetas_begin;
  values.narrow(0, 0, end).add_(0.3 * Normal({end}, 21));
}

TEST(NetworkTest, IsAffineAtQuarterPiWithoutMaxPooling) {
  for (const std::string& layers : {kAveragePool, kNoPool}) {
    for (const std::string& theta : {kFixedLinear, Trainable("NEURON", "0.78539816339744830962"),
                                     std::string("theta { policy: THETA_POLICY_SCHEDULED } ")}) {
      Network network = Build(Merged(layers, theta));
      Perturb(&network);
      EXPECT_LT(AffineDeviation(&network), 1e-12) << layers << theta;
    }
  }
}

// Max-pooling is not linear, whatever the activation: a network with max-pooling is not affine at
// theta = pi/4 either.
TEST(NetworkTest, IsNotAffineWithMaxPoolingEvenAtQuarterPi) {
  Network network = Build(Merged(kMaxPool, kFixedLinear));
  EXPECT_GT(AffineDeviation(&network), 1e-2);
}

TEST(NetworkTest, IsNotAffineBelowQuarterPi) {
  Network network = Build(Merged(kAveragePool, Fixed(0.6)));
  EXPECT_GT(AffineDeviation(&network), 1e-3);
}

// Leaves: weight and bias of conv, hidden dense and output layer.
TEST(NetworkTest, MaxPoolingCommutesWithActivation) {
  for (const double theta : {0.0, 0.3, 0.7}) {
    Network network = Build(Merged(kMaxPool, Fixed(theta)));
    Perturb(&network);
    const torch::NoGradGuard no_grad;
    const auto& leaves = network.weight_leaves();
    ASSERT_EQ(leaves.size(), 6u);
    const double slope = std::tan(theta);
    const auto activate = [slope](const torch::Tensor& x) { return torch::maximum(x * slope, x); };
    const torch::Tensor images = Images(5, 3);
    torch::Tensor x = torch::max_pool2d(activate(torch::conv2d(images, leaves[0], leaves[1])), 2);
    x = activate(torch::linear(x.flatten(1), leaves[2], leaves[3]));
    x = torch::linear(x, leaves[4], leaves[5]);
    EXPECT_LT(MaxNorm(Logits(&network, images) - x), 1e-12) << theta;
  }
}

TEST(NetworkTest, AveragesBeforeItActivates) {
  Network network = Build(Merged(kAveragePool, Fixed(0.3)));
  Perturb(&network);
  const torch::NoGradGuard no_grad;
  const auto& leaves = network.weight_leaves();
  const double slope = std::tan(0.3);
  const auto activate = [slope](const torch::Tensor& x) { return torch::maximum(x * slope, x); };
  const torch::Tensor images = Images(5, 3);
  torch::Tensor x = activate(torch::avg_pool2d(torch::conv2d(images, leaves[0], leaves[1]), 2));
  x = activate(torch::linear(x.flatten(1), leaves[2], leaves[3]));
  x = torch::linear(x, leaves[4], leaves[5]);
  EXPECT_LT(MaxNorm(Logits(&network, images) - x), 1e-12);
}

// One image, one 2x2 kernel with stride 2 and padding 1, computed by hand.
TEST(NetworkTest, ConvolvesWithStrideAndPadding) {
  const config::DatasetShape data = {.height = 2, .width = 2, .classes = 2, .train_images = 100};
  Network network = Build(
      Merged("network { layers { conv { filters: 1 kernel: 2 stride: 2 padding: 1 } } }"), 1, data);
  const torch::NoGradGuard no_grad;
  network.weight_leaves()[0].copy_(
      torch::tensor({1.0, 10.0, 100.0, 1000.0}, torch::kDouble).view({1, 1, 2, 2}));
  network.weight_leaves()[1].fill_(0.5);
  std::vector<torch::Tensor> seen;
  network.Logits(torch::tensor({1.0, 2.0, 3.0, 4.0}, torch::kDouble).view({1, 1, 2, 2}),
                 {.pre_activations = &seen});
  ASSERT_EQ(seen.size(), 1u);
  // At the corners, the kernel's last, third, second and first tap meet pixels 1, 2, 3 and 4.
  EXPECT_TRUE(
      torch::equal(seen[0].flatten(), torch::tensor({1000.5, 200.5, 30.5, 4.5}, torch::kDouble)))
      << seen[0];
}

TEST(NetworkTest, ReportsThePreActivations) {
  Network network = Build(Merged(kMaxPool));
  std::vector<torch::Tensor> seen;
  Logits(&network, Images(4, 1), {.pre_activations = &seen});
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].sizes(), (Shape{4, 3, 3, 3}));
  EXPECT_EQ(seen[1].sizes(), (Shape{4, 5}));
}

TEST(NetworkTest, DropsIncompletePoolingWindows) {
  const config::DatasetShape data = {.height = 9, .width = 10, .classes = 3, .train_images = 100};
  Network network = Build(
      Merged("network { layers { conv { filters: 2 kernel: 3 pool: POOL_MAX pool_size: 3 } } }"), 1,
      data);
  std::vector<torch::Tensor> seen;
  Logits(&network, Normal({1, 1, 9, 10}, 1), {.pre_activations = &seen});
  EXPECT_EQ(seen[0].sizes(), (Shape{1, 2, 2, 2}));
}

TEST(NetworkTest, RunsWithAllThetasZeroInReluMode) {
  for (const std::string& theta : {Fixed(0.4), Trainable("CHANNEL")}) {
    Network network = Build(Merged(kMaxPool, theta));
    Perturb(&network);
    const torch::Tensor images = Images(4, 1);
    const torch::Tensor relu = Logits(&network, images, {.thetas = ThetaMode::kRelu});
    EXPECT_FALSE(torch::equal(relu, Logits(&network, images)));
    const torch::NoGradGuard no_grad;
    if (network.trains_theta()) {
      network.values().narrow(0, network.ranges().thetas_begin, 8).fill_(0);
    } else {
      network.SetTheta(0);
    }
    EXPECT_TRUE(torch::allclose(relu, Logits(&network, images), 1e-14, 1e-14)) << theta;
  }
}

// Covers all granularities and policies, and batch normalisation.
class NetworkGradientTest : public ::testing::TestWithParam<std::string> {};

TEST_P(NetworkGradientTest, MatchesCentralDifferencesOfTheCrossEntropy) {
  Network network = Build(Merged(kMaxPool, GetParam()));
  Perturb(&network);
  const torch::Tensor images = Images(6, 31);
  const torch::Tensor labels = torch::tensor({0, 2, 1, 1, 0, 2}, torch::kLong);
  const Network::Ranges& ranges = network.ranges();
  const int64_t thetas = ranges.end - ranges.thetas_begin;
  if (network.trains_theta()) {
    const torch::NoGradGuard no_grad;
    network.values().narrow(0, ranges.thetas_begin, thetas).copy_(Uniform({thetas}, 0.2, 0.6, 32));
  }
  const auto loss = [&] {
    return torch::cross_entropy_loss(network.Logits(images, {.training = true}), labels);
  };
  network.gradients().zero_();
  loss().backward();
  const torch::Tensor differences = CentralDifferences(network.values(), [&] {
    const torch::NoGradGuard no_grad;
    return loss().item<double>();
  });
  const auto expect_same = [&](int64_t begin, int64_t end) {
    EXPECT_LT(
        RelativeError(network.gradients().slice(0, begin, end), differences.slice(0, begin, end)),
        1e-6)
        << begin << ".." << end;
  };
  expect_same(0, ranges.weights_end);
  expect_same(ranges.weights_end, ranges.thetas_begin);
  if (network.trains_theta()) expect_same(ranges.thetas_begin, ranges.end);
}

INSTANTIATE_TEST_SUITE_P(Configs, NetworkGradientTest,
                         ::testing::Values(Fixed(0.4), Trainable("NETWORK"), Trainable("LAYER"),
                                           Trainable("CHANNEL"), Trainable("NEURON"),
                                           Trainable("CHANNEL") + "network { batch_norm: true }"));

TEST(NetworkTest, CollectsAllGradientsInOneVector) {
  Network network = Build(Merged(kMaxPool, Trainable("LAYER")));
  const torch::Tensor images = Images(6, 31);
  const auto backward = [&] { network.Logits(images, {}).square().sum().backward(); };
  network.gradients().zero_();
  backward();
  const torch::Tensor once = network.gradients().clone();
  EXPECT_TRUE((once.narrow(0, network.ranges().thetas_begin, 2) != 0).all().item<bool>());
  backward();
  EXPECT_TRUE(torch::allclose(network.gradients(), 2 * once, 1e-12, 0));
}

struct ThetaCase {
  std::string theta;
  std::vector<int> layers;
  std::vector<std::vector<int>> shapes;
};

class NetworkThetasTest : public ::testing::TestWithParam<ThetaCase> {};

TEST_P(NetworkThetasTest, AreListedWithLayerShapeAndStart) {
  const v1::TrainingConfig config = Merged(kMaxPool, GetParam().theta);
  const config::RunPlan plan = PlanOf(config, kData);
  const Network network = Build(config);
  const std::vector<v1::ThetaVector> thetas = network.Thetas();
  ASSERT_EQ(thetas.size(), GetParam().layers.size());
  int64_t count = 0;
  for (size_t i = 0; i < thetas.size(); ++i) {
    EXPECT_EQ(thetas[i].layer(), GetParam().layers[i]);
    EXPECT_EQ(std::vector<int>(thetas[i].shape().begin(), thetas[i].shape().end()),
              GetParam().shapes[i]);
    int size = 1;
    for (const int side : GetParam().shapes[i]) size *= side;
    ASSERT_EQ(thetas[i].values_size(), size);
    for (const float value : thetas[i].values()) {
      EXPECT_EQ(value, static_cast<float>(config.theta().start()));
    }
    count += size;
  }
  EXPECT_EQ(count, plan.network.thetas);
  EXPECT_EQ(network.ranges().end - network.ranges().thetas_begin, plan.network.thetas);
}

INSTANTIATE_TEST_SUITE_P(
    Policies, NetworkThetasTest,
    ::testing::Values(
        ThetaCase{Fixed(0.3), {-1}, {{1}}},
        ThetaCase{"theta { start: 0.3 granularity: THETA_GRANULARITY_NEURON }", {-1}, {{1}}},
        ThetaCase{"theta { policy: THETA_POLICY_SCHEDULED }", {-1}, {{1}}},
        ThetaCase{Trainable("NETWORK"), {-1}, {{1}}},
        ThetaCase{Trainable("LAYER"), {0, 1}, {{1}, {1}}},
        ThetaCase{Trainable("CHANNEL"), {0, 1}, {{3}, {5}}},
        ThetaCase{Trainable("NEURON"), {0, 1}, {{3, 3, 3}, {5}}}));

TEST(NetworkTest, ListsThetasInUnitOrder) {
  Network network = Build(Merged(kMaxPool, Trainable("NEURON")));
  const int64_t begin = network.ranges().thetas_begin;
  {
    const torch::NoGradGuard no_grad;
    network.values().narrow(0, begin, 32).copy_(torch::linspace(0.1, 0.7, 32, torch::kDouble));
  }
  const torch::Tensor slope = network.SlopeOfLayer(0);
  ASSERT_EQ(slope.sizes(), (Shape{3, 3, 3}));
  const std::vector<v1::ThetaVector> thetas = network.Thetas();
  for (int i = 0; i < 27; ++i) {
    const float value = thetas[0].values(i);
    EXPECT_NEAR(std::tan(value), slope[i / 9][i / 3 % 3][i % 3].item<double>(), 1e-6);
  }
}

TEST(NetworkTest, HasSlopeOneAtQuarterPi) {
  const Network network = Build(Merged(kMaxPool, kFixedLinear));
  EXPECT_NEAR(network.SlopeOfLayer(0).item<double>(), 1, 1e-15);
}

TEST(NetworkTest, HasAsManyParametersAsItsPlan) {
  for (const bool norm : {false, true}) {
    const v1::TrainingConfig config =
        Merged(kMaxPool, (norm ? "network { batch_norm: true }" : ""));
    const config::NetworkPlan plan = PlanOf(config, kData).network;
    const Network network = Build(config);
    // Weights 3x9, 5x27, 3x5; a bias a channel, and scale and shift of the hidden ones.
    EXPECT_EQ(network.ranges().weights_end, 27 + 135 + 15);
    EXPECT_EQ(network.ranges().thetas_begin, 27 + 135 + 15 + 11 + (norm ? 16 : 0));
    EXPECT_EQ(network.ranges().thetas_begin, plan.parameters);
    int64_t leaves = 0;
    for (const torch::Tensor& leaf : network.weight_leaves()) leaves += leaf.numel();
    EXPECT_EQ(leaves, plan.parameters);
  }
}

TEST(NetworkTest, HasTheDefaultNetworksKnownSize) {
  const config::DatasetShape mnist = {
      .height = 28, .width = 28, .classes = 10, .train_images = 60000};
  const Network network = Build(Merged(""), 1, mnist);
  EXPECT_EQ(network.ranges().thetas_begin, 6362);
}

TEST(NetworkTest, SeparatesTheGradientsOfEachLayer) {
  Network network = Build(Merged(kMaxPool));
  network.gradients().zero_();
  network.Logits(Images(6, 31), {}).square().sum().backward();
  const auto& leaves = network.weight_leaves();
  ASSERT_EQ(network.layer_gradients().size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    const Network::LayerGradients& gradients = network.layer_gradients()[i];
    EXPECT_NEAR(gradients.weights.norm().item<double>(), leaves[2 * i].grad().norm().item<double>(),
                1e-12);
    EXPECT_NEAR(gradients.bias.norm().item<double>(),
                leaves[2 * i + 1].grad().norm().item<double>(), 1e-12);
    EXPECT_GT(gradients.weights.norm().item<double>(), 0);
  }
}

TEST(NetworkTest, RestoresItsSavedState) {
  for (const std::string& theta : {Fixed(0.3), Trainable("NEURON")}) {
    for (const std::string& norm : {std::string(), std::string("network { batch_norm: true }")}) {
      const v1::TrainingConfig config = Merged(kMaxPool, theta, norm);
      Network network = Build(config);
      const torch::Tensor images = Images(6, 1);
      Logits(&network, Images(20, 2), {.training = true});
      const torch::Tensor before = Logits(&network, images);
      const torch::Tensor values = network.values().clone();
      const model::Tensors state = network.Save();

      Perturb(&network);
      if (!network.trains_theta()) network.SetTheta(0.7);
      Logits(&network, Images(20, 3), {.training = true});
      ASSERT_FALSE(torch::equal(Logits(&network, images), before));
      ASSERT_TRUE(network.Load(state).ok());
      EXPECT_TRUE(torch::equal(Logits(&network, images), before)) << theta << norm;
      EXPECT_TRUE(torch::equal(network.values(), values)) << theta << norm;

      Network other = Build(config, 99);
      ASSERT_TRUE(other.Load(state).ok());
      EXPECT_TRUE(torch::equal(Logits(&other, images), before)) << theta << norm;
    }
  }
}

// The layers have enough weights for statistics: 64x25, 100x(64x16), 3x100.
TEST(NetworkTest, InitialWeightsHaveTheDeviationOfTheGain) {
  const std::string layers =
      "network { layers { conv { filters: 64 kernel: 5 } } layers { dense { units: 100 } } } ";
  struct Case {
    std::string config;
    double gain;
  };
  const double slope = std::tan(0.5);
  for (const Case& c : {Case{Fixed(0), std::sqrt(2)}, Case{kFixedLinear, 1},
                        Case{Fixed(0.5), std::sqrt(2 / (1 + slope * slope))},
                        Case{Fixed(0.5) + "network { init_gain: INIT_GAIN_RELU }", std::sqrt(2)},
                        Case{"theta { policy: THETA_POLICY_SCHEDULED start: 0.5 }",
                             std::sqrt(2 / (1 + slope * slope))}}) {
    const v1::TrainingConfig config = Merged(layers, c.config);
    const Network network = Build(config);
    const std::vector<double> fan_in = {25, 1024, 100};
    for (size_t i = 0; i < 3; ++i) {
      const torch::Tensor weight = network.weight_leaves()[2 * i].detach();
      const auto n = static_cast<double>(weight.numel());
      const double expected = c.gain / std::sqrt(fan_in[i]);
      const double root_mean_square = weight.norm().item<double>() / std::sqrt(n);
      EXPECT_NEAR(root_mean_square / expected, 1, 5 / std::sqrt(2 * n)) << c.config << i;
      EXPECT_NEAR(weight.mean().item<double>() / expected, 0, 5 / std::sqrt(n)) << c.config << i;
      EXPECT_EQ(MaxNorm(network.weight_leaves()[2 * i + 1].detach()), 0);
    }
  }
}

TEST(NetworkTest, AllThetaPoliciesHaveTheSameInitialWeights) {
  const std::string gain = "network { init_gain: INIT_GAIN_RELU } ";
  const Network baseline = Build(Merged(kMaxPool, gain));
  const int64_t size = baseline.ranges().thetas_begin;
  for (const std::string& theta :
       {kFixedLinear, std::string("theta { policy: THETA_POLICY_SCHEDULED } "),
        Trainable("NETWORK"), Trainable("CHANNEL"), Trainable("NEURON")}) {
    const Network other = Build(Merged(kMaxPool, gain, theta));
    EXPECT_TRUE(
        torch::equal(baseline.values().narrow(0, 0, size), other.values().narrow(0, 0, size)))
        << theta;
  }
  const Network another_seed = Build(Merged(kMaxPool, gain), 2);
  EXPECT_FALSE(torch::equal(baseline.values(), another_seed.values()));
}

TEST(NetworkTest, InitialWeightsDifferByTheGainWhenItFollowsTheta) {
  const Network relu = Build(Merged(kMaxPool));
  const Network linear = Build(Merged(kMaxPool, kFixedLinear));
  const int64_t size = relu.ranges().weights_end;
  EXPECT_TRUE(torch::allclose(relu.values().narrow(0, 0, size),
                              std::sqrt(2) * linear.values().narrow(0, 0, size), 1e-12, 0));
}

TEST(NetworkTest, ActivationsNeitherVanishNorExplodeThrough24Layers) {
  for (const std::string& theta : {Fixed(0), Fixed(0.4), kFixedLinear, Trainable("NEURON")}) {
    v1::TrainingConfig config = FromText<v1::TrainingConfig>(theta);
    for (int i = 0; i < 20; ++i) {
      config.mutable_network()->add_layers()->MergeFrom(
          FromText<v1::HiddenLayer>("conv { filters: 16 kernel: 3 padding: 1 }"));
    }
    for (int i = 0; i < 4; ++i) {
      config.mutable_network()->add_layers()->mutable_dense()->set_units(64);
    }
    config = config::ResolveConfig(config);
    Network network(config, PlanOf(config, kData).network, 1, torch::kFloat);
    const torch::Tensor logits = network.Logits(Images(8, 1).to(torch::kFloat), {.training = true});
    ASSERT_TRUE(torch::isfinite(logits).all().item<bool>()) << theta;
    EXPECT_GT(MaxNorm(logits.detach()), 1e-3) << theta;
    network.gradients().zero_();
    logits.square().sum().backward();
    EXPECT_TRUE(torch::isfinite(network.gradients()).all().item<bool>()) << theta;
    EXPECT_GT(network.layer_gradients()[0].weights.norm().item<double>(), 0) << theta;
  }
}

const std::string kNorm = "network { batch_norm: true } ";

TEST(BatchNormTest, NormalisesEachChannelBeforePooling) {
  Network network = Build(Merged(kAveragePool, kNorm));
  std::vector<torch::Tensor> seen;
  Logits(&network, Images(50, 1), {.training = true, .pre_activations = &seen});
  // Average-pooling preserves the means, which normalisation sets to 0.
  EXPECT_LT(MaxNorm(seen[0].mean(Shape{0, 2, 3})), 1e-12);
  EXPECT_LT(MaxNorm(seen[1].mean(Shape{0})), 1e-12);
  EXPECT_LT(MaxNorm(seen[1].var(Shape{0}, /*unbiased=*/false) - 1), 1e-2);
}

TEST(BatchNormTest, StatisticsAtThetaZeroAreCumulativeMeans) {
  Network network = Build(Merged(kAveragePool, kNorm, Fixed(0.5)));
  const torch::Tensor images = Images(6, 1);
  const auto logits_after = [&](const std::vector<uint64_t>& seeds) {
    network.ResetReluStatistics();
    for (const uint64_t seed : seeds) {
      Logits(&network, Images(20, seed), {.thetas = ThetaMode::kRelu, .training = true});
    }
    return Logits(&network, images, {.thetas = ThetaMode::kRelu});
  };
  const torch::Tensor one_way = logits_after({2, 3, 4});
  const torch::Tensor other_way = logits_after({4, 2, 3});
  EXPECT_LT(MaxNorm(one_way - other_way), 1e-12);
  // A reset discards earlier batches.
  const torch::Tensor alone = logits_after({5});
  EXPECT_GT(MaxNorm(one_way - alone), 1e-3);
  logits_after({2, 3, 4});
  EXPECT_TRUE(torch::allclose(logits_after({5}), alone, 1e-12, 1e-12));
}

TEST(BatchNormTest, KeepsSeparateStatisticsPerThetaMode) {
  Network network = Build(Merged(kAveragePool, kNorm, Fixed(0.5)));
  const torch::Tensor images = Images(6, 1);
  Logits(&network, Images(20, 2), {.training = true});
  const torch::Tensor current = Logits(&network, images);
  network.ResetReluStatistics();
  Logits(&network, Images(20, 3), {.thetas = ThetaMode::kRelu, .training = true});
  EXPECT_TRUE(torch::equal(Logits(&network, images), current));
  const torch::Tensor relu = Logits(&network, images, {.thetas = ThetaMode::kRelu});
  Logits(&network, Images(20, 4), {.training = true});
  EXPECT_TRUE(torch::equal(Logits(&network, images, {.thetas = ThetaMode::kRelu}), relu));
}

TEST(BatchNormTest, KeepsFiniteStatisticsAfterABatchOfOneImage) {
  Network network = Build(Merged(kMaxPool, kNorm));
  Logits(&network, Images(20, 2), {.training = true});
  Logits(&network, Images(1, 3), {.training = true});
  EXPECT_TRUE(torch::isfinite(Logits(&network, Images(6, 1))).all().item<bool>());
}

}  // namespace
}  // namespace anneal::training::engines::reference
