#include "server/training/engines/reference/reference_engine.h"

#include <torch/torch.h>

#include <cmath>
#include <string>
#include <vector>

#include "server/training/make_engine.h"
#include "tests/unit/training/torch_test_util.h"
#include "tests/unit/training/training_test_util.h"

namespace anneal::training::engines::reference {
namespace {

constexpr int64_t kCount = 24;

class ReferenceEngineTest : public ::testing::Test {
 protected:
  void SetUp() override { PrepareTrainingThread(); }

  // Returns an engine in float64, so that formulas can be checked precisely.
  static ReferenceEngine Build(const std::string& text) {
    const v1::TrainingConfig config = Complete(text);
    return {config, PlanOf(config, {.height = 8, .width = 8, .classes = 3, .train_images = 100}), 1,
            torch::kDouble};
  }
  data::Batch Part(int64_t begin, int64_t count) const {
    return {.images = images_.data_ptr<float>() + 64 * begin,
            .labels = labels_.data_ptr<int64_t>() + begin,
            .count = count};
  }
  data::Batch All() const { return Part(0, kCount); }
  torch::Tensor Pixels() const { return images_.to(torch::kDouble).view({kCount, 1, 8, 8}); }
  // Returns the cross-entropy of each image, [n, 1].
  torch::Tensor Losses(Network* network, Network::Forward mode = {}) const {
    return -torch::log_softmax(network->Logits(Pixels(), mode), 1)
                .gather(1, labels_.view({kCount, 1}));
  }

