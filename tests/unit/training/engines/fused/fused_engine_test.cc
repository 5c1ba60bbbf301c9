#include "server/training/engines/fused/fused_engine.h"

#include <torch/torch.h>

#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/enum_name.h"
#include "hwy/targets.h"
#include "server/training/make_engine.h"
#include "tests/unit/training/torch_test_util.h"
#include "tests/unit/training/training_test_util.h"

namespace anneal::training::engines::fused {
namespace {

constexpr int64_t kHeight = 13;
constexpr int64_t kWidth = 11;
constexpr int kClasses = 3;

struct Images {
  explicit Images(int64_t count, uint64_t seed)
      : pixels(Normal({count, kHeight * kWidth}, seed).to(torch::kFloat)),
        labels(torch::arange(count, torch::kLong).remainder(kClasses).contiguous()) {}
  data::Batch batch() const {
    return {.images = pixels.data_ptr<float>(),
            .labels = labels.data_ptr<int64_t>(),
            .count = labels.numel()};
  }
  torch::Tensor pixels;
  torch::Tensor labels;
};

config::RunPlan Plan(const v1::TrainingConfig& config) {
  return PlanOf(config,
                {.height = kHeight, .width = kWidth, .classes = kClasses, .train_images = 1000});
}

// Returns a network whose second layer uses Winograd's F(2x2, 3x3) (winograd-inl.h): 3x3 kernels,
// 2x2 max-pooling, a multiple of 16 input channels, and fewer than 16 or a multiple of 16 filters.
std::string RandomWinogradNetwork(std::mt19937* random) {
  const auto pick = [random](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(*random);
  };
  const int filters = pick(0, 1) == 0 ? pick(1, 15) : 16 * pick(1, 3);
  return absl::StrCat("network { layers { conv { filters: ", 16 * pick(1, 3),
                      " kernel: ", pick(1, 4), " } } layers { conv { filters: ", filters,
                      " kernel: 3 padding: ", pick(0, 2), " pool: POOL_MAX } } ",
                      pick(0, 1) == 0 ? "" : "layers { conv { filters: 6 kernel: 2 } } ", "} ");
}
constexpr unsigned kFirstWinogradSeed = 60;

// Returns a network whose first layer uses F(2x2, 2x2) (image_winograd-inl.h): 4x4 kernels, 2x2
// max-pooling, one input channel.
std::string RandomImageWinogradNetwork(std::mt19937* random) {
  const auto pick = [random](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(*random);
  };
  const int filters = pick(0, 1) == 0 ? pick(1, 15) : 16 * pick(1, 3);
  return absl::StrCat("network { layers { conv { filters: ", filters,
                      " kernel: 4 padding: ", pick(0, 3), " pool: POOL_MAX } } ",
                      pick(0, 1) == 0 ? "" : "layers { conv { filters: 6 kernel: 2 } } ", "} ");
}
constexpr unsigned kFirstImageWinogradSeed = 90;

// Returns a random network that fits the input.
std::string RandomNetwork(std::mt19937* random) {
  const auto pick = [random](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(*random);
  };
  std::string layers;
  int height = kHeight;
  int width = kWidth;
  const int convs = pick(0, 3);
  for (int i = 0; i < convs; ++i) {
    const int padding = pick(0, 2);
    const int kernel = std::min({pick(padding + 1, 6), height + 2 * padding, width + 2 * padding});
    const int stride = pick(1, 3);
    if (padding >= kernel) break;
    int out_height = (height + 2 * padding - kernel) / stride + 1;
    int out_width = (width + 2 * padding - kernel) / stride + 1;
    const char* pool = "POOL_NONE";
    int pool_size = 2;
    if (std::min(out_height, out_width) >= 3) {
      pool = std::vector<const char*>{"POOL_NONE", "POOL_MAX", "POOL_AVG"}[size_t(pick(0, 2))];
      pool_size = pick(2, std::min({4, out_height, out_width}));
      if (pool != std::string("POOL_NONE")) {
        out_height /= pool_size;
        out_width /= pool_size;
      }
    }
    absl::StrAppend(&layers, "layers { conv { filters: ", pick(1, 70), " kernel: ", kernel,
                    " stride: ", stride, " padding: ", padding, " pool: ", pool,
                    " pool_size: ", pool_size, " } } ");
    height = out_height;
    width = out_width;
  }
  const int dense = pick(convs == 0 ? 1 : 0, 2);
  for (int i = 0; i < dense; ++i) {
    absl::StrAppend(&layers, "layers { dense { units: ", pick(1, 40), " } } ");
  }
  if (layers.empty()) layers = "layers { dense { units: 5 } } ";
  return "network { " + layers + "} ";
}

std::string RandomTheta(std::mt19937* random) {
  const std::vector<std::string> policies = {
      "theta { policy: THETA_POLICY_FIXED start: 0 } ",
      "theta { policy: THETA_POLICY_FIXED start: 0.4 } ",
      "theta { policy: THETA_POLICY_FIXED start: 0.78539816339744830962 } ",
      "theta { policy: THETA_POLICY_TRAINABLE granularity: THETA_GRANULARITY_NETWORK start: 0.5 } ",
      "theta { policy: THETA_POLICY_TRAINABLE granularity: THETA_GRANULARITY_LAYER start: 0.3 } ",
      "theta { policy: THETA_POLICY_TRAINABLE granularity: THETA_GRANULARITY_CHANNEL } ",
      "theta { policy: THETA_POLICY_TRAINABLE granularity: THETA_GRANULARITY_NEURON start: 0.6 } "};
  return policies[(*random)() % policies.size()];
}

// Returns the Highway targets that this processor supports.
std::vector<int64_t> Targets() {
  std::vector<int64_t> targets = hwy::SupportedAndGeneratedTargets();
  std::erase(targets, HWY_SSSE3);  // disabled in kernels.cc
  return targets;
}

class RandomNetworkTest : public ::testing::TestWithParam<unsigned> {
 protected:
  void SetUp() override { PrepareTrainingThread(); }
  void TearDown() override { hwy::SetSupportedTargetsForTest(0); }
  static std::string MakeNetwork(std::mt19937* random) {
    return GetParam() < kFirstWinogradSeed        ? RandomNetwork(random)
           : GetParam() < kFirstImageWinogradSeed ? RandomWinogradNetwork(random)
                                                  : RandomImageWinogradNetwork(random);
  }
  // Runs `check` with the kernels of each target.
  static void ForTargets(const std::function<void()>& check) {
    for (const int64_t target : Targets()) {
      SCOPED_TRACE(hwy::TargetName(target));
      hwy::SetSupportedTargetsForTest(target);
      check();
      hwy::SetSupportedTargetsForTest(0);
    }
  }
};

// The reference engine in float64 is the ground truth. The learning rate is too small to change a
// parameter.
TEST_P(RandomNetworkTest, MatchesTheGradientsOfTheReferenceEngineInFloat64) {
  std::mt19937 random(GetParam());
  const std::string text =
      MakeNetwork(&random) + RandomTheta(&random) + "optimizer { kind: OPTIMIZER_KIND_SGD }";
  SCOPED_TRACE(text);
  const v1::TrainingConfig config = Complete(text);
  const config::RunPlan plan = Plan(config);
  const Images images(1 + static_cast<int64_t>(random() % 70), GetParam());
  const StepSettings settings = {
      .learning_rate = 1e-30, .theta_learning_rate = 1e-30, .theta = config.theta().start()};
  reference::ReferenceEngine truth(config, plan, 3, torch::kDouble);
  reference::ReferenceEngine same(config, plan, 3, torch::kFloat);
  // Bit-identical parameters.
  {
    const torch::NoGradGuard no_grad;
    truth.network().values().copy_(same.network().values().to(torch::kDouble));
  }
  StepTotals true_totals(kClasses, plan.network.layers.size());
  const double true_loss = truth.TrainStep(images.batch(), settings, &true_totals);
  StepTotals same_totals(kClasses, plan.network.layers.size());
  same.TrainStep(images.batch(), settings, &same_totals);
  const torch::Tensor expected = truth.network().gradients();
  const reference::Network::Ranges& ranges = truth.network().ranges();
  const auto error = [&](const torch::Tensor& gradients, int64_t begin, int64_t end) {
    return RelativeError(gradients.to(torch::kDouble).slice(0, begin, end),
                         expected.slice(0, begin, end));
  };
  ForTargets([&] {
    FusedEngine fused(config, plan, 3);
    StepTotals totals(kClasses, plan.network.layers.size());
    const double loss = fused.TrainStep(images.batch(), settings, &totals);
    EXPECT_NEAR(loss, true_loss, 1e-5 * true_loss);
    EXPECT_EQ(totals.confusion.counts(), true_totals.confusion.counts());
    EXPECT_NEAR(totals.loss_sum, true_totals.loss_sum, 1e-5 * true_totals.loss_sum);
    EXPECT_EQ(totals.steps, 1);
    for (size_t i = 0; i < plan.network.layers.size(); ++i) {
      const double norm = true_totals.squared_gradient_norms[i];
      EXPECT_NEAR(totals.squared_gradient_norms[i], norm, 1e-4 * norm + 1e-12) << i;
    }
    const torch::Tensor actual = fused.network().gradients();
    EXPECT_LT(error(actual, 0, ranges.weights_end), 1e-5);
    EXPECT_LT(error(actual, ranges.weights_end, ranges.thetas_begin), 1e-5);
    if (!truth.network().trains_theta()) return;
    // The gradient of a theta that many neurons share is a sum whose terms may nearly cancel, so
    // float32 cannot guarantee 1e-5. It must be about as accurate as the reference in float32.
    const double unavoidable = error(same.network().gradients(), ranges.thetas_begin, ranges.end);
    EXPECT_LT(error(actual, ranges.thetas_begin, ranges.end), std::max(1e-5, 3 * unavoidable));
  });
}

TEST_P(RandomNetworkTest, MatchesTheEvaluationOfTheReferenceEngine) {
  std::mt19937 random(1000 + GetParam());
  const std::string text = MakeNetwork(&random) + RandomTheta(&random);
  SCOPED_TRACE(text);
  const v1::TrainingConfig config = Complete(text);
  const config::RunPlan plan = Plan(config);
  reference::ReferenceEngine reference(config, plan, 3, torch::kFloat);
  const Images images(100, GetParam());
  for (const ThetaMode mode : {ThetaMode::kCurrent, ThetaMode::kRelu}) {
    stats::ConfusionMatrix confusion(kClasses);
    const double expected = reference.Evaluate(images.batch(), mode, &confusion);
    ForTargets([&] {
      FusedEngine fused(config, plan, 3);
      stats::ConfusionMatrix fused_confusion(kClasses);
      EXPECT_NEAR(fused.Evaluate(images.batch(), mode, &fused_confusion), expected,
                  1e-5 * expected);
      EXPECT_EQ(fused_confusion.counts(), confusion.counts());
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomNetworkTest,
                         ::testing::Range(0U, kFirstImageWinogradSeed + 30U));

class FusedOptimizerTest : public ::testing::TestWithParam<std::string> {};

// Twenty steps, so that moments, bias corrections, penalty, clipping and projection all matter.
TEST_P(FusedOptimizerTest, MatchesTheReferenceOptimizer) {
  PrepareTrainingThread();
  const v1::TrainingConfig config = Complete(absl::StrCat(
      "network { layers { conv { filters: 5 kernel: 3 pool: POOL_MAX } } layers { dense { units: 7 "
      "} } } theta { policy: THETA_POLICY_TRAINABLE granularity: THETA_GRANULARITY_CHANNEL } ",
      GetParam()));
  const config::RunPlan plan = Plan(config);
  FusedEngine fused(config, plan, 3);
  reference::ReferenceEngine reference(config, plan, 3, torch::kFloat);
  const Images images(32, 1);
  StepTotals totals(kClasses, plan.network.layers.size());
  const StepSettings settings = {.learning_rate = 0.01, .theta_learning_rate = 0.02};
  for (int i = 0; i < 20; ++i) {
    fused.TrainStep(images.batch(), settings, &totals);
    reference.TrainStep(images.batch(), settings, &totals);
    if (i == 0) {
      EXPECT_LT(RelativeError(fused.network().values(), reference.network().values()), 1e-6);
    }
  }
  EXPECT_LT(RelativeError(fused.network().values(), reference.network().values()), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, FusedOptimizerTest,
    ::testing::Values("optimizer { kind: OPTIMIZER_KIND_SGD }",
                      "optimizer { kind: OPTIMIZER_KIND_SGD momentum: 0.9 }",
                      "optimizer { kind: OPTIMIZER_KIND_SGD momentum: 0.9 nesterov: true }",
                      "optimizer { kind: OPTIMIZER_KIND_SGD clip_norm: 0.05 }",
                      "optimizer { kind: OPTIMIZER_KIND_ADAM epsilon: 1e-3 }",
                      "optimizer { kind: OPTIMIZER_KIND_ADAM epsilon: 1e-3 clip_norm: 0.1 } "
                      "regularizer { l1: 0.01 l2: 0.02 }",
                      "optimizer { kind: OPTIMIZER_KIND_ADAMW epsilon: 1e-3 weight_decay: 0.5 }"));

TEST(FusedEngineTest, IsBitIdenticalAcrossInstancesAndAfterLoading) {
  PrepareTrainingThread();
  const v1::TrainingConfig config = Complete(
      "theta { policy: THETA_POLICY_TRAINABLE granularity: THETA_GRANULARITY_NEURON } "
      "network { layers { conv { filters: 9 kernel: 3 pool: POOL_MAX } } }");
  const config::RunPlan plan = Plan(config);
  const Images images(32, 1);
  const StepSettings settings = {.learning_rate = 0.01, .theta_learning_rate = 0.02};
  StepTotals totals(kClasses, plan.network.layers.size());
  FusedEngine engine(config, plan, 3);
  FusedEngine again(config, plan, 3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(engine.TrainStep(images.batch(), settings, &totals),
              again.TrainStep(images.batch(), settings, &totals));
  }
  EXPECT_EQ(engine.SaveWeights(), again.SaveWeights());
  FusedEngine third(config, plan, 4);
  ASSERT_TRUE(third.LoadWeights(engine.SaveWeights()).ok());
  ASSERT_TRUE(third.LoadMoments(engine.SaveMoments(), 3).ok());
  EXPECT_EQ(third.Evaluate(images.batch(), ThetaMode::kRelu, nullptr),
            engine.Evaluate(images.batch(), ThetaMode::kRelu, nullptr));
  EXPECT_EQ(engine.TrainStep(images.batch(), settings, &totals),
            third.TrainStep(images.batch(), settings, &totals));
  EXPECT_EQ(engine.SaveWeights(), third.SaveWeights());
}

TEST(FusedEngineTest, PropagatesNaN) {
  PrepareTrainingThread();
  const v1::TrainingConfig config =
      Complete("network { layers { conv { filters: 4 kernel: 3 pool: POOL_MAX } } }");
  const config::RunPlan plan = Plan(config);
  FusedEngine engine(config, plan, 3);
  {
    const torch::NoGradGuard no_grad;
    engine.network().values()[0] = std::nan("");
  }
  const Images images(8, 1);
  EXPECT_TRUE(std::isnan(engine.Evaluate(images.batch(), ThetaMode::kCurrent, nullptr)));
  StepTotals totals(kClasses, plan.network.layers.size());
  EXPECT_TRUE(std::isnan(engine.TrainStep(images.batch(), {.learning_rate = 0.1}, &totals)));
}

TEST(FusedEngineTest, KeepsThePrecisionOfSmallLosses) {
  PrepareTrainingThread();
  const v1::TrainingConfig config =
      Complete("network { layers { dense { units: 5 } } } theta { policy: THETA_POLICY_FIXED }");
  const config::RunPlan plan = Plan(config);
  FusedEngine fused(config, plan, 3);
  reference::ReferenceEngine truth(config, plan, 3, torch::kDouble);
  {
    const torch::NoGradGuard no_grad;
    fused.network().values().mul_(4);
    truth.network().values().copy_(fused.network().values().to(torch::kDouble));
  }
  double smallest = 1;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Images images(1, seed);
    for (int label = 0; label < kClasses; ++label) {
      images.labels.fill_(label);
      const double expected = truth.Evaluate(images.batch(), ThetaMode::kCurrent, nullptr);
      EXPECT_NEAR(fused.Evaluate(images.batch(), ThetaMode::kCurrent, nullptr), expected,
                  1e-4 * expected + 1e-15);  // relative to float64
      smallest = std::min(smallest, expected);
    }
  }
  EXPECT_LT(smallest, 1e-8);  // below the float32 epsilon, so log(1 + x) would lose it
}

TEST(MakeEngineTest, AutoChoosesTheFastestEngineThatSupportsTheConfig) {
  const auto name = [](const std::string& network, const std::string& text = "") {
    const v1::TrainingConfig config =
        Complete("network { layers { dense { units: 3 } } " + network + " } " + text);
    return std::string(MakeEngine(config, Plan(config), 1)->name());
  };
  EXPECT_EQ(name(""), "fused");
  EXPECT_EQ(name("", "engine: ENGINE_KIND_FUSED"), "fused");
  EXPECT_EQ(name("", "engine: ENGINE_KIND_REFERENCE"), "reference");
  EXPECT_EQ(name("batch_norm: true"), "reference");
}

TEST(MakeEngineTest, AnOptionThatTheFusedEngineDoesNotNameGoesToTheReferenceEngine) {
  v1::TrainingConfig config = Complete("network { layers { dense { units: 3 } } }");
  const config::RunPlan plan = Plan(config);
  // Field 900 of the network, which no version of the schema has yet.
  auto* network = config.mutable_network();
  network->GetReflection()->MutableUnknownFields(network)->AddVarint(900, 1);
  EXPECT_EQ(MakeEngine(config, plan, 1)->name(), "reference");
}

}  // namespace
}  // namespace anneal::training::engines::fused
