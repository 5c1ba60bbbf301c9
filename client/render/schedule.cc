#include "client/render/schedule.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/render/format.h"
#include "client/render/table.h"
#include "common/activation.h"
#include "common/config/learning_rate.h"
#include "common/config/theta_schedule.h"
#include "common/enum_name.h"

namespace anneal::client::render {
namespace {

constexpr int64_t kMostLines = 20;

std::string Bar(double theta) {
  constexpr int kWidth = 24;
  const auto filled = static_cast<int>(std::lround(theta / kThetaLinear * kWidth));
  std::string bar;
  for (int i = 0; i < kWidth; ++i) bar += i < filled ? "█" : "·";
  return bar;
}

// Explains how the actual thetas differ from the chart; empty if they do not.
std::string Remark(const v1::ThetaConfig& theta) {
  if (theta.policy() == v1::THETA_POLICY_TRAINABLE) {
    return "theta is trained: only its initial value is known\n";
  }
  if (theta.policy() == v1::THETA_POLICY_SCHEDULED &&
      config::TraitsOf(theta.schedule()).needs_state) {
    return absl::StrCat(
        EnumName(theta.schedule()), ": theta moves by ",
        Short(theta.plateau().notch() * std::abs(theta.end() - theta.start())),
        " whenever the training loss stalls; the chart assumes that it never does\n");
  }
  return "";
}

}  // namespace

std::string ScheduleChart(const v1::TrainingConfig& config, int64_t steps_per_epoch) {
  using Align = Table::Align;
  const config::RunLength length = {.epochs = config.epochs(), .steps_per_epoch = steps_per_epoch};
  const config::ThetaSchedule schedule(config.theta(), length);
  Table table({{"epoch", "EPOCH"},
               {"theta", "θ"},
               {"", "0 to π/4", Align::kLeft},
               {"slope", "SLOPE"},
               {"learning_rate", "LR"}});
  const int64_t lines = std::min(length.epochs, kMostLines);
  for (int64_t line = 0; line < lines; ++line) {
    const int64_t epoch = lines == 1 ? 0 : line * (length.epochs - 1) / (lines - 1);
    const int64_t step = epoch * steps_per_epoch;
    const double theta = schedule.Value(epoch, step);
    const double rate = config.optimizer().learning_rate() *
                        config::LearningRateFactor(config.optimizer(), length, epoch, step);
    table.AddRow({absl::StrCat(epoch + 1), absl::StrFormat("%.4f", theta), Bar(theta),
                  absl::StrFormat("%.4f", Slope(theta)), Short(rate)});
  }
  return absl::StrCat(Remark(config.theta()), table.ToText());
}

}  // namespace anneal::client::render