  const torch::Tensor images_ = Normal({kCount, 64}, 2).to(torch::kFloat);
  const torch::Tensor labels_ = torch::arange(kCount, torch::kLong).remainder(3).contiguous();
};

const std::string kLayers =
    "layers { conv { filters: 3 kernel: 3 pool: POOL_MAX } } layers { dense { units: 6 } } ";
const std::string kNetwork = "network { " + kLayers + "} ";
const std::string kNormalised = "network { batch_norm: true " + kLayers + "} ";
constexpr StepSettings kStep = {.learning_rate = 0.1, .theta_learning_rate = 0.01, .theta = 0.3};

TEST_F(ReferenceEngineTest, TrainStepReturnsTheMeanLossBeforeTheStepWithoutPenalty) {
  ReferenceEngine engine = Build(kNetwork + "theta { start: 0.3 } regularizer { l1: 1 l2: 1 }");
  StepTotals totals(3, 3);
  const double expected = Losses(&engine.network()).mean().item<double>();
  EXPECT_NEAR(engine.TrainStep(All(), kStep, &totals), expected, 1e-12);
  EXPECT_GT(std::abs(Losses(&engine.network()).mean().item<double>() - expected), 1e-6);
}

TEST_F(ReferenceEngineTest, CountsThePredictionsOfTheModeItEvaluates) {
  ReferenceEngine engine = Build(kNetwork + "theta { start: 0.7 }");
  for (const ThetaMode mode : {ThetaMode::kCurrent, ThetaMode::kRelu}) {
    stats::ConfusionMatrix confusion(3);
    const double sum = engine.Evaluate(All(), mode, &confusion);
    EXPECT_NEAR(sum, Losses(&engine.network(), {.thetas = mode}).sum().item<double>(), 1e-11);
    stats::ConfusionMatrix expected(3);
    const torch::Tensor best = engine.network().Logits(Pixels(), {.thetas = mode}).argmax(1);
    for (int64_t i = 0; i < kCount; ++i) {
      expected.Add(static_cast<int>(labels_[i].item<int64_t>()),
                   static_cast<int>(best[i].item<int64_t>()));
    }
    EXPECT_EQ(confusion.counts(), expected.counts());
  }
  EXPECT_GT(engine.Evaluate(All(), ThetaMode::kCurrent, nullptr), 0);
}

TEST_F(ReferenceEngineTest, PenalisesWeightsOnly) {
  ReferenceEngine engine = Build(kNetwork + "regularizer { l1: 0.3 l2: 0.07 }");
  StepTotals totals(3, 3);
  engine.TrainStep(All(), kStep, &totals);
  double expected = 0;
  const auto& leaves = engine.network().weight_leaves();
  for (size_t i = 0; i < leaves.size(); i += 2) {
    expected += 0.3 * leaves[i].abs().sum().item<double>();
    expected += 0.07 * leaves[i].square().sum().item<double>();
  }
  EXPECT_NEAR(engine.Penalty(), expected, 1e-11);
}

TEST_F(ReferenceEngineTest, SumsSquaredGradientNormsBeforePenaltyAndClipping) {
  ReferenceEngine engine =
      Build(kNetwork + "theta { start: 0.3 } regularizer { l2: 1 } optimizer { clip_norm: 1e-3 }");
  StepTotals totals(3, 3);
  std::vector<double> squares(3);
  for (const int64_t begin : {0, 12}) {
    const torch::Tensor loss = Losses(&engine.network()).slice(0, begin, begin + 12).mean();
    const auto gradients = torch::autograd::grad({loss}, engine.network().weight_leaves());
    for (size_t i = 0; i < 3; ++i) {
      squares[i] += gradients[2 * i].square().sum().item<double>() +
                    gradients[2 * i + 1].square().sum().item<double>();
    }
    engine.TrainStep(Part(begin, 12), kStep, &totals);
  }
  EXPECT_EQ(totals.steps, 2);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(totals.squared_gradient_norms[i], squares[i], 1e-9 * squares[i]);
  }
}

TEST_F(ReferenceEngineTest, MeasuresActivity) {
  for (const std::string theta : {"theta { start: 0.3 }",
                                  "theta { policy: THETA_POLICY_TRAINABLE granularity: "
                                  "THETA_GRANULARITY_NEURON start: 0.3 }"}) {
    ReferenceEngine engine = Build(kNetwork + theta);
    std::vector<torch::Tensor> seen;
    engine.network().Logits(Pixels(), {.pre_activations = &seen});
    const std::vector<LayerActivity> activity = engine.MeasureActivity(All());
    ASSERT_EQ(activity.size(), 2u);
    for (size_t i = 0; i < 2; ++i) {
      const torch::Tensor h = seen[i].detach();
      const double gap = (1 - std::tan(0.3)) *
                         std::sqrt(torch::relu(-h).square().mean().item<double>()) /
                         std::sqrt(h.square().mean().item<double>());
      EXPECT_NEAR(activity[i].linear_gap, gap, 1e-12);
      EXPECT_NEAR(activity[i].negative_share, (h < 0).to(torch::kDouble).mean().item<double>(),
                  1e-12);
    }
  }
}

TEST_F(ReferenceEngineTest, LinearGapIsZeroAtQuarterPiInFloat32) {
  for (const char* theta :
       {"theta { start: 0.78539816339744830962 }", "theta { policy: THETA_POLICY_TRAINABLE }"}) {
    const v1::TrainingConfig config = Complete(kNetwork + theta);
    const auto engine = MakeEngine(
        config, PlanOf(config, {.height = 8, .width = 8, .classes = 3, .train_images = 100}), 1);
    for (const LayerActivity& layer : engine->MeasureActivity(All())) {
      EXPECT_NEAR(layer.linear_gap, 0, 1e-6);
    }
  }
}

TEST_F(ReferenceEngineTest, EvaluatesLossesAlongTheSegment) {
  ReferenceEngine engine = Build(kNetwork + "theta { start: 0.3 }");
  StepTotals totals(3, 3);
  const model::Tensors from = engine.SaveWeights();
  const torch::Tensor start = engine.network().values().clone();
  for (int i = 0; i < 5; ++i) engine.TrainStep(All(), kStep, &totals);
  const torch::Tensor end = engine.network().values().clone();
  const std::vector<double> losses = engine.LossesBetween(All(), from, 5);
  EXPECT_TRUE(torch::equal(engine.network().values(), end));
  ASSERT_EQ(losses.size(), 5u);
  for (size_t i = 0; i < 5; ++i) {
    const double share = static_cast<double>(i) / 4;
    {
      const torch::NoGradGuard no_grad;
      engine.network().values().copy_(start * (1 - share) + end * share);
    }
    EXPECT_NEAR(losses[i], Losses(&engine.network()).mean().item<double>(), 1e-12);
  }
}

TEST_F(ReferenceEngineTest, DiagnosticsLeaveTheStateUnchanged) {
  for (const std::string& network : {kNetwork, kNormalised}) {
    ReferenceEngine engine = Build(network);
    ReferenceEngine other = Build(network);
    StepTotals totals(3, 3);
    for (ReferenceEngine* each : {&engine, &other}) {
      const model::Tensors before = each->SaveWeights();
      each->TrainStep(All(), kStep, &totals);
      if (each == &other) continue;
      each->MeasureActivity(All());
      each->LossesBetween(All(), before, 9);
      each->MeasureCurvature(All(), 1);
    }
    EXPECT_EQ(engine.SaveWeights(), other.SaveWeights());
    EXPECT_EQ(engine.SaveMoments(), other.SaveMoments());
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(engine.TrainStep(All(), kStep, &totals), other.TrainStep(All(), kStep, &totals));
    }
  }
}

