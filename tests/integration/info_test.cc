// Tests the information that the daemon reports: presets, data sets.

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "common/activation.h"
#include "common/config/validation.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/daemon_test.h"

namespace anneal {
namespace {

class InfoTest : public DaemonTest {};

TEST_F(InfoTest, PresetsAreListedAndFoundByName) {
  Context context;
  v1::ListPresetsResponse response;
  ASSERT_TRUE(presets_->ListPresets(&context, {}, &response).ok());
  std::vector<std::string> names;
  for (const v1::Preset& preset : response.presets()) {
    names.push_back(preset.name());
    EXPECT_NE(preset.description(), "");
    EXPECT_EQ(preset.description().find('\n'), std::string::npos);
    Context get_context;
    v1::GetPresetRequest request;
    request.set_name(preset.name());
    v1::Preset got;
    ASSERT_TRUE(presets_->GetPreset(&get_context, request, &got).ok());
    EXPECT_TRUE(Same(got, preset));
  }
  EXPECT_THAT(
      names, ::testing::IsSupersetOf({"presets/baseline", "presets/annealed",
                                      "presets/trainable-shared", "presets/trainable-per-neuron"}));
}

// Preset.config is complete (services.proto): readers need no defaults.
TEST_F(InfoTest, PresetConfigsLeaveDependentDefaultsUnset) {
  // The baseline set to SCHEDULED must start at pi/4, not at the 0 of a FIXED theta.
  Context context;
  v1::GetPresetRequest request;
  request.set_name("presets/baseline");
  v1::Preset preset;
  ASSERT_TRUE(presets_->GetPreset(&context, request, &preset).ok());
  preset.mutable_config()->mutable_theta()->set_policy(v1::THETA_POLICY_SCHEDULED);
  EXPECT_EQ(config::ResolveConfig(preset.config()).theta().start(), kThetaLinear);
}

TEST_F(InfoTest, EveryPresetCanBeSubmitted) {
  Context context;
  v1::ListPresetsResponse response;
  ASSERT_TRUE(presets_->ListPresets(&context, {}, &response).ok());
  for (const v1::Preset& preset : response.presets()) {
    v1::CreateExperimentRequest request;
    request.set_validate_only(true);
    *request.mutable_experiment()->mutable_config() = preset.config();
    request.mutable_experiment()->mutable_config()->mutable_dataset()->set_name("tiny");
    *request.mutable_experiment()->mutable_config()->mutable_network() = TinyConfig(1).network();
    const grpc::Status status = TryCreate(request);
    EXPECT_TRUE(status.ok()) << preset.name() << ": " << status.error_message();
  }
}

TEST_F(InfoTest, UnknownPresetIsNotFoundAndListsTheAvailableOnes) {
  Context context;
  v1::GetPresetRequest request;
  request.set_name("presets/nothing");
  v1::Preset preset;
  const grpc::Status status = presets_->GetPreset(&context, request, &preset);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_TRUE(Mentions(status.error_message(), {"nothing", "baseline", "annealed"}));
  EXPECT_NE(ReasonOf(status), "");
}

TEST_F(InfoTest, ServerInfoShowsDataSetsAndTheirProblems) {
  std::filesystem::create_directories(directory_.file("datasets/broken"));
  std::ofstream(directory_.file("datasets/broken/train-images-idx3-ubyte")) << "no images";
  Context context;
  v1::ServerInfo info;
  ASSERT_TRUE(server_->GetServerInfo(&context, {}, &info).ok());
  EXPECT_NE(info.version(), "");
  EXPECT_EQ(info.workers(), 2);
  EXPECT_EQ(info.workers_busy(), 0);
  EXPECT_GT(info.start_time().seconds(), 1'600'000'000);
  ASSERT_EQ(info.datasets_size(), 2);
  EXPECT_EQ(info.datasets(0).name(), "broken");
  EXPECT_NE(info.datasets(0).problem(), "");
  EXPECT_EQ(info.datasets(1).name(), "tiny");
  EXPECT_EQ(info.datasets(1).problem(), "");
}

TEST_F(InfoTest, BrokenDataSetIsRejectedWithAReason) {
  std::filesystem::create_directories(directory_.file("datasets/broken"));
  std::ofstream(directory_.file("datasets/broken/train-images-idx3-ubyte")) << "no images";
  v1::CreateExperimentRequest request = TinyRequest("e");
  request.mutable_experiment()->mutable_config()->mutable_dataset()->set_name("broken");
  const grpc::Status status = TryCreate(request);
  EXPECT_FALSE(status.ok());
  EXPECT_TRUE(Mentions(status.error_message(), {"broken"}));
  EXPECT_NE(ReasonOf(status), "");
}

}  // namespace
}  // namespace anneal
