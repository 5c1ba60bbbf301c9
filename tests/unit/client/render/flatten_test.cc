#include "client/render/flatten.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "anneal/v1/services.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace anneal::client::render {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::StartsWith;

std::map<std::string, std::string> MapOf(const google::protobuf::Message& message) {
  const auto values = Flatten(message);
  std::map<std::string, std::string> map(values.begin(), values.end());
  EXPECT_EQ(map.size(), values.size()) << "a name occurs twice";
  return map;
}

TEST(FlattenTest, NamesFieldsInTheOrderOfTheSchema) {
  v1::RunCounts counts;
  counts.set_total(5);
  counts.set_failed(2);
  EXPECT_THAT(Flatten(counts),
              ElementsAre(Pair("total", "5"), Pair("pending", "0"), Pair("running", "0"),
                          Pair("suspended", "0"), Pair("succeeded", "0"), Pair("failed", "2"),
                          Pair("cancelled", "0"), Pair("diverged", "0")));
}

TEST(FlattenTest, NamesFieldsOfNestedMessagesByTheirPath) {
  v1::Run run;
  run.mutable_last_epoch()->mutable_theta()->set_mean(0.25);
  run.mutable_config()->mutable_theta()->mutable_plateau()->set_patience(3);
  const auto values = MapOf(run);
  EXPECT_EQ(values.at("last_epoch_theta_mean"), "0.25");
  EXPECT_EQ(values.at("config_theta_plateau_patience"), "3");
}

TEST(FlattenTest, NumbersElementsOfLists) {
  v1::Epoch epoch;
  epoch.add_layers()->set_gradient_norm(1.5);
  epoch.add_layers()->set_gradient_norm(2.5);
  epoch.mutable_layers(1)->set_linear_gap(0.125);
  const auto values = MapOf(epoch);
  EXPECT_EQ(values.at("layers_0_gradient_norm"), "1.5");
  EXPECT_EQ(values.at("layers_0_linear_gap"), "");
  EXPECT_EQ(values.at("layers_1_gradient_norm"), "2.5");
  EXPECT_EQ(values.at("layers_1_linear_gap"), "0.125");
}

TEST(FlattenTest, NamesEntriesOfMapsByTheirKey) {
  v1::Experiment experiment;
  (*experiment.mutable_labels())["owner"] = "ada";
  (*experiment.mutable_labels())["b"] = "x, \"y\"";
  const auto values = MapOf(experiment);
  EXPECT_EQ(values.at("labels_owner"), "ada");
  EXPECT_EQ(values.at("labels_b"), "x, \"y\"");
}

TEST(FlattenTest, EntriesOfMapsComeInTheOrderOfTheirKeys) {
  v1::Experiment experiment;
  std::vector<std::string> expected;
  for (char c = 'a'; c <= 'z'; ++c) expected.push_back(std::string("labels_") + c);
  for (char c = 'z'; c >= 'a'; --c) (*experiment.mutable_labels())[std::string(1, c)] = "x";
  std::vector<std::string> names;
  for (const auto& [name, value] : Flatten(experiment)) {
    if (absl::StartsWith(name, "labels_")) names.push_back(name);
  }
  EXPECT_EQ(names, expected);
}

TEST(FlattenTest, LeavesOutListsOfNumbers) {
  v1::TestResult result;
  result.add_confusion(12345);
  for (const auto& [name, value] : Flatten(result)) EXPECT_NE(value, "12345") << name;
}

TEST(FlattenTest, KeepsTheValuesOfASweep) {
  v1::Experiment experiment;
  v1::SweepAxis* axis = experiment.add_axes();
  axis->set_field("batch_size");
  axis->add_values("16");
  axis->add_values("3217");
  bool kept = false;
  for (const auto& [name, value] : Flatten(experiment)) {
    kept = kept || absl::StrContains(value, "3217");
  }
  EXPECT_TRUE(kept) << "only lists of numbers may be left out";
}

