// Fuzzes configs built from lines of PATH=VALUE: validation is quick and allocates little, defaults
// are idempotent, and every accepted config has a consistent plan.

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_split.h"
#include "anneal/v1/config.pb.h"
#include "common/config/field_path.h"
#include "common/config/theta_schedule.h"
#include "common/config/validation.h"
#include "google/protobuf/util/message_differencer.h"
#include "tests/fuzz/require.h"

namespace anneal::fuzz {
namespace {

constexpr config::DatasetShape kMnist = {
    .height = 28, .width = 28, .classes = 10, .train_images = 60'000};

// Applies the first lines; skips malformed ones.
v1::TrainingConfig ReadConfig(absl::string_view input) {
  constexpr int kMaxLines = 100;
  v1::TrainingConfig config;
  int count = 0;
  for (const absl::string_view line : absl::StrSplit(input, '\n')) {
    if (++count > kMaxLines) break;
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits('=', 1));
    (void)config::SetField(&config, parts.first, parts.second);
  }
  return config;
}

void CheckPlan(const v1::TrainingConfig& config, const config::RunPlan& plan) {
  Require(plan.train_images > 0, "something is trained on");
  Require(plan.train_images + plan.validation_images <= kMnist.train_images,
          "images are used once");
  Require(plan.length.epochs == config.epochs() && plan.length.steps_per_epoch > 0,
          "a run has steps");
  Require(plan.network.parameters > 0, "a network has parameters");
  for (const config::LayerPlan& layer : plan.network.layers) {
    Require(layer.output.units() > 0 && layer.affine.units() > 0, "layers have units");
  }
  const config::ThetaSchedule schedule(config.theta(), plan.length);
  const int64_t steps = plan.length.epochs * plan.length.steps_per_epoch;
  for (const int64_t step : {int64_t{0}, steps / 2, steps - 1}) {
    const double theta = schedule.Value(step / plan.length.steps_per_epoch, step);
    // pi/4 plus rounding.
    Require(theta >= 0 && theta <= 0.7853982, "theta is where activations are monotone");
  }
}

void Try(const v1::TrainingConfig& input) {
  const v1::TrainingConfig config = config::ResolveConfig(input);
  Require(config::ResolveConfig(config).SerializeAsString() == config.SerializeAsString(),
          "defaults stay as they are");
  const absl::Status status = config::CheckConfig(config);
  Require(status.ok() || absl::IsInvalidArgument(status), "a bad config is INVALID_ARGUMENT");
  const auto plan = config::PlanRun(config, kMnist);
  Require(status.ok() || !plan.ok(), "a plan passes all checks");
  if (plan.ok()) {
    CheckPlan(config, *plan);
  } else {
    Require(absl::IsInvalidArgument(plan.status()), "a config without a plan is INVALID_ARGUMENT");
  }
}

}  // namespace
}  // namespace anneal::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  anneal::fuzz::Try(
      anneal::fuzz::ReadConfig(absl::string_view(reinterpret_cast<const char*>(data), size)));
  return 0;
}
