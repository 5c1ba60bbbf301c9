#include "common/config/extend.h"

#include <string>

#include "common/config/learning_rate.h"
#include "common/config/theta_schedule.h"
#include "common/config/validation.h"
#include "gtest/gtest.h"
#include "tests/unit/common/test_util.h"

namespace anneal {
namespace {

constexpr int kEpochs = 7;
constexpr int kSteps = 5;

// Completed epochs keep their schedule; later ones keep the final theta and learning rate.
TEST(ExtendConfigTest, KeepsTheShapeOfEverySchedule) {
  for (const char* theta :
       {"CONSTANT", "LINEAR", "COSINE", "SQRT", "POWER", "EXPONENTIAL", "STEP", "JUMP"}) {
    for (const char* unit : {"EPOCH", "STEP"}) {
      for (const char* rate : {"CONSTANT", "LINEAR", "COSINE"}) {
        const std::string text = absl::StrCat(
            "epochs: 7 theta { policy: THETA_POLICY_SCHEDULED schedule: THETA_SCHEDULE_", theta,
            " unit: SCHEDULE_UNIT_", unit, std::string(theta) == "JUMP" ? "" : " hold: 2",
            " } optimizer { schedule: LEARNING_RATE_SCHEDULE_", rate, " warmup_epochs: 2 }");
        const v1::TrainingConfig config = config::ResolveConfig(FromText<v1::TrainingConfig>(text));
        const config::RunLength length = {.epochs = kEpochs, .steps_per_epoch = kSteps};
        const config::RunLength longer = {.epochs = 2 * kEpochs, .steps_per_epoch = kSteps};
        const v1::TrainingConfig extended = config::ExtendConfig(config, length, 2 * kEpochs);
        EXPECT_EQ(extended.epochs(), 2 * kEpochs);
        EXPECT_TRUE(config::CheckConfig(extended).ok()) << text;
        const config::ThetaSchedule before(config.theta(), length);
        const config::ThetaSchedule after(extended.theta(), longer);
        for (int epoch = 0; epoch < 2 * kEpochs; ++epoch) {
          for (int i = 0; i < kSteps; ++i) {
            const int step = epoch * kSteps + i;
            const int then_step = std::min(step, kEpochs * kSteps - 1);
            const int then = std::min(epoch, kEpochs - 1);
            EXPECT_EQ(after.Value(epoch, step), before.Value(then, then_step)) << text << step;
            EXPECT_EQ(config::LearningRateFactor(extended.optimizer(), longer, epoch, step),
                      config::LearningRateFactor(config.optimizer(), length, then, then_step))
                << text << step;
          }
        }
      }
    }
  }
}

TEST(ExtendConfigTest, KeepsExplicitValues) {
  const v1::TrainingConfig config = config::ResolveConfig(FromText<v1::TrainingConfig>(
      "epochs: 7 theta { policy: THETA_POLICY_SCHEDULED hold: 1 span: 3 }"
      " optimizer { schedule: LEARNING_RATE_SCHEDULE_COSINE schedule_epochs: 4 }"));
  v1::TrainingConfig expected = config;
  expected.set_epochs(20);
  EXPECT_TRUE(
      Same(config::ExtendConfig(config, {.epochs = 7, .steps_per_epoch = 2}, 20), expected));
}

}  // namespace
}  // namespace anneal