TEST(FlattenTest, PrintsTimesAsRfc3339) {
  v1::Run run;
  run.mutable_create_time()->set_seconds(1'795'416'741);
  run.mutable_create_time()->set_nanos(57'511'000);
  const auto values = MapOf(run);
  EXPECT_EQ(values.at("create_time"), "2026-11-23T06:52:21.057511Z");
  EXPECT_EQ(values.at("start_time"), "");
}

TEST(FlattenTest, UnsetFieldsAreEmptyAndZeroIsNot) {
  v1::Epoch epoch;
  EXPECT_EQ(MapOf(epoch).at("convexity_violations"), "");
  EXPECT_EQ(MapOf(epoch).at("train_loss"), "0");
  epoch.set_convexity_violations(0);
  EXPECT_EQ(MapOf(epoch).at("convexity_violations"), "0");
  v1::TrainingConfig config;
  EXPECT_EQ(MapOf(config).at("optimizer_nesterov"), "");
  config.mutable_optimizer()->set_nesterov(false);
  EXPECT_EQ(MapOf(config).at("optimizer_nesterov"), "false");
}

TEST(FlattenTest, FieldsOfUnsetMessagesAreEmpty) {
  v1::Arm baseline;
  EXPECT_EQ(MapOf(baseline).at("comparison_p_value"), "");
  EXPECT_EQ(MapOf(baseline).at("comparison_pairs"), "") << "not 0";
  baseline.mutable_comparison();
  EXPECT_EQ(MapOf(baseline).at("comparison_pairs"), "0");
  v1::Run run;
  EXPECT_EQ(MapOf(run).at("last_epoch_theta_mean"), "");
  run.mutable_last_epoch();
  EXPECT_EQ(MapOf(run).at("last_epoch_train_loss"), "0");
}

TEST(FlattenTest, UnspecifiedEnumsAreEmpty) {
  v1::Run run;
  EXPECT_EQ(MapOf(run).at("failure_reason"), "");
  run.mutable_failure()->set_message("unknown");
  EXPECT_EQ(MapOf(run).at("failure_reason"), "");
  run.mutable_failure()->set_reason(v1::FAILURE_REASON_DIVERGED);
  EXPECT_EQ(MapOf(run).at("failure_reason"), "DIVERGED");
}

TEST(FlattenTest, NamesMetricsAsTheApiDoes) {
  v1::Run run;
  v1::MetricValue& best = (*run.mutable_metrics())["best.train_loss"];
  best.set_value(0.125);
  best.set_epoch(7);
  EXPECT_EQ(MapOf(run).at("best.train_loss"), "0.125");
  EXPECT_EQ(MapOf(run).at("best.train_loss.epoch"), "7");
}

TEST(FlattenTest, LeavesOutTheOmittedFields) {
  v1::Run run;
  run.mutable_last_epoch()->set_epoch(3);
  std::vector<std::string> names;
  for (const auto& [name, value] : Flatten(run, {"last_epoch", "seed"})) names.push_back(name);
  EXPECT_THAT(names, ::testing::Contains("name"));
  EXPECT_THAT(names, ::testing::Not(::testing::Contains("seed")));
  EXPECT_THAT(names, ::testing::Not(::testing::Contains(StartsWith("last_epoch"))));
}

TEST(FlattenTest, PrintsEnumsByTheirShortNames) {
  v1::Run run;
  run.set_state(v1::RUN_STATE_SUCCEEDED);
  run.mutable_config()->mutable_theta()->set_policy(v1::THETA_POLICY_TRAINABLE);
  const auto values = MapOf(run);
  EXPECT_EQ(values.at("state"), "SUCCEEDED");
  EXPECT_EQ(values.at("config_theta_policy"), "TRAINABLE");
}

TEST(FlattenTest, PrintsTheWholeRangeOfIntegers) {
  v1::Run run;
  run.set_seed(std::numeric_limits<int64_t>::min());
  run.set_attempts(std::numeric_limits<int32_t>::max());
  EXPECT_EQ(MapOf(run).at("seed"), "-9223372036854775808");
  EXPECT_EQ(MapOf(run).at("attempts"), "2147483647");
}

RC_GTEST_PROP(FlattenTest, NumbersRoundTripExactly, (uint64_t bits)) {
  const auto number = std::bit_cast<double>(bits);
  RC_PRE(!std::isnan(number));
  v1::Epoch epoch;
  epoch.set_train_loss(number);
  double read = 0;
  RC_ASSERT(absl::SimpleAtod(MapOf(epoch).at("train_loss"), &read));
  RC_ASSERT(std::bit_cast<uint64_t>(read) == bits);
}

TEST(FlatTableTest, ColumnsAreAllNamesInTheOrderOfTheirFirstOccurrence) {
  v1::Epoch small;
  small.set_epoch(1);
  small.add_layers()->set_gradient_norm(1);
  v1::Epoch large = small;
  large.set_epoch(2);
  large.add_layers()->set_gradient_norm(2);
  const std::string csv = FlatTable({&small, &large}, small).ToCsv();
  const std::string header = csv.substr(0, csv.find('\n'));
  EXPECT_THAT(header, StartsWith("epoch,elapsed_seconds,epoch_seconds,"));
  EXPECT_EQ(header.find("layers_0_gradient_norm") != std::string::npos, true);
  EXPECT_GT(header.find("layers_1_gradient_norm"), header.find("layers_0_gradient_norm"));
  // One row each; the first has empty cells in columns that only the second has.
  const std::string first = csv.substr(csv.find('\n') + 1);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 3);
  EXPECT_EQ(std::count(header.begin(), header.end(), ','),
            std::count(first.begin(), first.begin() + static_cast<long>(first.find('\n')), ','));
}

}  // namespace
}  // namespace anneal::client::render