TEST_F(ReferenceEngineTest, ResumesFromSavedStateBitIdentically) {
  for (const char* rest :
       {"optimizer { kind: OPTIMIZER_KIND_ADAM }",
        "optimizer { kind: OPTIMIZER_KIND_SGD momentum: 0.9 nesterov: true }",
        "optimizer { kind: OPTIMIZER_KIND_SGD }",
        "optimizer { kind: OPTIMIZER_KIND_ADAMW } theta { policy: THETA_POLICY_TRAINABLE "
        "granularity: THETA_GRANULARITY_NEURON }",
        "theta { policy: THETA_POLICY_TRAINABLE granularity: THETA_GRANULARITY_CHANNEL }",
        "theta { policy: THETA_POLICY_TRAINABLE }"}) {
    ReferenceEngine engine = Build(kNormalised + rest);
    StepTotals totals(3, 3);
    for (int i = 0; i < 3; ++i) engine.TrainStep(All(), kStep, &totals);
    ReferenceEngine other = Build(kNormalised + rest);
    other.TrainStep(Part(0, 5), kStep, &totals);
    ASSERT_NE(other.SaveWeights(), engine.SaveWeights());
    ASSERT_TRUE(other.LoadWeights(engine.SaveWeights()).ok());
    ASSERT_TRUE(other.LoadMoments(engine.SaveMoments(), 3).ok());
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(engine.TrainStep(All(), kStep, &totals), other.TrainStep(All(), kStep, &totals))
          << rest;
    }
    EXPECT_EQ(engine.SaveWeights(), other.SaveWeights()) << rest;
  }
}

TEST_F(ReferenceEngineTest, RejectsTheStateOfAnotherNetworkAndStaysUnchanged) {
  ReferenceEngine engine = Build(kNetwork);
  const model::Tensors weights = engine.SaveWeights();
  model::Tensors cut = weights;
  cut.back().bytes.pop_back();
  model::Tensors renamed = weights;
  renamed.front().name = "other";
  model::Tensors fewer = weights;
  fewer.pop_back();
  for (const model::Tensors& wrong : {cut, renamed, fewer, Build(kNormalised).SaveWeights()}) {
    EXPECT_EQ(engine.LoadWeights(wrong).code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(engine.SaveWeights(), weights);
  }
  EXPECT_EQ(engine.LoadMoments({}, 1).code(), absl::StatusCode::kDataLoss);
}

TEST_F(ReferenceEngineTest, SavesWeightsByNameInRowMajorOrder) {
  ReferenceEngine engine = Build(kNetwork);
  const model::Tensors weights = engine.SaveWeights();
  ASSERT_EQ(weights.size(), 7u);
  EXPECT_EQ(weights[0].name, "theta");
  EXPECT_EQ(weights[0].shape, std::vector<int64_t>{});
  EXPECT_EQ(weights[1].name, "layers.0.weight");
  EXPECT_EQ(weights[1].shape, (std::vector<int64_t>{3, 1, 3, 3}));
  const torch::Tensor expected = engine.network().weight_leaves()[0].detach().contiguous();
  EXPECT_EQ(weights[1].bytes,
            std::string(static_cast<const char*>(expected.data_ptr()), expected.nbytes()));
}

TEST_F(ReferenceEngineTest, ScheduledStepsUseTheGivenThetaAndTrainedStepsTheirOwn) {
  StepTotals totals(3, 3);
  ReferenceEngine scheduled = Build(kNetwork + "theta { policy: THETA_POLICY_SCHEDULED }");
  scheduled.TrainStep(All(), kStep, &totals);
  EXPECT_EQ(scheduled.Thetas()[0].values(0), 0.3f);
  ReferenceEngine trained = Build(kNetwork + "theta { policy: THETA_POLICY_TRAINABLE start: 0.6 }");
  StepSettings still = kStep;
  still.theta_learning_rate = 1e-12;
  trained.TrainStep(All(), still, &totals);
  EXPECT_NEAR(trained.Thetas()[0].values(0), 0.6, 1e-6);
}

}  // namespace
}  // namespace anneal::training::engines::reference
