#include "common/config/presets.h"

#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/config/validation.h"
#include "common/resource_name.h"
#include "gtest/gtest.h"
#include "tests/unit/common/test_util.h"

namespace anneal {
namespace {

constexpr config::DatasetShape kMnist = {
    .height = 28, .width = 28, .classes = 10, .train_images = 60000};

TEST(PresetsTest, HaveUniqueNamesAndOneLineDescriptions) {
  std::set<std::string> names;
  for (const v1::Preset& preset : config::Presets()) {
    EXPECT_TRUE(names.insert(preset.name()).second) << preset.name();
    EXPECT_TRUE(absl::StartsWith(preset.name(), "presets/")) << preset.name();
    const auto id = absl::StripPrefix(preset.name(), "presets/");
    EXPECT_TRUE(CheckExperimentId("preset", id).ok()) << id;
    EXPECT_FALSE(preset.description().empty()) << preset.name();
    EXPECT_EQ(preset.description().find('\n'), std::string::npos) << preset.name();
  }
  EXPECT_GE(names.size(), 4u);
}

TEST(PresetsTest, AllResolveAndPassEveryCheckOnMnist) {
  for (const v1::Preset& preset : config::Presets()) {
    SCOPED_TRACE(preset.name());
    const v1::TrainingConfig config = config::ResolveConfig(preset.config());
    EXPECT_TRUE(Same(config, config::ResolveConfig(config)));
    ASSERT_TRUE(config::CheckConfig(config).ok()) << config::CheckConfig(config);
    const absl::StatusOr<config::RunPlan> plan = config::PlanRun(config, kMnist);
    ASSERT_TRUE(plan.ok()) << plan.status();
    EXPECT_EQ(plan->train_images, 54000);
    EXPECT_EQ(plan->validation_images, 6000);
    // 24 conv layers of 8 filters and a dense one of 8 * 7 * 7 inputs, or the default network:
    // (9 * 1 + 1) * 8 + 23 * (9 * 8 + 1) * 8 + (392 + 1) * 10 = 17,442.
    const bool deep = absl::StartsWith(preset.name(), "presets/deep-");
    EXPECT_EQ(plan->network.parameters, deep ? 17442 : 6362);
    EXPECT_EQ(plan->network.layers.size(), deep ? 25u : 4u);
  }
}

TEST(PresetsTest, LeaveOtherFieldsUnset) {
  for (const v1::Preset& preset : config::Presets()) {
    SCOPED_TRACE(preset.name());
    // ResolveConfig fills the fields that presets leave unset.
    EXPECT_FALSE(preset.config().has_batch_size());
    EXPECT_FALSE(preset.config().has_dataset());
    EXPECT_EQ(preset.config().has_network(), absl::StartsWith(preset.name(), "presets/deep-"));
    EXPECT_EQ(preset.config().has_optimizer(), absl::StartsWith(preset.name(), "presets/high-lr-"));
  }
}

v1::ThetaConfig ThetaOf(const std::string& id) {
  const absl::StatusOr<v1::Preset> preset = config::FindPreset("presets/" + id);
  EXPECT_TRUE(preset.ok()) << preset.status();
  return preset.ok() ? config::ResolveConfig(preset->config()).theta() : v1::ThetaConfig();
}

TEST(PresetsTest, TheFourExperimentsMatchTheirDescriptions) {
  const v1::ThetaConfig baseline = ThetaOf("baseline");
  EXPECT_EQ(baseline.policy(), v1::THETA_POLICY_FIXED);
  EXPECT_EQ(baseline.start(), 0);

  const v1::ThetaConfig annealed = ThetaOf("annealed");
  EXPECT_EQ(annealed.policy(), v1::THETA_POLICY_SCHEDULED);
  EXPECT_EQ(annealed.schedule(), v1::THETA_SCHEDULE_LINEAR);
  EXPECT_EQ(annealed.start(), 0.78539816339744830962);
  EXPECT_EQ(annealed.end(), 0);

  const v1::ThetaConfig shared = ThetaOf("trainable-shared");
  EXPECT_EQ(shared.policy(), v1::THETA_POLICY_TRAINABLE);
  EXPECT_EQ(shared.granularity(), v1::THETA_GRANULARITY_NETWORK);

  const v1::ThetaConfig neuron = ThetaOf("trainable-per-neuron");
  EXPECT_EQ(neuron.policy(), v1::THETA_POLICY_TRAINABLE);
  EXPECT_EQ(neuron.granularity(), v1::THETA_GRANULARITY_NEURON);
}

TEST(FindPresetTest, FindsEveryPresetByName) {
  for (const v1::Preset& preset : config::Presets()) {
    const absl::StatusOr<v1::Preset> found = config::FindPreset(preset.name());
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_TRUE(Same(*found, preset));
  }
}

TEST(FindPresetTest, ListsTheAvailablePresetsForAnUnknownName) {
  const absl::Status status = config::FindPreset("presets/annealled").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(Mentions(status.message(), {"annealled"}));
  for (const v1::Preset& preset : config::Presets()) {
    EXPECT_TRUE(
        Mentions(status.message(), {std::string(absl::StripPrefix(preset.name(), "presets/"))}));
  }
}

TEST(FindPresetTest, AcceptsFullNamesOnlyAndSurvivesHostileOnes) {
  for (const std::string& name :
       {std::string(), std::string("baseline"), std::string("presets/"),
        std::string("presets/baseline/"), std::string("presets/BASELINE"),
        std::string("presets/../baseline"), std::string("presets/baseline\0", 17),
        absl::StrCat("presets/", std::string(1 << 20, 'b')), std::string("presets/基线")}) {
    EXPECT_EQ(config::FindPreset(name).status().code(), absl::StatusCode::kNotFound)
        << name.substr(0, 80);
  }
}

}  // namespace
}  // namespace anneal
