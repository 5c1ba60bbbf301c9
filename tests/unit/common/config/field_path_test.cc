#include "common/config/field_path.h"

#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "anneal/v1/config.pb.h"
#include "anneal/v1/resources.pb.h"
#include "common/config/validation.h"
#include "gtest/gtest.h"
#include "tests/unit/common/test_util.h"

namespace anneal {
namespace {

// A config with fields of every kind, which a failed SetField must leave unchanged.
v1::TrainingConfig Example() {
  return FromText<v1::TrainingConfig>(R"(
      dataset { name: "mnist" train_limit: 7 }
      network {
        layers { conv { filters: 8 kernel: 3 } }
        layers { dense { units: 20 } }
      }
      theta { policy: THETA_POLICY_SCHEDULED start: 0.5 hold: 2 plateau { patience: 3 } }
      optimizer { learning_rate: 0.25 nesterov: true }
      epochs: 11)");
}

// Sets one field of an empty config.
v1::TrainingConfig With(const std::string& path, const std::string& value) {
  v1::TrainingConfig config;
  const absl::Status status = config::SetField(&config, path, value);
  EXPECT_TRUE(status.ok()) << status;
  return config;
}

// Expects that SetField refuses, changes nothing, and explains why in valid error details.
absl::Status Refusal(const std::string& path, const std::string& value) {
  v1::TrainingConfig config = Example();
  const absl::Status status = config::SetField(&config, path, value);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument)
      << path.substr(0, 80) << " = " << value.substr(0, 80);
  EXPECT_TRUE(Same(config, Example())) << path.substr(0, 80) << " = " << value.substr(0, 80);
  return status;
}

TEST(SetFieldTest, SetsEveryKindOfScalar) {
  EXPECT_TRUE(Same(With("epochs", "12"), FromText<v1::TrainingConfig>("epochs: 12")));
  EXPECT_TRUE(Same(With("theta.hold", "5000000000"),
                   FromText<v1::TrainingConfig>("theta { hold: 5000000000 }")));
  EXPECT_TRUE(Same(With("optimizer.learning_rate", "0.01"),
                   FromText<v1::TrainingConfig>("optimizer { learning_rate: 0.01 }")));
  EXPECT_TRUE(Same(With("optimizer.epsilon", "1e-8"),
                   FromText<v1::TrainingConfig>("optimizer { epsilon: 1e-8 }")));
  EXPECT_TRUE(Same(With("network.batch_norm", "true"),
                   FromText<v1::TrainingConfig>("network { batch_norm: true }")));
  EXPECT_TRUE(Same(With("dataset.name", "fashion-mnist"),
                   FromText<v1::TrainingConfig>("dataset { name: 'fashion-mnist' }")));
  EXPECT_TRUE(Same(With("theta.plateau.patience", "3"),
                   FromText<v1::TrainingConfig>("theta { plateau { patience: 3 } }")));
}

TEST(SetFieldTest, SettingAFieldToZeroDoesNotUnsetIt) {
  const v1::TrainingConfig config = With("theta.start", "0");
  EXPECT_TRUE(config.theta().has_start());
  EXPECT_EQ(config.theta().start(), 0);
}

TEST(SetFieldTest, OverwritesOneFieldAndLeavesTheOthers) {
  v1::TrainingConfig config = Example();
  ASSERT_TRUE(config::SetField(&config, "optimizer.learning_rate", "0.5").ok());
  v1::TrainingConfig expected = Example();
  expected.mutable_optimizer()->set_learning_rate(0.5);
  EXPECT_TRUE(Same(config, expected));
}

TEST(SetFieldTest, TakesShortAndFullEnumNames) {
  for (const char* name : {"COSINE", "cosine", "THETA_SCHEDULE_COSINE"}) {
    EXPECT_EQ(With("theta.schedule", name).theta().schedule(), v1::THETA_SCHEDULE_COSINE) << name;
  }
}

TEST(SetFieldTest, TakesFractionsOfPiExactly) {
  EXPECT_EQ(With("theta.start", "pi/4").theta().start(), 0.78539816339744830962);
  EXPECT_EQ(With("theta.start", "pi/8").theta().start(), 0.39269908169872415481);
  EXPECT_DOUBLE_EQ(With("theta.start", "pi/6").theta().start(), 0.52359877559829887308);
  EXPECT_EQ(With("theta.start", "pi").theta().start(), 3.14159265358979323846);
}

TEST(SetFieldTest, AddressesElementsOfAListByNumber) {
  v1::TrainingConfig config = Example();
  ASSERT_TRUE(config::SetField(&config, "network.layers.0.conv.filters", "32").ok());
  ASSERT_TRUE(config::SetField(&config, "network.layers.1.dense.units", "64").ok());
  v1::TrainingConfig expected = Example();
  expected.mutable_network()->mutable_layers(0)->mutable_conv()->set_filters(32);
  expected.mutable_network()->mutable_layers(1)->mutable_dense()->set_units(64);
  EXPECT_TRUE(Same(config, expected));
}

TEST(SetFieldTest, TheNumberAfterTheLastElementAppends) {
  v1::TrainingConfig config = Example();
  ASSERT_TRUE(config::SetField(&config, "network.layers.2.dense.units", "10").ok());
  v1::TrainingConfig expected = Example();
  expected.mutable_network()->add_layers()->mutable_dense()->set_units(10);
  EXPECT_TRUE(Same(config, expected));
}

TEST(SetFieldTest, TakesJsonForAMessageAndReplacesIt) {
  v1::TrainingConfig config = Example();
  ASSERT_TRUE(config::SetField(&config, "theta", R"({"policy": "THETA_POLICY_FIXED"})").ok());
  v1::TrainingConfig expected = Example();
  *expected.mutable_theta() = FromText<v1::ThetaConfig>("policy: THETA_POLICY_FIXED");
  EXPECT_TRUE(Same(config, expected));
}

TEST(SetFieldTest, TakesJsonForAListAndReplacesIt) {
  v1::TrainingConfig config = Example();
  ASSERT_TRUE(config::SetField(&config, "network.layers",
                               R"([{"dense": {"units": 5}}, {"dense": {"units": 6}}])")
                  .ok());
  v1::TrainingConfig expected = Example();
  expected.mutable_network()->clear_layers();
  expected.mutable_network()->add_layers()->mutable_dense()->set_units(5);
  expected.mutable_network()->add_layers()->mutable_dense()->set_units(6);
  EXPECT_TRUE(Same(config, expected));
}

TEST(SetFieldTest, TakesJsonForOneElementOfAList) {
  // Elements are addressed by number, and whole messages take JSON.
  v1::TrainingConfig config = Example();
  const absl::Status status =
      config::SetField(&config, "network.layers.0", R"({"dense": {"units": 5}})");
  EXPECT_TRUE(status.ok()) << status;
  v1::TrainingConfig expected = Example();
  expected.mutable_network()->mutable_layers(0)->mutable_dense()->set_units(5);
  EXPECT_TRUE(Same(config, expected));
}

TEST(SetFieldTest, SetsAListOfScalarsAsAWholeOnly) {
  v1::Experiment experiment = FromText<v1::Experiment>("seeds: 1 seeds: 2");
  EXPECT_EQ(config::SetField(&experiment, "seeds.1", "5").code(),
            absl::StatusCode::kInvalidArgument);
  const absl::Status changed = config::SetField(&experiment, "seeds", "[1, 5, 7]");
  EXPECT_TRUE(changed.ok()) << changed;
  EXPECT_TRUE(Same(experiment, FromText<v1::Experiment>("seeds: 1 seeds: 5 seeds: 7")));
}

TEST(SetFieldTest, WorksOnOtherMessages) {
  v1::Experiment experiment;
  ASSERT_TRUE(config::SetField(&experiment, "config.theta.end", "0.25").ok());
  ASSERT_TRUE(config::SetField(&experiment, "axes.0.field", "epochs").ok());
  ASSERT_TRUE(config::SetField(&experiment, "seeds", "[3, 4]").ok());
  EXPECT_TRUE(Same(experiment, FromText<v1::Experiment>(
                                   "config { theta { end: 0.25 } } axes { field: 'epochs' } "
                                   "seeds: 3 seeds: 4")));
}

TEST(SetFieldTest, AnUnknownPathListsNearOnes) {
  const absl::Status status = Refusal("optimizer.learning_rat", "0.1");
  EXPECT_TRUE(Mentions(status.message(), {"optimizer.learning_rat ", "optimizer.learning_rate"}));
  EXPECT_EQ(ViolationsOf(status).count("optimizer.learning_rat"), 1u);
}

TEST(SetFieldTest, AFieldInTheWrongMessageNamesItsPath) {
  EXPECT_TRUE(Mentions(Refusal("learning_rate", "0.1").message(), {"optimizer.learning_rate"}));
  EXPECT_TRUE(Mentions(Refusal("optimizer.epochs", "3").message(), {" epochs"}));
}

struct WrongValue {
  const char* path;
  std::string value;
  std::vector<std::string> expected;  // words of the expected type
};

TEST(SetFieldTest, AValueOfTheWrongTypeIsNamedWithTheExpectedType) {
  const std::vector<WrongValue> table = {
      {"epochs", "ten", {"whole number"}},
      {"epochs", "", {"whole number"}},
      {"epochs", "1.5", {"whole number"}},
      {"epochs", "1e3", {"whole number"}},
      {"epochs", "2147483648", {"whole number"}},
      {"epochs", "-2147483649", {"whole number"}},
      {"theta.hold", "9223372036854775808", {"whole number"}},
      {"theta.hold", "true", {"whole number"}},
      {"theta.start", "", {"number"}},
      {"theta.start", "a lot", {"number"}},
      {"theta.start", "0.1rad", {"number"}},
      {"theta.start", "pi/", {"number"}},
      {"theta.start", "pi/0", {"number"}},
      {"theta.start", "pi/x", {"number"}},
      {"theta.start", "pie", {"number"}},
      {"theta.start", "0,5", {"number"}},
      {"network.batch_norm", "maybe", {"true", "false"}},
      {"network.batch_norm", "2", {"true", "false"}},
      {"theta.policy", "ANNEALED", {"FIXED", "SCHEDULED", "TRAINABLE"}},
      {"theta.policy", "UNSPECIFIED", {"FIXED", "SCHEDULED", "TRAINABLE"}},
      {"theta.policy", "", {"FIXED", "SCHEDULED", "TRAINABLE"}},
      {"network.layers.0.conv.pool", "MIN", {"NONE", "MAX", "AVG"}},
  };
  for (const WrongValue& wrong : table) {
    SCOPED_TRACE(absl::StrCat(wrong.path, " = ", wrong.value));
    const absl::Status status = Refusal(wrong.path, wrong.value);
    EXPECT_TRUE(Mentions(status.message(), {wrong.path, absl::StrCat("\"", wrong.value, "\"")}));
    EXPECT_TRUE(Mentions(status.message(), wrong.expected));
    EXPECT_EQ(ViolationsOf(status).count(wrong.path), 1u);
  }
}

TEST(SetFieldTest, RefusesBadJson) {
  for (const std::string& value :
       {std::string("5"), std::string("[]"), std::string("nonsense"), std::string("{"),
        std::string("{\"policy\": \"NO_SUCH\"}"), std::string("{\"no_such_field\": 1}"),
        std::string("{\"start\": \"much\"}"), std::string("{} {}"), std::string("{}}"),
        std::string(1 << 16, '{'), std::string(1 << 16, '[')}) {
    EXPECT_TRUE(Mentions(Refusal("theta", value).message(), {"theta"}));
  }
  for (const std::string& value :
       {std::string("{\"conv\": 1}"), std::string("[1]"), std::string("[{\"conf\": {}}]"),
        std::string("[{\"dense\": {\"units\": 1}}")}) {
    EXPECT_TRUE(Mentions(Refusal("network.layers", value).message(), {"network.layers"}));
  }
}

TEST(SetFieldTest, JsonCannotReachBeyondItsField) {
  // A value that closes the field's JSON and continues with another field's is not valid JSON.
  EXPECT_FALSE(Refusal("dataset", R"({}, "epochs": 99)").ok());
  EXPECT_FALSE(Refusal("network.layers", R"([], "batch_norm": true)").ok());
  EXPECT_FALSE(Refusal("theta.plateau", R"({}, "start": 0.125)").ok());
}

TEST(SetFieldTest, RefusesHostilePaths) {
  const std::string huge(1 << 20, 'a');
  const std::string dots(1 << 16, '.');
  std::string deep = "network";
  for (int i = 0; i < 10'000; ++i) deep += ".layers.0";
  for (const std::string& path : {std::string(),
                                  std::string("."),
                                  std::string(".."),
                                  std::string("..."),
                                  std::string("../"),
                                  std::string("../../etc/passwd"),
                                  std::string("epochs."),
                                  std::string("epochs.."),
                                  std::string(".epochs"),
                                  std::string("theta..start"),
                                  std::string("theta.start."),
                                  std::string("theta.start.x"),
                                  std::string("theta/start"),
                                  std::string("theta.0"),
                                  std::string("theta.0.start"),
                                  std::string("epochs.0"),
                                  std::string("Epochs"),
                                  std::string("epochs "),
                                  std::string(" epochs"),
                                  std::string("epochs\0", 7),
                                  std::string("theta.plateau."),
                                  std::string("network.layers."),
                                  std::string("network.layers.."),
                                  std::string("network.layers.0."),
                                  std::string("network.layers.0.conv."),
                                  std::string("network.layers.conv.filters"),
                                  std::string("network.layers.0.0.filters"),
                                  std::string("network.layers.0.kind.filters"),
                                  std::string("anneal.v1.TrainingConfig.epochs"),
                                  std::string("θ.start"),
                                  std::string("theta.début"),
                                  std::string("実験"),
                                  huge,
                                  "theta." + huge,
                                  huge + ".start",
                                  dots,
                                  deep}) {
    const absl::Status status = Refusal(path, "1");
    EXPECT_FALSE(ViolationsOf(status).empty()) << path.substr(0, 80);
  }
}

TEST(SetFieldTest, RejectsMissingElements) {
  for (const std::string& index :
       {std::string("3"), std::string("-1"), std::string("-2147483648"), std::string("2147483647"),
        std::string("2147483648"), std::string("4294967296"), std::string("9223372036854775807"),
        std::string("18446744073709551616"), std::string("-99999999999999999999"),
        std::string("1e0"), std::string("0x0"), std::string("zero"), std::string("٠"),
        std::string(1 << 16, '9')}) {
    const std::string path = absl::StrCat("network.layers.", index, ".conv.filters");
    const absl::Status status = Refusal(path, "4");
    if (index.size() < 64) {
      EXPECT_TRUE(Mentions(status.message(), {index}));
    }
  }
}

TEST(SetFieldTest, RefusesHostileValues) {
  const std::string huge(1 << 20, '9');
  EXPECT_FALSE(Refusal("epochs", huge).ok());
  EXPECT_FALSE(Refusal("theta.hold", "-" + huge).ok());
  EXPECT_FALSE(Refusal("theta.policy", huge).ok());
  EXPECT_FALSE(Refusal("network.batch_norm", huge).ok());
  EXPECT_FALSE(Refusal("epochs", std::string("1\0", 2)).ok());
  EXPECT_FALSE(Refusal("epochs", "１").ok());
  EXPECT_FALSE(Refusal("theta.start", "½").ok());
  EXPECT_FALSE(Refusal("theta", huge).ok());
}

TEST(SetFieldTest, DetailsOfALongUnicodeValueCanBeReadBack) {
  // An error may cut a long value short, but not in the middle of a character.
  std::string three_bytes_each;
  for (int i = 0; i < 100; ++i) three_bytes_each += "€";
  for (const std::string& start : {std::string(), std::string("a"), std::string("ab")}) {
    const absl::Status status = Refusal("epochs", start + three_bytes_each);
    EXPECT_EQ(ViolationsOf(status).count("epochs"), 1u) << start;
  }
}

TEST(FieldPathsTest, ListsPathsInTheOrderOfTheSchema) {
  const std::vector<std::string> expected = {
      "dataset.name",
      "dataset.validation_fraction",
      "dataset.train_limit",
      "network.layers",
      "network.init_gain",
      "network.batch_norm",
      "theta.policy",
      "theta.granularity",
      "theta.schedule",
      "theta.start",
      "theta.end",
      "theta.unit",
      "theta.hold",
      "theta.span",
      "theta.power",
      "theta.rate",
      "theta.steps",
      "theta.plateau.notch",
      "theta.plateau.patience",
      "theta.plateau.tolerance",
      "theta.learning_rate",
      "theta.lower_bound",
      "theta.upper_bound",
      "optimizer.kind",
      "optimizer.learning_rate",
      "optimizer.schedule",
      "optimizer.warmup_epochs",
      "optimizer.final_factor",
      "optimizer.schedule_epochs",
      "optimizer.step_epochs",
      "optimizer.step_factor",
      "optimizer.momentum",
      "optimizer.nesterov",
      "optimizer.beta1",
      "optimizer.beta2",
      "optimizer.epsilon",
      "optimizer.weight_decay",
      "optimizer.clip_norm",
      "regularizer.l1",
      "regularizer.l2",
      "epochs",
      "batch_size",
      "early_stopping.patience",
      "early_stopping.min_delta",
      "diagnostics.activations",
      "diagnostics.convexity",
      "diagnostics.hessian_every",
      "diagnostics.probe_size",
      "checkpoint.every_epochs",
      "checkpoint.every_seconds",
      "evaluation.test",
      "engine",
  };
  EXPECT_EQ(config::FieldPaths(*v1::TrainingConfig::descriptor()), expected);
}

TEST(FieldPathsTest, ListsOnlyPathsThatTakeAValue) {
  const std::vector<std::string> values = {"1",        "true",  "FIXED", "LINEAR",
                                           "NETWORK",  "EPOCH", "ADAM",  "THETA",
                                           "CONSTANT", "[]",    "AUTO"};
  for (const std::string& path : config::FieldPaths(*v1::TrainingConfig::descriptor())) {
    bool taken = false;
    for (const std::string& value : values) {
      v1::TrainingConfig config;
      taken = taken || config::SetField(&config, path, value).ok();
    }
    EXPECT_TRUE(taken) << path;
  }
}

// Last, because it may end the process.
TEST(SetFieldTest, RefusesBadJsonForAListOfScalars) {
  v1::Experiment experiment = FromText<v1::Experiment>("seeds: 1");
  const absl::Status status = config::SetField(&experiment, "seeds", "[one]");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Mentions(status.message(), {"seeds", "[one]"}));
  EXPECT_TRUE(Same(experiment, FromText<v1::Experiment>("seeds: 1")));
}

TEST(GetFieldTest, RoundTripsWithSetField) {
  v1::TrainingConfig config = config::ResolveConfig({});
  for (const auto& [path, value] : std::vector<std::pair<std::string, std::string>>{
           {"epochs", "3"},
           {"theta.policy", "SCHEDULED"},
           {"theta.plateau.notch", "0.25"},
           {"optimizer.learning_rate", "0.30000000000000004"},
           {"optimizer.nesterov", "true"},
           {"dataset.name", "fashion-mnist"},
           {"network.layers.1.conv.filters", "5"}}) {
    ASSERT_TRUE(config::SetField(&config, path, value).ok());
    EXPECT_EQ(config::GetField(config, path).value(), value);
  }
  EXPECT_EQ(config::GetField(config, "theta.span").value(), "-");
  EXPECT_EQ(config::GetField(config, "network.layers.9.conv.filters").value(), "-");
  // Messages and lists as JSON, which sets the same again.
  for (const char* path : {"network.layers", "network.layers.0", "theta.plateau"}) {
    v1::TrainingConfig again = config;
    ASSERT_TRUE(config::SetField(&again, path, config::GetField(config, path).value()).ok())
        << path;
    EXPECT_TRUE(Same(again, config)) << path;
  }
  for (const char* path : {"", "theta.polcy", "epochs.x", "network.layers.x", "network.layers.-1",
                           "network.layers.0.", "theta."}) {
    EXPECT_EQ(config::GetField(config, path).status().code(), absl::StatusCode::kInvalidArgument)
        << path;
  }
}

}  // namespace
}  // namespace anneal
