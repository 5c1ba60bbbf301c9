#include "common/config/sweep.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/config/field_path.h"
#include "common/config/validation.h"
#include "gtest/gtest.h"
#include "tests/unit/common/test_util.h"

namespace anneal {
namespace {

void AddAxis(v1::Experiment* experiment, const std::string& field,
             const std::vector<std::string>& values) {
  v1::SweepAxis* axis = experiment->add_axes();
  axis->set_field(field);
  for (const std::string& value : values) axis->add_values(value);
}

void AddCountingAxis(v1::Experiment* experiment, const std::string& field, int count) {
  std::vector<std::string> values;
  for (int i = 1; i <= count; ++i) values.push_back(absl::StrCat(i));
  AddAxis(experiment, field, values);
}

absl::Status RefusalOf(const v1::Experiment& experiment) {
  const absl::Status status = config::ExpandSweep(experiment).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_FALSE(ViolationsOf(status).empty());
  return status;
}

TEST(SeedsOfTest, DefaultToZero) {
  EXPECT_EQ(config::SeedsOf(v1::Experiment()), std::vector<int64_t>{0});
}

TEST(SeedsOfTest, KeepTheOrderOfTheExperiment) {
  const auto experiment = FromText<v1::Experiment>("seeds: 7 seeds: -1 seeds: 0");
  EXPECT_EQ(config::SeedsOf(experiment), (std::vector<int64_t>{7, -1, 0}));
}

TEST(ExpandSweepTest, IsOneResolvedCellWithoutAxes) {
  const auto experiment = FromText<v1::Experiment>("config { epochs: 3 } seeds: 1 seeds: 2");
  const auto cells = config::ExpandSweep(experiment);
  ASSERT_TRUE(cells.ok()) << cells.status();
  ASSERT_EQ(cells->size(), 1u);
  EXPECT_TRUE(cells->front().parameters.empty());
  EXPECT_TRUE(Same(cells->front().config, config::ResolveConfig(experiment.config())));
}

TEST(ExpandSweepTest, IsTheProductWithTheLastAxisFastest) {
  auto experiment = FromText<v1::Experiment>("config { batch_size: 16 }");
  AddAxis(&experiment, "epochs", {"2", "1"});
  AddAxis(&experiment, "optimizer.learning_rate", {"0.1", "0.01", "1e-3"});
  const auto cells = config::ExpandSweep(experiment);
  ASSERT_TRUE(cells.ok()) << cells.status();
  ASSERT_EQ(cells->size(), 6u);
  const std::vector<std::string> rates = {"0.1", "0.01", "1e-3"};
  const std::vector<double> rate_values = {0.1, 0.01, 0.001};
  for (size_t i = 0; i < cells->size(); ++i) {
    const config::SweepCell& cell = (*cells)[i];
    const int epochs = i < 3 ? 2 : 1;
    const std::map<std::string, std::string> parameters = {
        {"epochs", absl::StrCat(epochs)}, {"optimizer.learning_rate", rates[i % 3]}};
    EXPECT_EQ(cell.parameters, parameters) << i;
    v1::TrainingConfig expected = experiment.config();
    expected.set_epochs(epochs);
    expected.mutable_optimizer()->set_learning_rate(rate_values[i % 3]);
    EXPECT_TRUE(Same(cell.config, config::ResolveConfig(expected))) << i;
  }
}

TEST(ExpandSweepTest, ResolvesAfterTheValuesAreSet) {
  // The default of theta.start depends on the policy.
  v1::Experiment experiment;
  AddAxis(&experiment, "theta.policy", {"FIXED", "scheduled"});
  const auto cells = config::ExpandSweep(experiment);
  ASSERT_TRUE(cells.ok()) << cells.status();
  ASSERT_EQ(cells->size(), 2u);
  EXPECT_EQ((*cells)[0].config.theta().start(), 0);
  EXPECT_EQ((*cells)[1].config.theta().start(), 0.78539816339744830962);
  EXPECT_EQ((*cells)[1].parameters.at("theta.policy"), "scheduled");
}

TEST(ExpandSweepTest, TakesValuesAsSetDoes) {
  v1::Experiment experiment;
  AddAxis(&experiment, "theta.start", {"pi/4", "pi/8"});
  AddAxis(&experiment, "network.layers.0.dense.units", {"10"});
  const auto cells = config::ExpandSweep(experiment);
  ASSERT_TRUE(cells.ok()) << cells.status();
  EXPECT_EQ((*cells)[1].config.theta().start(), 0.39269908169872415481);
  EXPECT_EQ((*cells)[1].config.network().layers(0).dense().units(), 10);
}

TEST(ExpandSweepTest, DoesNotCheckRanges) {
  v1::Experiment experiment;
  AddAxis(&experiment, "epochs", {"-1"});
  EXPECT_TRUE(config::ExpandSweep(experiment).ok());
}

TEST(ExpandSweepTest, RejectsAnAxisOfAnUnknownField) {
  v1::Experiment experiment;
  AddAxis(&experiment, "optimizer.learning_rat", {"0.1"});
  EXPECT_TRUE(Mentions(RefusalOf(experiment).message(),
                       {"optimizer.learning_rat ", "optimizer.learning_rate"}));
  for (const std::string& field : {std::string(), std::string("."), std::string("../epochs"),
                                   std::string("optimizer"), std::string(1 << 20, 'a')}) {
    v1::Experiment hostile;
    AddAxis(&hostile, field, {"1"});
    EXPECT_FALSE(RefusalOf(hostile).ok());
  }
}

TEST(ExpandSweepTest, RejectsDuplicateAxes) {
  v1::Experiment experiment;
  AddAxis(&experiment, "epochs", {"1"});
  AddAxis(&experiment, "batch_size", {"8"});
  AddAxis(&experiment, "epochs", {"2"});
  EXPECT_TRUE(Mentions(RefusalOf(experiment).message(), {"axes.2", "epochs"}));
}

TEST(ExpandSweepTest, RefusesAnAxisWithoutValues) {
  v1::Experiment experiment;
  AddAxis(&experiment, "epochs", {"1"});
  AddAxis(&experiment, "batch_size", {});
  EXPECT_TRUE(Mentions(RefusalOf(experiment).message(), {"axes.1"}));
}

TEST(ExpandSweepTest, RejectsDuplicateValues) {
  v1::Experiment experiment;
  AddAxis(&experiment, "epochs", {"1", "2", "1"});
  EXPECT_TRUE(Mentions(RefusalOf(experiment).message(), {"axes.0", "=1 twice"}));
}

TEST(ExpandSweepTest, RefusesAValueOfTheWrongType) {
  v1::Experiment experiment;
  AddAxis(&experiment, "batch_size", {"8", "many"});
  EXPECT_TRUE(Mentions(RefusalOf(experiment).message(), {"batch_size", "many", "whole number"}));
}

TEST(ExpandSweepTest, RejectsDuplicateSeeds) {
  const auto experiment = FromText<v1::Experiment>("seeds: 1 seeds: 2 seeds: 1");
  EXPECT_TRUE(Mentions(RefusalOf(experiment).message(), {"seeds"}));
}

TEST(ExpandSweepTest, ReportsAllInvalidAxesAndSeedsAtOnce) {
  v1::Experiment experiment;
  AddAxis(&experiment, "epochs", {"1", "many"});
  AddAxis(&experiment, "no.such.field", {"1", "2"});
  AddAxis(&experiment, "batch_size", {});
  AddAxis(&experiment, "epochs", {"2"});
  for (const int64_t seed : {1, 1, 2, 2}) experiment.add_seeds(seed);
  const auto violations = ViolationsOf(RefusalOf(experiment));
  std::vector<std::string> fields;
  for (const auto& [field, description] : violations) fields.push_back(field);
  EXPECT_EQ(fields, (std::vector<std::string>{"axes.0.values", "axes.1.field", "axes.2.values",
                                              "axes.3", "seeds"}));
}

TEST(ExpandSweepTest, StopsAtAHundredViolations) {
  v1::Experiment experiment;
  for (int i = 0; i < 20'000; ++i) AddAxis(&experiment, absl::StrCat("nothing.", i), {"1"});
  EXPECT_EQ(ViolationsOf(RefusalOf(experiment)).size(), 100U);
}

TEST(ExpandSweepTest, AcceptsAtMostTenThousandRuns) {
  v1::Experiment experiment;
  AddCountingAxis(&experiment, "epochs", 100);
  for (int seed = 0; seed < 100; ++seed) experiment.add_seeds(seed);
  const auto cells = config::ExpandSweep(experiment);
  ASSERT_TRUE(cells.ok()) << cells.status();
  EXPECT_EQ(cells->size(), 100u);

  experiment.add_seeds(100);
  EXPECT_TRUE(Mentions(RefusalOf(experiment).message(), {"10000"}));
}

TEST(ExpandSweepTest, CountsSeedsWithoutAxesToo) {
  v1::Experiment experiment;
  for (int seed = 0; seed < 10'000; ++seed) experiment.add_seeds(seed);
  EXPECT_TRUE(config::ExpandSweep(experiment).ok());
  experiment.add_seeds(-1);
  EXPECT_TRUE(Mentions(RefusalOf(experiment).message(), {"10000"}));
}

TEST(ExpandSweepTest, CountsAxesWithoutSeedsToo) {
  v1::Experiment experiment;
  AddCountingAxis(&experiment, "epochs", 10'000);
  const auto cells = config::ExpandSweep(experiment);
  ASSERT_TRUE(cells.ok()) << cells.status();
  EXPECT_EQ(cells->size(), 10'000u);
  AddAxis(&experiment, "batch_size", {"1", "2"});
  EXPECT_TRUE(Mentions(RefusalOf(experiment).message(), {"10000"}));
}

TEST(ExpandSweepTest, RejectsOversizedSweepsBeforeAllocating) {
  v1::Experiment large;
  large.mutable_config()->mutable_dataset()->set_name(std::string(900'000, 'a'));
  EXPECT_TRUE(config::ExpandSweep(large).ok());  // cells are validated later
  AddCountingAxis(&large, "epochs", 10'000);
  EXPECT_TRUE(Mentions(RefusalOf(large).message(), {"config", "10000 cells"}));

  v1::Experiment layers;
  for (int i = 0; i < 50'000; ++i) layers.mutable_config()->mutable_network()->add_layers();
  AddCountingAxis(&layers, "epochs", 10'000);
  EXPECT_TRUE(Mentions(RefusalOf(layers).message(), {"config"}));

  v1::Experiment text;
  AddAxis(&text, "optimizer.learning_rate", {"0.001" + std::string(900'000, '0')});
  for (int seed = 0; seed < 10'000; ++seed) text.add_seeds(seed);
  EXPECT_TRUE(Mentions(RefusalOf(text).message(), {"axes", "10000 runs"}));
}

TEST(ExpandSweepTest, TakesAsManyArchitecturesAsRuns) {
  v1::Experiment experiment;
  std::vector<std::string> networks;
  for (int i = 1; i <= 300; ++i) {
    std::string layers;
    for (int layer = 0; layer < 20; ++layer) {
      absl::StrAppend(&layers, layer == 0 ? "" : ",", "{\"conv\":{\"filters\":", i, "}}");
    }
    networks.push_back("[" + layers + "]");
  }
  AddAxis(&experiment, "network.layers", networks);
  for (int seed = 0; seed < 30; ++seed) experiment.add_seeds(seed);
  EXPECT_TRUE(config::ExpandSweep(experiment).ok());
}

TEST(ExpandSweepTest, RefusesAProductThatDoesNotFitInSixtyFourBits) {
  v1::Experiment experiment;
  for (const std::string& field : config::FieldPaths(*v1::TrainingConfig::descriptor())) {
    AddCountingAxis(&experiment, field, 16);  // 16^16 is 2^64
  }
  ASSERT_GT(experiment.axes_size(), 16);
  EXPECT_TRUE(Mentions(RefusalOf(experiment).message(), {"10000"}));
}

}  // namespace
}  // namespace anneal
