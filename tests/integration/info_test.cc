// Tests the information that the daemon reports: health, presets, data sets.

#include <grpcpp/generic/generic_stub.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <vector>

#include "common/activation.h"
#include "common/config/validation.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/daemon_test.h"

namespace anneal {
namespace {

class InfoTest : public DaemonTest {
 protected:
  // The answer of grpc.health.v1.Health/Check, which Debian has no generated code for.
  grpc::Status Health(const std::string& service, std::string* answer) {
    // Field 1, a string.
    std::string bytes;
    if (!service.empty()) {
      bytes = std::string("\n") + static_cast<char>(service.size()) + service;
    }
    const grpc::Slice slice(bytes);
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    grpc::GenericStub stub(channel_);
    Context context;
    std::promise<grpc::Status> done;
    stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", {}, &request, &response,
                   [&done](grpc::Status status) { done.set_value(std::move(status)); });
    grpc::Status status = done.get_future().get();
    grpc::Slice whole;
    if (status.ok() && response.DumpToSingleSlice(&whole).ok()) {
      answer->assign(reinterpret_cast<const char*>(whole.begin()), whole.size());
    }
    return status;
  }
};

TEST_F(InfoTest, HealthServiceSaysServing) {
  std::string answer;
  const grpc::Status status = Health("", &answer);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(answer, std::string("\x08\x01")) << "field 1, status: SERVING = 1";
}

TEST_F(InfoTest, HealthOfAnUnknownServiceIsNotFound) {
  std::string answer;
  EXPECT_EQ(Health("no.such.Service", &answer).error_code(), grpc::StatusCode::NOT_FOUND);
}

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

// As services.proto says of Preset.config: nothing is left to the reader's defaults.
TEST_F(InfoTest, ConfigsOfPresetsLeaveDefaultsThatDependOnOthersOpen) {
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

TEST_F(InfoTest, UnknownPresetIsNotFoundWithThoseThereAre) {
  Context context;
  v1::GetPresetRequest request;
  request.set_name("presets/nothing");
  v1::Preset preset;
  const grpc::Status status = presets_->GetPreset(&context, request, &preset);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_TRUE(Mentions(status.error_message(), {"nothing", "baseline", "annealed"}));
  EXPECT_NE(ReasonOf(status), "");
}

TEST_F(InfoTest, ServerInfoShowsDataSetsAndWhatIsWrongWithThem) {
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

TEST_F(InfoTest, BrokenDataSetIsRefusedWithWhatIsWrongWithIt) {
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
