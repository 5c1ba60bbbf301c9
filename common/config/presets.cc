#include "common/config/presets.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/status.h"
#include "google/protobuf/text_format.h"

namespace anneal::config {
namespace {

constexpr absl::string_view kPresets = "presets/";

struct Definition {
  absl::string_view id;
  absl::string_view description;
  absl::string_view config;  // text format
  bool deep = false;         // uses DeepNetwork
};

// The four experiments, followed by controls and variants.
constexpr Definition kDefinitions[] = {
    {"baseline", "Experiment 1: a ReLU network, theta fixed at 0",
     "theta { policy: THETA_POLICY_FIXED } regularizer { l2: 1e-5 }"},
    {"annealed", "Experiment 2: theta from pi/4 to 0, linearly over the run",
     "theta { policy: THETA_POLICY_SCHEDULED schedule: THETA_SCHEDULE_LINEAR }"
     " regularizer { l2: 1e-5 }"},
    {"trainable-shared", "Experiment 3: one trainable theta, small learning rate",
     "theta { policy: THETA_POLICY_TRAINABLE granularity: THETA_GRANULARITY_NETWORK"
     " learning_rate: 0.001 } regularizer { l2: 1e-5 }"},
    {"trainable-per-neuron", "Experiment 4: a trainable theta for every neuron",
     "theta { policy: THETA_POLICY_TRAINABLE granularity: THETA_GRANULARITY_NEURON"
     " learning_rate: 0.001 } regularizer { l2: 1e-5 }"},
    {"annealed-plateau", "Anneal theta by a notch whenever the training loss stalls",
     "theta { policy: THETA_POLICY_SCHEDULED schedule: THETA_SCHEDULE_PLATEAU }"
     " regularizer { l2: 1e-5 } epochs: 30"},
    {"annealed-jump", "Control: linear for half of the run, then ReLU",
     "theta { policy: THETA_POLICY_SCHEDULED schedule: THETA_SCHEDULE_JUMP }"
     " regularizer { l2: 1e-5 }"},
    {"high-lr-baseline", "Ten times the learning rate: a ReLU network",
     "optimizer { learning_rate: 0.01 } regularizer { l2: 1e-5 }"},
    {"high-lr-annealed", "Ten times the learning rate: annealed linearly",
     "theta { policy: THETA_POLICY_SCHEDULED schedule: THETA_SCHEDULE_LINEAR }"
     " optimizer { learning_rate: 0.01 } regularizer { l2: 1e-5 }"},
    {"deep-baseline", "24 conv layers without normalisation: a ReLU network", "", /*deep=*/true},
    {"deep-annealed", "24 conv layers without normalisation: annealed linearly",
     "theta { policy: THETA_POLICY_SCHEDULED schedule: THETA_SCHEDULE_LINEAR }", /*deep=*/true},
};

// 8 layers at 14x14, then 16 at 7x7, each conv 8@3x3: deep enough for vanishing gradients.
void DeepNetwork(v1::NetworkConfig* network) {
  constexpr int kLayers = 24;
  constexpr int kLayersAt14 = 8;
  for (int i = 0; i < kLayers; ++i) {
    v1::ConvLayer* conv = network->add_layers()->mutable_conv();
    conv->set_filters(8);
    conv->set_kernel(3);
    conv->set_padding(1);
    if (i == 0) conv->set_stride(2);
    if (i + 1 == kLayersAt14) conv->set_pool(v1::POOL_MAX);
  }
}

std::vector<v1::Preset> BuildPresets() {
  std::vector<v1::Preset> presets;
  for (const Definition& definition : kDefinitions) {
    v1::Preset& preset = presets.emplace_back();
    preset.set_name(absl::StrCat(kPresets, definition.id));
    preset.set_description(std::string(definition.description));
    // A parse error is a programming error; the test of all presets detects it.
    google::protobuf::TextFormat::ParseFromString(std::string(definition.config),
                                                  preset.mutable_config());
    if (definition.deep) DeepNetwork(preset.mutable_config()->mutable_network());
  }
  return presets;
}

}  // namespace

const std::vector<v1::Preset>& Presets() {
  static const auto& presets = *new std::vector<v1::Preset>(BuildPresets());
  return presets;
}

absl::StatusOr<v1::Preset> FindPreset(absl::string_view name) {
  for (const v1::Preset& preset : Presets()) {
    if (preset.name() == name) return preset;
  }
  const std::string known =
      absl::StrJoin(Presets(), ", ", [](std::string* out, const v1::Preset& preset) {
        absl::StrAppend(out, absl::StripPrefix(preset.name(), kPresets));
      });
  return WithReason(absl::NotFoundError(absl::StrCat(
                        "there is no preset \"", absl::StripPrefix(name, kPresets).substr(0, 80),
                        "\"; choose one of ", known)),
                    v1::ERROR_REASON_PRESET_NOT_FOUND);
}

}  // namespace anneal::config
