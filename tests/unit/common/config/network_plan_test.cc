#include "common/config/network_plan.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/config/validation.h"
#include "gtest/gtest.h"
#include "tests/unit/common/test_util.h"

namespace anneal {
namespace {

constexpr config::DatasetShape kMnist = {
    .height = 28, .width = 28, .classes = 10, .train_images = 60000};

struct Planned {
  config::NetworkPlan plan;
  absl::Status status;
};

// Plans `text`, a NetworkConfig, with `theta`, a ThetaConfig.
Planned Plan(const std::string& text, const std::string& theta = "",
             const config::DatasetShape& data = kMnist) {
  v1::TrainingConfig config;
  *config.mutable_network() = FromText<v1::NetworkConfig>(text);
  *config.mutable_theta() = FromText<v1::ThetaConfig>(theta);
  config = config::ResolveConfig(config);
  FieldViolations violations;
  Planned planned;
  planned.plan = config::PlanNetwork(config.network(), config.theta(), data, &violations);
  planned.status = violations.ToStatus();
  return planned;
}

config::NetworkPlan GoodPlan(const std::string& text, const std::string& theta = "",
                             const config::DatasetShape& data = kMnist) {
  const Planned planned = Plan(text, theta, data);
  EXPECT_TRUE(planned.status.ok()) << planned.status;
  return planned.plan;
}

std::string Trainable(const std::string& granularity) {
  return "policy: THETA_POLICY_TRAINABLE granularity: THETA_GRANULARITY_" + granularity;
}

// The default network on 28x28 images, by hand:
//
//   conv 16@4x4   28 - 4 + 1 = 25, pool 2: 12 (the 25th row is dropped)
//                 fan-in 1*4*4 = 16     weights 16*16 = 256     parameters 272
//                 multiply-adds 16*25*25 outputs * 16 = 160,000
//   conv 16@3x3   12 - 3 + 1 = 10, pool 2: 5
//                 fan-in 16*3*3 = 144   weights 16*144 = 2304   parameters 2320
//                 multiply-adds 16*10*10 * 144 = 230,400
//   conv 16@3x3   5 - 3 + 1 = 3
//                 fan-in 144            weights 2304            parameters 2320
//                 multiply-adds 16*3*3 * 144 = 20,736
//   dense 10      fan-in 16*3*3 = 144   weights 1440            parameters 1450
//                 multiply-adds 10 * 144 = 1,440
//
// Together 272 + 2320 + 2320 + 1450 = 6362 parameters and
// 160,000 + 230,400 + 20,736 + 1,440 = 412,576 multiply-adds.
TEST(NetworkPlanTest, TheDefaultNetworkMatchesItsHandComputedPlan) {
  const config::NetworkPlan plan = GoodPlan("");
  ASSERT_EQ(plan.layers.size(), 4u);
  EXPECT_EQ(plan.parameters, 6362);
  EXPECT_EQ(plan.multiply_adds, 412'576);

  const config::LayerPlan& first = plan.layers[0];
  EXPECT_EQ(first.input, (config::FeatureShape{1, 28, 28}));
  EXPECT_EQ(first.affine, (config::FeatureShape{16, 25, 25}));
  EXPECT_EQ(first.output, (config::FeatureShape{16, 12, 12}));
  EXPECT_EQ(first.fan_in, 16);
  EXPECT_EQ(first.weights, 256);
  EXPECT_EQ(first.parameters, 272);
  EXPECT_EQ(first.multiply_adds, 160'000);

  const config::LayerPlan& second = plan.layers[1];
  EXPECT_EQ(second.input, (config::FeatureShape{16, 12, 12}));
  EXPECT_EQ(second.affine, (config::FeatureShape{16, 10, 10}));
  EXPECT_EQ(second.output, (config::FeatureShape{16, 5, 5}));
  EXPECT_EQ(second.fan_in, 144);
  EXPECT_EQ(second.weights, 2304);
  EXPECT_EQ(second.parameters, 2320);
  EXPECT_EQ(second.multiply_adds, 230'400);

  const config::LayerPlan& third = plan.layers[2];
  EXPECT_EQ(third.affine, (config::FeatureShape{16, 3, 3}));
  EXPECT_EQ(third.output, (config::FeatureShape{16, 3, 3}));
  EXPECT_EQ(third.parameters, 2320);
  EXPECT_EQ(third.multiply_adds, 20'736);

  const config::LayerPlan& output = plan.layers[3];
  EXPECT_TRUE(output.config.has_dense());
  EXPECT_EQ(output.config.dense().units(), 10);
  EXPECT_EQ(output.output, (config::FeatureShape{10, 1, 1}));
  EXPECT_EQ(output.fan_in, 144);
  EXPECT_EQ(output.weights, 1440);
  EXPECT_EQ(output.parameters, 1450);
  EXPECT_EQ(output.multiply_adds, 1440);
}

TEST(NetworkPlanTest, ThetasAreCountedByGranularity) {
  struct Row {
    const char* granularity;
    int64_t first, second, third, total;
  };
  for (const Row& row : std::vector<Row>{{"NETWORK", 0, 0, 0, 1},
                                         {"LAYER", 1, 1, 1, 3},
                                         {"CHANNEL", 16, 16, 16, 48},
                                         // 16*12*12, 16*5*5 and 16*3*3, after pooling.
                                         {"NEURON", 2304, 400, 144, 2848}}) {
    const config::NetworkPlan plan = GoodPlan("", Trainable(row.granularity));
    ASSERT_EQ(plan.layers.size(), 4u);
    EXPECT_EQ(plan.layers[0].thetas, row.first) << row.granularity;
    EXPECT_EQ(plan.layers[1].thetas, row.second) << row.granularity;
    EXPECT_EQ(plan.layers[2].thetas, row.third) << row.granularity;
    EXPECT_EQ(plan.layers[3].thetas, 0) << row.granularity;  // no activation follows
    EXPECT_EQ(plan.thetas, row.total) << row.granularity;
    EXPECT_EQ(plan.parameters, 6362) << row.granularity;  // thetas are not parameters
  }
}

TEST(NetworkPlanTest, OtherPoliciesHaveOneThetaForEveryGranularity) {
  for (const char* policy : {"FIXED", "SCHEDULED"}) {
    for (const char* granularity : {"NETWORK", "LAYER", "CHANNEL", "NEURON"}) {
      const config::NetworkPlan plan =
          GoodPlan("", absl::StrCat("policy: THETA_POLICY_", policy,
                                    " granularity: THETA_GRANULARITY_", granularity));
      EXPECT_EQ(plan.thetas, 1) << policy << granularity;
      for (const config::LayerPlan& layer : plan.layers) EXPECT_EQ(layer.thetas, 0) << policy;
    }
  }
}

TEST(NetworkPlanTest, ADenseLayerHasAThetaForEveryUnit) {
  const std::string network = "layers { dense { units: 30 } } layers { dense { units: 7 } }";
  EXPECT_EQ(GoodPlan(network, Trainable("CHANNEL")).thetas, 37);
  EXPECT_EQ(GoodPlan(network, Trainable("NEURON")).thetas, 37);
  EXPECT_EQ(GoodPlan(network, Trainable("LAYER")).thetas, 2);
}

TEST(NetworkPlanTest, BatchNormAddsScaleAndShiftToHiddenLayers) {
  // 2 for each of 16 + 16 + 16 channels; none for the output layer.
  const config::NetworkPlan plan = GoodPlan("batch_norm: true");
  EXPECT_EQ(plan.parameters, 6362 + 2 * 48);
  EXPECT_EQ(plan.layers[0].parameters, 272 + 32);
  EXPECT_EQ(plan.layers[0].weights, 256);
  EXPECT_EQ(plan.layers[3].parameters, 1450);
}

TEST(NetworkPlanTest, ADenseLayerTakesTheFlattenedImage) {
  const config::NetworkPlan plan = GoodPlan("layers { dense { units: 30 } }");
  ASSERT_EQ(plan.layers.size(), 2u);
  EXPECT_EQ(plan.layers[0].fan_in, 784);
  EXPECT_EQ(plan.layers[0].parameters, 30 * 784 + 30);
  EXPECT_EQ(plan.layers[0].output, (config::FeatureShape{30, 1, 1}));
  EXPECT_EQ(plan.layers[1].fan_in, 30);
  EXPECT_EQ(plan.multiply_adds, 30 * 784 + 10 * 30);
}

TEST(NetworkPlanTest, StrideAndPaddingFollowTheUsualArithmetic) {
  // (28 + 2*2 - 5) / 3 + 1 = 27/3 + 1 = 10; (28 + 0 - 5) / 4 + 1 = 23/4 + 1 = 6.
  EXPECT_EQ(
      GoodPlan("layers { conv { filters: 2 kernel: 5 stride: 3 padding: 2 } }").layers[0].output,
      (config::FeatureShape{2, 10, 10}));
  EXPECT_EQ(GoodPlan("layers { conv { filters: 2 kernel: 5 stride: 4 } }").layers[0].output,
            (config::FeatureShape{2, 6, 6}));
  // A stride beyond the image leaves one place.
  EXPECT_EQ(GoodPlan("layers { conv { filters: 2 kernel: 5 stride: 64 } }").layers[0].output,
            (config::FeatureShape{2, 1, 1}));
}

TEST(NetworkPlanTest, PoolingDropsIncompleteWindows) {
  for (const char* pool : {"POOL_MAX", "POOL_AVG"}) {
    // 28 - 6 + 1 = 23 = 4*5 + 3.
    const config::NetworkPlan plan = GoodPlan(
        absl::StrCat("layers { conv { filters: 3 kernel: 6 pool_size: 5 pool: ", pool, " } }"));
    EXPECT_EQ(plan.layers[0].affine, (config::FeatureShape{3, 23, 23}));
    EXPECT_EQ(plan.layers[0].output, (config::FeatureShape{3, 4, 4}));
    EXPECT_EQ(plan.layers[1].fan_in, 48);
  }
}

TEST(NetworkPlanTest, AnImageNeedNotBeSquare) {
  const config::DatasetShape data = {.height = 10, .width = 20, .classes = 3, .train_images = 100};
  const config::NetworkPlan plan =
      GoodPlan("layers { conv { filters: 2 kernel: 3 pool: POOL_MAX } }", "", data);
  EXPECT_EQ(plan.layers[0].affine, (config::FeatureShape{2, 8, 18}));
  EXPECT_EQ(plan.layers[0].output, (config::FeatureShape{2, 4, 9}));
  EXPECT_EQ(plan.layers[1].parameters, 3 * 72 + 3);
  EXPECT_EQ(plan.multiply_adds, 2 * 8 * 18 * 9 + 3 * 72);
}

TEST(NetworkPlanTest, AKernelMayNotExceedItsPaddedInput) {
  EXPECT_EQ(GoodPlan("layers { conv { filters: 1 kernel: 28 } }").layers[0].output,
            (config::FeatureShape{1, 1, 1}));
  EXPECT_EQ(GoodPlan("layers { conv { filters: 1 kernel: 30 padding: 1 } }").layers[0].output,
            (config::FeatureShape{1, 1, 1}));
  const absl::Status status = Plan("layers { conv { filters: 1 kernel: 29 } }").status;
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Mentions(ViolationsOf(status)["network.layers.0.conv.kernel"], {"29", "28"}));
  EXPECT_EQ(Plan("layers { conv { filters: 1 kernel: 31 padding: 1 } }").status.code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(NetworkPlanTest, TheNarrowerSideLimitsTheKernel) {
  const config::DatasetShape wide = {.height = 5, .width = 50, .classes = 2, .train_images = 100};
  const config::DatasetShape tall = {.height = 50, .width = 5, .classes = 2, .train_images = 100};
  for (const config::DatasetShape& data : {wide, tall}) {
    EXPECT_TRUE(Plan("layers { conv { filters: 1 kernel: 5 } }", "", data).status.ok());
    const absl::Status status = Plan("layers { conv { filters: 1 kernel: 6 } }", "", data).status;
    EXPECT_TRUE(Mentions(ViolationsOf(status)["network.layers.0.conv.kernel"], {"6", "5"}));
  }
}

TEST(NetworkPlanTest, AKernelLargerThanItsInputNamesItsLayer) {
  const absl::Status status = Plan(R"(
      layers { conv { filters: 4 kernel: 20 } }
      layers { conv { filters: 4 kernel: 10 } })")
                                  .status;
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Mentions(ViolationsOf(status)["network.layers.1.conv.kernel"], {"10", "9"}));
}

TEST(NetworkPlanTest, APoolLargerThanTheConvolutionOutputIsRejected) {
  const absl::Status status =
      Plan("layers { conv { filters: 4 kernel: 20 pool: POOL_MAX pool_size: 10 } }").status;
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Mentions(ViolationsOf(status)["network.layers.0.conv.pool_size"], {"10", "9"}));
  EXPECT_TRUE(
      Plan("layers { conv { filters: 4 kernel: 20 pool: POOL_MAX pool_size: 9 } }").status.ok());
}

TEST(NetworkPlanTest, PoolSizeDoesNotMatterWithoutAPool) {
  EXPECT_EQ(GoodPlan("layers { conv { filters: 4 kernel: 20 pool_size: 64 } }").layers[0].output,
            (config::FeatureShape{4, 9, 9}));
}

TEST(CheckLayerKindsTest, AConvLayerCannotFollowADenseOne) {
  FieldViolations violations;
  config::CheckLayerKinds(FromText<v1::NetworkConfig>(R"(
      layers { dense { units: 16 } }
      layers { conv { filters: 4 kernel: 1 } })"),
                          &violations);
  const absl::Status status = violations.ToStatus();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Mentions(ViolationsOf(status)["network.layers.1"], {"conv", "dense"}));
}

TEST(NetworkPlanTest, ParametersAreLimitedToFiftyMillion) {
  // On 784 pixels, u units and 10 classes make 784u + u + 10u + 10 = 795u + 10 parameters.
  EXPECT_EQ(GoodPlan("layers { dense { units: 62893 } }").parameters, 49'999'945);
  const absl::Status status = Plan("layers { dense { units: 62894 } }").status;
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Mentions(ViolationsOf(status)["network.layers"], {"50000740", "50000000"}));
}

TEST(NetworkPlanTest, ThetasOfALayerAreLimited) {
  // 334 * 28 * 28 = 261,856 and 335 * 28 * 28 = 262,640; the limit is 262,144.
  const auto network = [](int filters) {
    return absl::StrCat("layers { conv { filters: ", filters, " kernel: 1 } }");
  };
  EXPECT_EQ(GoodPlan(network(334), Trainable("NEURON")).thetas, 261'856);
  EXPECT_EQ(GoodPlan(network(335), Trainable("CHANNEL")).thetas, 335);
  EXPECT_TRUE(Plan(network(335)).status.ok());
  const absl::Status status = Plan(network(335), Trainable("NEURON")).status;
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Mentions(status.message(), {"network.layers.0", "262640", "262144"}));
}

TEST(NetworkPlanTest, FeatureMapsAreLimited) {
  // 4096 * 28 * 28 = 3.2 million values; padded by 7 for a kernel of 8, 4096 * 35 * 35 = 5.0
  // million.
  EXPECT_TRUE(Plan("layers { conv { filters: 4096 kernel: 1 } }").status.ok());
  const absl::Status status = Plan("layers { conv { filters: 4096 kernel: 8 padding: 7 } }").status;
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Mentions(ViolationsOf(status)["network.layers.0"], {"5017600"}));
}

TEST(NetworkPlanTest, EveryExceededLimitIsReported) {
  const auto map = ViolationsOf(
      Plan("layers { conv { filters: 4096 kernel: 8 padding: 7 } }", Trainable("NEURON")).status);
  EXPECT_EQ(map.count("network.layers.0"), 1u);   // 5.0 million values in a feature map
  EXPECT_EQ(map.count("theta.granularity"), 1u);  // and as many thetas
  const auto weights = ViolationsOf(
      Plan("layers { dense { units: 65536 } } layers { dense { units: 65536 } }").status);
  EXPECT_EQ(weights.count("network.layers"), 1u);  // 4.3 billion weights
}

TEST(NetworkPlanTest, TheLargestNetworkInRangeIsRefusedWithoutOverflow) {
  // Every field at the end of its range. The side grows by 63 a layer, to 4060; the multiply-adds
  // of all layers together are about 2.5e19, more than 64 bits hold.
  std::string network;
  for (int i = 0; i < 64; ++i) {
    network += "layers { conv { filters: 4096 kernel: 64 padding: 63 } }";
  }
  const Planned planned = Plan(network, Trainable("NEURON"));
  EXPECT_EQ(planned.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ViolationsOf(planned.status).count("network.layers.0"), 1u);
}

TEST(NetworkPlanTest, TheLargestDenseNetworkInRangeIsRefused) {
  std::string network;
  for (int i = 0; i < 64; ++i) network += "layers { dense { units: 65536 } }";
  EXPECT_EQ(Plan(network).status.code(), absl::StatusCode::kInvalidArgument);
}

TEST(NetworkPlanTest, TotalsAreTheSumsOverLayers) {
  const config::NetworkPlan plan = GoodPlan(R"(
      batch_norm: true
      layers { conv { filters: 3 kernel: 5 padding: 2 pool: POOL_AVG pool_size: 3 } }
      layers { conv { filters: 6 kernel: 2 stride: 2 } }
      layers { dense { units: 21 } })",
                                            Trainable("NEURON"));
  ASSERT_EQ(plan.layers.size(), 4u);
  int64_t parameters = 0;
  int64_t thetas = 0;
  int64_t multiply_adds = 0;
  for (size_t i = 0; i < plan.layers.size(); ++i) {
    parameters += plan.layers[i].parameters;
    thetas += plan.layers[i].thetas;
    multiply_adds += plan.layers[i].multiply_adds;
    if (i == 0) continue;
    EXPECT_EQ(plan.layers[i].input, plan.layers[i - 1].output) << i;
  }
  EXPECT_EQ(plan.parameters, parameters);
  EXPECT_EQ(plan.thetas, thetas);
  EXPECT_EQ(plan.multiply_adds, multiply_adds);
  EXPECT_GT(plan.activations, 0);
}

TEST(SummarizeTest, SummarizesTheDefaultNetwork) {
  const v1::NetworkSummary summary = config::Summarize(GoodPlan("", Trainable("NEURON")));
  EXPECT_EQ(summary.parameter_count(), 6362);
  EXPECT_EQ(summary.theta_count(), 2848);
  EXPECT_EQ(summary.multiply_adds(), 412'576);
  ASSERT_EQ(summary.layers_size(), 4);
  EXPECT_EQ(summary.layers(0).description(), "conv 16@4x4, max-pool 2");
  EXPECT_EQ(summary.layers(2).description(), "conv 16@3x3");
  const auto shape = [&summary](int layer) {
    return std::vector<int>(summary.layers(layer).output_shape().begin(),
                            summary.layers(layer).output_shape().end());
  };
  EXPECT_EQ(shape(0), (std::vector<int>{16, 12, 12}));
  EXPECT_EQ(shape(1), (std::vector<int>{16, 5, 5}));
  EXPECT_EQ(shape(2), (std::vector<int>{16, 3, 3}));
  EXPECT_EQ(shape(3), std::vector<int>{10});
  EXPECT_EQ(summary.layers(1).parameter_count(), 2320);
  EXPECT_EQ(summary.layers(1).theta_count(), 400);
  EXPECT_EQ(summary.layers(1).multiply_adds(), 230'400);
}

TEST(SummarizeTest, DescribesStrideAndPadding) {
  const v1::NetworkSummary plain =
      config::Summarize(GoodPlan("layers { conv { filters: 2 kernel: 5 } }"));
  const v1::NetworkSummary strided =
      config::Summarize(GoodPlan("layers { conv { filters: 2 kernel: 5 stride: 3 padding: 1 } }"));
  EXPECT_NE(plain.layers(0).description(), strided.layers(0).description());
  EXPECT_TRUE(Mentions(strided.layers(0).description(), {"2@5x5", "3", "1"}));
}

}  // namespace
}  // namespace anneal
