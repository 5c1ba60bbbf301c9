#include "common/field_behavior.h"

#include "anneal/v1/resources.pb.h"
#include "anneal/v1/services.pb.h"
#include "gtest/gtest.h"
#include "tests/unit/common/test_util.h"

namespace anneal {
namespace {

TEST(FieldBehaviorTest, ClearsExactlyTheOutputOnlyFields) {
  const std::string input = R"(
      config { epochs: 3 network { layers { dense { units: 4 } } } }
      axes { field: "epochs" values: "1" }
      seeds: 7
      preset: "baseline"
      labels { key: "a" value: "b" }
      note: "n"
      priority: 5
      user: "u")";
  auto experiment = FromText<v1::Experiment>(input + R"(
      name: "experiments/e"
      etag: "x"
      create_time { seconds: 1 }
      state: RUN_STATE_FAILED
      run_counts { total: 3 }
      last_sequence: 9
      network { parameter_count: 3 }
      steps_per_epoch: 8
      delete_time { seconds: 1 })");
  ClearOutputOnly(&experiment);
  EXPECT_TRUE(Same(experiment, FromText<v1::Experiment>(input)));
}

TEST(FieldBehaviorTest, EveryFieldOfAnExperimentHasABehavior) {
  const auto* type = v1::Experiment::descriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    EXPECT_NE(type->field(i)->options().GetExtension(v1::behavior), v1::FIELD_BEHAVIOR_UNSPECIFIED)
        << type->field(i)->name();
  }
}

TEST(FieldBehaviorTest, ReadsTheOption) {
  const auto* type = v1::Experiment::descriptor();
  EXPECT_TRUE(IsRequired(*type->FindFieldByName("config")));
  EXPECT_FALSE(IsRequired(*type->FindFieldByName("note")));
  EXPECT_TRUE(IsOutputOnly(*type->FindFieldByName("state")));
  EXPECT_FALSE(IsOutputOnly(*type->FindFieldByName("config")));
}

TEST(FieldBehaviorTest, ARequiredFieldThatIsUnsetIsAViolation) {
  FieldViolations violations;
  CheckRequired(v1::Experiment(), &violations);
  EXPECT_TRUE(violations.Has("config"));
  EXPECT_EQ(violations.size(), 1U);

  v1::Experiment experiment;
  experiment.mutable_config();
  FieldViolations none;
  CheckRequired(experiment, &none);
  EXPECT_TRUE(none.empty());

  FieldViolations of_a_list;
  CheckRequired(v1::CompareExperimentsRequest(), &of_a_list);
  EXPECT_TRUE(of_a_list.Has("names"));
}

}  // namespace
}  // namespace anneal
