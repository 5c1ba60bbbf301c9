#include "common/config/learning_rate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace anneal::config {
namespace {

double ScheduleFactor(const v1::OptimizerConfig& config, int64_t epochs, int64_t epoch) {
  if (config.has_schedule_epochs()) epochs = config.schedule_epochs();
  const double progress =
      epochs > 1 ? std::min(1.0, static_cast<double>(epoch) / static_cast<double>(epochs - 1)) : 0;
  const double last = config.final_factor();
  static_assert(v1::LearningRateSchedule_ARRAYSIZE == 6, "give the new schedule its formula");
  switch (config.schedule()) {
    case v1::LEARNING_RATE_SCHEDULE_CONSTANT:
      return 1;
    case v1::LEARNING_RATE_SCHEDULE_INVERSE:
      return 1.0 / static_cast<double>(epoch + 1);
    case v1::LEARNING_RATE_SCHEDULE_LINEAR:
      return std::lerp(1.0, last, progress);
    case v1::LEARNING_RATE_SCHEDULE_COSINE:
      return last + (1 - last) * (1 + std::cos(std::numbers::pi * progress)) / 2;
    case v1::LEARNING_RATE_SCHEDULE_STEP: {
      const int64_t steps_down = epoch / config.step_epochs();
      return std::pow(config.step_factor(), static_cast<double>(steps_down));
    }
    default:  // unspecified, which no resolved config has
      return 1;
  }
}

}  // namespace

double LearningRateFactor(const v1::OptimizerConfig& config, RunLength length, int64_t epoch,
                          int64_t step) {
  const double warmup_steps =
      std::round(config.warmup_epochs() * static_cast<double>(length.steps_per_epoch));
  const double warmup =
      warmup_steps > 0 ? std::min(1.0, static_cast<double>(step + 1) / warmup_steps) : 1.0;
  return warmup * ScheduleFactor(config, length.epochs, epoch);
}

}  // namespace anneal::config
