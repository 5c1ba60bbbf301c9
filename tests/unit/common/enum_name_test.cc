#include "common/enum_name.h"

#include <string>

#include "anneal/v1/config.pb.h"
#include "anneal/v1/resources.pb.h"
#include "gtest/gtest.h"

namespace anneal {
namespace {

TEST(EnumNameTest, DropsTheEnumsPrefix) {
  EXPECT_EQ(EnumName(v1::THETA_SCHEDULE_LINEAR), "LINEAR");
  EXPECT_EQ(EnumName(v1::THETA_POLICY_FIXED), "FIXED");
  EXPECT_EQ(EnumName(v1::POOL_MAX), "MAX");
  EXPECT_EQ(EnumName(v1::LEARNING_RATE_SCHEDULE_COSINE), "COSINE");
  EXPECT_EQ(EnumName(v1::FAILURE_REASON_WORKER_LOST), "WORKER_LOST");
}

TEST(EnumNameTest, DropsThePrefixOfANestedEnum) {
  EXPECT_EQ(EnumName(v1::TestResult::WEIGHTS_BEST), "BEST");
}

TEST(EnumNameTest, NamesTheUnspecifiedValue) {
  EXPECT_EQ(EnumName(v1::RUN_STATE_UNSPECIFIED), "UNSPECIFIED");
}

TEST(EnumNameTest, NumbersWithoutANameAreUnknown) {
  EXPECT_EQ(EnumName(static_cast<v1::ThetaPolicy>(99)), "UNKNOWN");
  EXPECT_EQ(EnumName(static_cast<v1::ThetaPolicy>(-1)), "UNKNOWN");
}

TEST(EnumNameTest, FindsFullAndShortNamesInAnyCase) {
  for (const char* name : {"JUMP", "jump", "Jump", "THETA_SCHEDULE_JUMP", "theta_schedule_jump"}) {
    EXPECT_EQ(EnumValue<v1::ThetaSchedule>(name), v1::THETA_SCHEDULE_JUMP) << name;
  }
}

TEST(EnumNameTest, DoesNotFindOtherNames) {
  const std::string with_nul("JUMP\0", 5);
  for (const std::string& name :
       {std::string(), std::string("JUM"), std::string("JUMPS"), std::string(" JUMP"),
        std::string("SCHEDULE_JUMP"), std::string("THETA_SCHEDULE_"), std::string("8"), with_nul,
        std::string(1 << 20, 'J'), std::string("ｊｕｍｐ")}) {
    EXPECT_EQ(FindEnumValue(*v1::ThetaSchedule_descriptor(), name), nullptr) << name.substr(0, 80);
    EXPECT_EQ(EnumValue<v1::ThetaSchedule>(name), v1::THETA_SCHEDULE_UNSPECIFIED);
  }
}

TEST(EnumNameTest, DoesNotFindTheUnspecifiedValue) {
  EXPECT_EQ(FindEnumValue(*v1::Pool_descriptor(), "UNSPECIFIED"), nullptr);
  EXPECT_EQ(FindEnumValue(*v1::Pool_descriptor(), "POOL_UNSPECIFIED"), nullptr);
}

TEST(EnumNameTest, ListsTheChoicesWithoutTheUnspecifiedOne) {
  EXPECT_EQ(EnumChoices(*v1::ThetaPolicy_descriptor()), "FIXED, SCHEDULED, TRAINABLE");
  EXPECT_EQ(EnumChoices(*v1::Pool_descriptor()), "NONE, MAX, AVG");
  EXPECT_EQ(EnumChoices(*v1::ThetaSchedule_descriptor()),
            "CONSTANT, LINEAR, COSINE, SQRT, POWER, EXPONENTIAL, STEP, JUMP, PLATEAU");
}

TEST(EnumNameTest, EveryShortNameFindsItsValue) {
  for (const auto* type :
       {v1::ThetaPolicy_descriptor(), v1::ThetaGranularity_descriptor(),
        v1::ThetaSchedule_descriptor(), v1::ScheduleUnit_descriptor(), v1::Pool_descriptor(),
        v1::InitGain_descriptor(), v1::OptimizerKind_descriptor(),
        v1::LearningRateSchedule_descriptor(), v1::RunState_descriptor(),
        v1::FailureReason_descriptor(), v1::TestResult::Weights_descriptor()}) {
    for (int i = 1; i < type->value_count(); ++i) {
      const auto* value = type->value(i);
      EXPECT_EQ(FindEnumValue(*type, ShortName(*value)), value) << value->full_name();
      EXPECT_EQ(FindEnumValue(*type, value->name()), value) << value->full_name();
    }
  }
}

}  // namespace
}  // namespace anneal
