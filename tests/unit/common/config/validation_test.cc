#include "common/config/validation.h"

#include <cctype>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "tests/unit/common/test_util.h"

namespace anneal {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr double kQuarterPi = 0.78539816339744830962;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr config::DatasetShape kMnist = {
    .height = 28, .width = 28, .classes = 10, .train_images = 60000};

v1::TrainingConfig Resolved(const std::string& text) {
  return config::ResolveConfig(FromText<v1::TrainingConfig>(text));
}

// All checks, as the server makes them.
absl::Status Check(const v1::TrainingConfig& config, const config::DatasetShape& data = kMnist) {
  return config::PlanRun(config, data).status();
}

// The fields of the violations, in their order.
std::vector<std::string> FieldsOf(const absl::Status& status) {
  std::vector<std::string> fields;
  google::rpc::BadRequest details;
  EXPECT_TRUE(details.ParseFromString(
      std::string(status.GetPayload(kBadRequestUrl).value_or(absl::Cord()))));
  for (const auto& violation : details.field_violations()) fields.push_back(violation.field());
  return fields;
}

// Sets a numeric or enum field of `root` by its path, without the code under test.
void SetNumber(Message* root, const std::string& path, double value) {
  const std::vector<std::string> parts = absl::StrSplit(path, '.');
  Message* message = root;
  for (size_t i = 0; i < parts.size(); ++i) {
    const FieldDescriptor* field = message->GetDescriptor()->FindFieldByName(parts[i]);
    ASSERT_NE(field, nullptr) << path;
    const auto* reflection = message->GetReflection();
    if (field->is_repeated()) {
      int index = 0;
      ASSERT_TRUE(absl::SimpleAtoi(parts[++i], &index)) << path;
      message = reflection->MutableRepeatedMessage(message, field, index);
    } else if (field->message_type() != nullptr) {
      message = reflection->MutableMessage(message, field);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_INT32) {
      reflection->SetInt32(message, field, static_cast<int32_t>(value));
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_INT64) {
      reflection->SetInt64(message, field, static_cast<int64_t>(value));
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
      reflection->SetEnumValue(message, field, static_cast<int>(value));
    } else {
      reflection->SetDouble(message, field, value);
    }
  }
}

// Checks that `text` contains `value`, to at least the six digits that errors print.
testing::AssertionResult MentionsNumber(const std::string& text, double value) {
  if (std::isnan(value)) return Mentions(text, {"nan"});
  if (std::isinf(value)) return Mentions(text, {value > 0 ? "inf" : "-inf"});
  static const auto& number = *new std::regex(R"(-?\d+(\.\d+)?([eE][-+]?\d+)?)");
  for (auto it = std::sregex_iterator(text.begin(), text.end(), number);
       it != std::sregex_iterator(); ++it) {
    if (std::abs(std::stod(it->str()) - value) <= 1e-5 * std::abs(value)) {
      return testing::AssertionSuccess();
    }
  }
  return testing::AssertionFailure() << "no " << value << " in: " << text;
}

// --- Ranges ---

// Has a layer of each kind, so that the table can name their fields.
v1::TrainingConfig TableConfig() {
  return Resolved(R"(network {
                       layers { conv { filters: 8 kernel: 5 pool: POOL_MAX } }
                       layers { dense { units: 32 } }
                     })");
}

// The documented range of one numeric field (config.proto). An `open` bound is excluded.
struct NumericField {
  const char* path;
  bool whole;
  double low;
  double high;
  bool open_low = false;
  bool open_high = false;
};

constexpr bool kWhole = true;
constexpr bool kReal = false;
constexpr bool kOpen = true;
constexpr bool kClosed = false;

// All but theta.hold and theta.span, which have no fixed upper bound.
const std::vector<NumericField>& NumericFields() {
  static const auto& fields = *new std::vector<NumericField>{
      {"epochs", kWhole, 1, 100000},
      {"batch_size", kWhole, 1, 65536},
      {"dataset.validation_fraction", kReal, 0, 1, kOpen, kOpen},
      {"dataset.train_limit", kWhole, 0, 1e9},
      {"network.layers.0.conv.filters", kWhole, 1, 4096},
      {"network.layers.0.conv.kernel", kWhole, 1, 64},
      {"network.layers.0.conv.stride", kWhole, 1, 64},
      {"network.layers.0.conv.padding", kWhole, 0, 4},  // the kernel has 5
      {"network.layers.0.conv.pool_size", kWhole, 2, 64},
      {"network.layers.1.dense.units", kWhole, 1, 65536},
      {"theta.start", kReal, 0, kQuarterPi},
      {"theta.end", kReal, 0, kQuarterPi},
      {"theta.power", kReal, 0, 100, kOpen},
      {"theta.rate", kReal, 0, 100, kOpen},
      {"theta.steps", kWhole, 1, 10000},
      {"theta.plateau.notch", kReal, 0, 1, kOpen},
      {"theta.plateau.patience", kWhole, 1, 100000},
      {"theta.plateau.tolerance", kReal, 0, 1, kClosed, kOpen},
      {"theta.learning_rate", kReal, 0, 1000, kOpen},
      {"theta.lower_bound", kReal, 0, kQuarterPi},
      {"theta.upper_bound", kReal, 0, kQuarterPi},
      {"optimizer.learning_rate", kReal, 0, 1000, kOpen},
      {"optimizer.warmup_epochs", kReal, 0, 10},  // the run has 10 epochs
      {"optimizer.final_factor", kReal, 0, 1},
      {"optimizer.step_epochs", kWhole, 1, 100000},
      {"optimizer.step_factor", kReal, 0, 1, kOpen},
      {"optimizer.momentum", kReal, 0, 1, kClosed, kOpen},
      {"optimizer.beta1", kReal, 0, 1, kClosed, kOpen},
      {"optimizer.beta2", kReal, 0, 1, kClosed, kOpen},
      {"optimizer.epsilon", kReal, 0, 1, kOpen},
      {"optimizer.weight_decay", kReal, 0, 1},
      {"optimizer.clip_norm", kReal, 0, 1e9},
      {"regularizer.l1", kReal, 0, 1000},
      {"regularizer.l2", kReal, 0, 1000},
      {"early_stopping.patience", kWhole, 0, 100000},
      {"early_stopping.min_delta", kReal, 0, 1000},
      {"diagnostics.hessian_every", kWhole, 0, 100000},
      {"diagnostics.probe_size", kWhole, 1, 10000},
      {"checkpoint.every_epochs", kWhole, 1, 100000},
      {"checkpoint.every_seconds", kReal, 0, 86400},
  };
  return fields;
}

class NumericFieldTest : public testing::TestWithParam<NumericField> {
 protected:
  // The violation of the field when it has this value; empty if there is none.
  static std::string ViolationAt(double value) {
    v1::TrainingConfig config = TableConfig();
    SetNumber(&config, GetParam().path, value);
    const absl::Status status = config::CheckConfig(config);
    if (status.ok()) return "";
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_TRUE(Mentions(status.message(), {GetParam().path}));
    return ViolationsOf(status)[GetParam().path];
  }

  static void ExpectRefused(double value) {
    const std::string violation = ViolationAt(value);
    ASSERT_FALSE(violation.empty()) << GetParam().path << " = " << value << " was accepted";
    const size_t allowed = violation.find("allowed");
    ASSERT_NE(allowed, std::string::npos) << violation;
    EXPECT_TRUE(MentionsNumber(violation.substr(0, allowed), value));
    EXPECT_TRUE(MentionsNumber(violation.substr(allowed), GetParam().low));
    EXPECT_TRUE(MentionsNumber(violation.substr(allowed), GetParam().high));
  }

  static void ExpectAccepted(double value) {
    v1::TrainingConfig config = TableConfig();
    SetNumber(&config, GetParam().path, value);
    const absl::Status status = config::CheckConfig(config);
    EXPECT_TRUE(status.ok()) << GetParam().path << " = " << value << ": " << status;
  }
};

TEST_P(NumericFieldTest, RejectsValuesBelowTheRange) {
  const NumericField& field = GetParam();
  ExpectRefused(field.low - 1);
  ExpectRefused(-2'000'000'000);
  if (field.open_low) ExpectRefused(field.low);
}

TEST_P(NumericFieldTest, RejectsValuesAboveTheRange) {
  const NumericField& field = GetParam();
  ExpectRefused(field.whole ? field.high + 1 : 2 * field.high + 1);
  ExpectRefused(field.whole ? std::numeric_limits<int32_t>::max() : 1e300);
  if (field.open_high) ExpectRefused(field.high);
}

TEST_P(NumericFieldTest, RejectsTheMostNegativeNumber) {
  ExpectRefused(GetParam().whole ? std::numeric_limits<int32_t>::min()
                                 : std::numeric_limits<double>::lowest());
}

TEST_P(NumericFieldTest, RejectsNonFiniteValues) {
  if (GetParam().whole) return;  // protobuf's integers are all finite
  ExpectRefused(std::nan(""));
  ExpectRefused(-std::nan(""));
  ExpectRefused(kInfinity);
  ExpectRefused(-kInfinity);
}

TEST_P(NumericFieldTest, HasExactlyTheContractsBounds) {
  const NumericField& field = GetParam();
  const std::string path = field.path;
  const double step_out_low = field.whole ? field.low - 1 : std::nextafter(field.low, -kInfinity);
  const double step_out_high = field.whole ? field.high + 1 : std::nextafter(field.high, kInfinity);
  EXPECT_FALSE(ViolationAt(step_out_low).empty()) << step_out_low;
  EXPECT_FALSE(ViolationAt(step_out_high).empty()) << step_out_high;
  // Theta's bounds must differ, so one bound cannot take the other's value.
  if (path != "theta.upper_bound") {
    ExpectAccepted(field.open_low ? std::nextafter(field.low, kInfinity) : field.low);
  }
  if (path != "theta.lower_bound") {
    ExpectAccepted(field.open_high ? std::nextafter(field.high, -kInfinity) : field.high);
  }
}

INSTANTIATE_TEST_SUITE_P(ConfigProto, NumericFieldTest, testing::ValuesIn(NumericFields()),
                         [](const testing::TestParamInfo<NumericField>& field) {
                           return absl::StrReplaceAll(field.param.path, {{".", "_"}});
                         });

// Every numeric leaf of `type` by path, list elements as the table writes them.
void CollectNumericPaths(const google::protobuf::Descriptor& type, const std::string& prefix,
                         std::vector<std::string>* paths) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    const std::string path = prefix + field->name();
    if (field->is_repeated()) {
      ASSERT_EQ(path, "network.layers");
      CollectNumericPaths(*v1::ConvLayer::descriptor(), path + ".0.conv.", paths);
      CollectNumericPaths(*v1::DenseLayer::descriptor(), path + ".1.dense.", paths);
    } else if (field->message_type() != nullptr) {
      CollectNumericPaths(*field->message_type(), path + ".", paths);
    } else if (field->cpp_type() != FieldDescriptor::CPPTYPE_BOOL &&
               field->cpp_type() != FieldDescriptor::CPPTYPE_ENUM &&
               field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) {
      paths->push_back(path);
    }
  }
}

TEST(NumericFieldsTest, TheTableHasEveryNumericFieldOfTheSchema) {
  std::map<std::string, int> in_table = {
      {"theta.hold", 1}, {"theta.span", 1}, {"optimizer.schedule_epochs", 1}};
  for (const NumericField& field : NumericFields()) ++in_table[field.path];
  std::vector<std::string> paths;
  CollectNumericPaths(*v1::TrainingConfig::descriptor(), "", &paths);
  for (const std::string& path : paths) EXPECT_EQ(in_table[path], 1) << path;
  EXPECT_EQ(in_table.size(), paths.size());
}

TEST(CheckConfigTest, ALearningRateScheduleFitsIntoTheRun) {
  for (const int epochs : {0, 11, -1}) {
    const v1::TrainingConfig config =
        Resolved(absl::StrCat("epochs: 10 optimizer { schedule_epochs: ", epochs, " }"));
    EXPECT_TRUE(Mentions(ViolationsOf(config::CheckConfig(config))["optimizer.schedule_epochs"],
                         {absl::StrCat("is ", epochs), "1..10"}));
  }
  EXPECT_TRUE(config::CheckConfig(Resolved("epochs: 10 optimizer { schedule_epochs: 10 }")).ok());
}

TEST(CheckConfigTest, OversizedValuesAreRejected) {
  v1::TrainingConfig config = TableConfig();
  SetNumber(&config, "network.layers.0.conv.filters", 1e9);
  SetNumber(&config, "network.layers.1.dense.units", 2e9);
  SetNumber(&config, "batch_size", 2e9);
  auto violations = ViolationsOf(config::CheckConfig(config));
  EXPECT_TRUE(Mentions(violations["network.layers.0.conv.filters"], {"1000000000", "1..4096"}));
  EXPECT_TRUE(Mentions(violations["network.layers.1.dense.units"], {"2000000000", "1..65536"}));
  EXPECT_TRUE(Mentions(violations["batch_size"], {"2000000000", "1..65536"}));
}

TEST(CheckConfigTest, PrintsEnoughDigitsOfAValueJustOutsideTheRange) {
  // Rounded, pi/4 is too large by 4e-8; "is 0.785398" would look like a value in range.
  v1::TrainingConfig config = Resolved("theta { start: 0.7853982 }");
  EXPECT_TRUE(Mentions(ViolationsOf(config::CheckConfig(config))["theta.start"], {"0.7853982"}));
  config = Resolved("optimizer { final_factor: 1.0000001 }");
  EXPECT_TRUE(
      Mentions(ViolationsOf(config::CheckConfig(config))["optimizer.final_factor"], {"1.0000001"}));
}

// --- Enums ---

struct EnumField {
  const char* path;
  std::vector<std::string> choices;
};

const std::vector<EnumField>& EnumFields() {
  static const auto& fields = *new std::vector<EnumField>{
      {"network.init_gain", {"THETA", "RELU"}},
      {"network.layers.0.conv.pool", {"NONE", "MAX", "AVG"}},
      {"theta.policy", {"FIXED", "SCHEDULED", "TRAINABLE"}},
      {"theta.granularity", {"NETWORK", "LAYER", "CHANNEL", "NEURON"}},
      {"theta.schedule", {"CONSTANT", "LINEAR", "COSINE", "STEP", "JUMP", "PLATEAU"}},
      {"theta.unit", {"EPOCH", "STEP"}},
      {"optimizer.kind", {"SGD", "ADAM", "ADAMW"}},
      {"optimizer.schedule", {"CONSTANT", "INVERSE", "LINEAR", "COSINE", "STEP"}},
  };
  return fields;
}

TEST(CheckConfigTest, EnumsMustBeChosenAndKnown) {
  for (const EnumField& field : EnumFields()) {
    for (const int number : {0, 99, -1}) {
      v1::TrainingConfig config = TableConfig();
      SetNumber(&config, field.path, number);
      const absl::Status status = config::CheckConfig(config);
      ASSERT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << field.path << number;
      EXPECT_TRUE(Mentions(ViolationsOf(status)[field.path], field.choices)) << field.path;
    }
  }
}

TEST(CheckConfigTest, AnUnknownEnumValueIsNamed) {
  for (const EnumField& field : EnumFields()) {
    v1::TrainingConfig config = TableConfig();
    SetNumber(&config, field.path, 99);
    EXPECT_TRUE(Mentions(ViolationsOf(config::CheckConfig(config))[field.path], {"99"}))
        << field.path;
  }
}

// --- Fields that contradict each other, the run or the data set ---

struct Contradiction {
  const char* what;
  const char* text;
  const char* field;
  std::vector<std::string> words;  // of the violation
};

TEST(ContradictionTest, EachIsRefusedAndExplained) {
  const std::vector<Contradiction> table = {
      {"nesterov without momentum",
       "optimizer { kind: OPTIMIZER_KIND_SGD nesterov: true }",
       "optimizer.nesterov",
       {"momentum", "0"}},
      {"bounds the wrong way round",
       "theta { policy: THETA_POLICY_TRAINABLE start: 0.3 lower_bound: 0.5 upper_bound: 0.2 }",
       "theta.lower_bound",
       {"0.5", "theta.upper_bound", "0.2"}},
      {"bounds that meet",
       "theta { policy: THETA_POLICY_TRAINABLE start: 0.5 lower_bound: 0.5 upper_bound: 0.5 }",
       "theta.lower_bound",
       {"0.5", "theta.upper_bound"}},
      {"start below its bounds",
       "theta { policy: THETA_POLICY_TRAINABLE start: 0.1 lower_bound: 0.25 upper_bound: 0.5 }",
       "theta.start",
       {"0.1", "0.25", "0.5"}},
      {"the default start above its bounds",
       "theta { policy: THETA_POLICY_TRAINABLE upper_bound: 0.5 }",
       "theta.start",
       {"0.785398", "0", "0.5"}},
      {"plateau by step",
       "theta { policy: THETA_POLICY_SCHEDULED schedule: THETA_SCHEDULE_PLATEAU "
       "unit: SCHEDULE_UNIT_STEP }",
       "theta.unit",
       {"STEP", "PLATEAU", "EPOCH"}},
      {"jump with a span",
       "theta { policy: THETA_POLICY_SCHEDULED schedule: THETA_SCHEDULE_JUMP span: 2 }",
       "theta.span",
       {"JUMP"}},
      {"plateau with a span",
       "theta { policy: THETA_POLICY_SCHEDULED schedule: THETA_SCHEDULE_PLATEAU span: 2 }",
       "theta.span",
       {"PLATEAU"}},
      {"a path in one epoch",
       "theta { policy: THETA_POLICY_SCHEDULED } epochs: 1",
       "epochs",
       {"1", "2"}},
      {"a span as long as the run",
       "theta { policy: THETA_POLICY_SCHEDULED span: 10 }",
       "theta.span",
       {"10", "1..9"}},
      {"a span far longer than the run",
       "theta { policy: THETA_POLICY_SCHEDULED span: 9223372036854775807 }",
       "theta.span",
       {"9223372036854775807", "1..9"}},
      {"hold and span that fill the run",
       "theta { policy: THETA_POLICY_SCHEDULED hold: 4 span: 6 }",
       "theta.span",
       {"6", "10", "4", "1..5"}},
      {"a hold that leaves no span",
       "theta { policy: THETA_POLICY_SCHEDULED hold: 9 }",
       "theta.hold",
       {"9", "10", "0..8"}},
      {"a hold longer than the run",
       "theta { policy: THETA_POLICY_SCHEDULED hold: 11 }",
       "theta.hold",
       {"11", "10"}},
      {"a jump after the run",
       "theta { policy: THETA_POLICY_SCHEDULED schedule: THETA_SCHEDULE_JUMP hold: 11 }",
       "theta.hold",
       {"11", "10"}},
      {"a hold and a span that overflow together",
       "theta { policy: THETA_POLICY_SCHEDULED hold: 9223372036854775807 "
       "span: 9223372036854775807 }",
       "theta.hold",
       {"9223372036854775807", "10"}},
      // 54,000 training images in batches of 32 make 1688 steps an epoch.
      {"a span in steps longer than the run",
       "theta { policy: THETA_POLICY_SCHEDULED unit: SCHEDULE_UNIT_STEP span: 16880 }",
       "theta.span",
       {"16880", "1..16879"}},
      {"a warm-up longer than the run",
       "optimizer { warmup_epochs: 2.5 } epochs: 2",
       "optimizer.warmup_epochs",
       {"2.5", "2"}},
      {"padding as wide as the kernel",
       "network { layers { conv { filters: 4 kernel: 3 padding: 3 } } }",
       "network.layers.0.conv.padding",
       {"3", "0..2"}},
      {"a layer of no kind",
       "network { layers { dense { units: 3 } } layers {} }",
       "network.layers.1",
       {"conv", "dense"}},
      {"a conv layer without its required fields",
       "network { layers { conv {} } }",
       "network.layers.0.conv.filters",
       {"required", "1..4096"}},
      {"a dense layer without its required field",
       "network { layers { dense {} } }",
       "network.layers.0.dense.units",
       {"required", "1..65536"}},
      {"a conv layer after a dense one",
       "network { layers { dense { units: 9 } } layers { conv { filters: 1 kernel: 1 } } }",
       "network.layers.1",
       {"conv", "dense"}},
      {"a kernel larger than its input",
       "network { layers { conv { filters: 4 kernel: 29 } } }",
       "network.layers.0.conv.kernel",
       {"29", "28", "1..28"}},
      {"a kernel larger than its padded input",
       "network { layers { conv { filters: 4 kernel: 33 padding: 2 } } }",
       "network.layers.0.conv.kernel",
       {"33", "28", "1..32"}},
      {"a pool larger than what the convolution leaves",
       "network { layers { conv { filters: 4 kernel: 25 pool: POOL_AVG pool_size: 5 } } }",
       "network.layers.0.conv.pool_size",
       {"5", "4"}},
      {"a batch larger than the training split",
       "dataset { validation_fraction: 0.9 } "
       "batch_size: 6001",
       "batch_size",
       {"6001", "6000"}},
      {"a probe larger than the validation split",
       "dataset { validation_fraction: 0.01 } diagnostics { activations: true probe_size: 601 }",
       "diagnostics.probe_size",
       {"601", "600"}},
      {"a split without validation images",
       "dataset { validation_fraction: 1e-9 }",
       "dataset.validation_fraction",
       {"60000"}},
      {"a split without training images",
       "dataset { validation_fraction: 0.999999999 }",
       "dataset.validation_fraction",
       {"60000"}},
      {"no data set", "dataset { name: '' }", "dataset.name", {}},
  };
  for (const Contradiction& wrong : table) {
    SCOPED_TRACE(wrong.what);
    const absl::Status status = Check(Resolved(wrong.text));
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    if (status.ok()) continue;
    auto violations = ViolationsOf(status);
    ASSERT_EQ(violations.count(wrong.field), 1u) << status;
    EXPECT_FALSE(violations[wrong.field].empty());
    EXPECT_TRUE(Mentions(violations[wrong.field], wrong.words));
  }
}

TEST(ContradictionTest, BoundaryCasesAreAccepted) {
  for (const char* text :
       {"",
        "optimizer { kind: OPTIMIZER_KIND_SGD nesterov: true momentum: 0.9 }",
        "theta { policy: THETA_POLICY_TRAINABLE start: 0.2 lower_bound: 0.2 upper_bound: 0.5 }",
        "theta { policy: THETA_POLICY_TRAINABLE start: 0.5 lower_bound: 0.2 upper_bound: 0.5 }",
        "theta { policy: THETA_POLICY_SCHEDULED schedule: THETA_SCHEDULE_PLATEAU }",
        "theta { policy: THETA_POLICY_SCHEDULED } epochs: 2",
        "theta { policy: THETA_POLICY_SCHEDULED unit: SCHEDULE_UNIT_STEP } epochs: 1",
        "theta { policy: THETA_POLICY_SCHEDULED schedule: THETA_SCHEDULE_CONSTANT } epochs: 1",
        "theta { policy: THETA_POLICY_SCHEDULED span: 9 }",
        "theta { policy: THETA_POLICY_SCHEDULED hold: 8 }",
        "theta { policy: THETA_POLICY_SCHEDULED hold: 4 span: 5 }",
        "theta { policy: THETA_POLICY_SCHEDULED hold: 0 span: 1 }",
        "theta { policy: THETA_POLICY_SCHEDULED schedule: THETA_SCHEDULE_JUMP hold: 9 }",
        "theta { policy: THETA_POLICY_SCHEDULED unit: SCHEDULE_UNIT_STEP span: 16879 }",
        "optimizer { warmup_epochs: 2 } epochs: 2",
        "network { layers { conv { filters: 4 kernel: 3 padding: 2 } } }",
        "network { layers { conv { filters: 4 kernel: 28 } } }",
        "network { layers { conv { filters: 4 kernel: 32 padding: 2 } } }",
        "network { layers { conv { filters: 4 kernel: 25 pool: POOL_AVG pool_size: 4 } } }",
        "dataset { validation_fraction: 0.9 } batch_size: 6000",
        "dataset { validation_fraction: 0.01 } diagnostics { activations: true probe_size: 600 }",
        "dataset { train_limit: 1000000000 }"}) {
    const absl::Status status = Check(Resolved(text));
    EXPECT_TRUE(status.ok()) << text << ": " << status;
  }
}

TEST(ContradictionTest, AHoldMustLeaveAUnitOfTheRun) {
  for (const char* schedule : {"JUMP", "PLATEAU"}) {
    const absl::Status status = Check(Resolved(
        absl::StrCat("theta { policy: THETA_POLICY_SCHEDULED hold: 10 schedule: THETA_SCHEDULE_",
                     schedule, " }")));
    EXPECT_TRUE(Mentions(ViolationsOf(status)["theta.hold"], {"10", "0..9"})) << schedule;
  }
}

TEST(ContradictionTest, EveryScheduleButConstantNeedsTwoUnits) {
  for (const char* schedule : {"LINEAR", "JUMP", "PLATEAU"}) {
    const absl::Status status = Check(
        Resolved(absl::StrCat("theta { policy: THETA_POLICY_SCHEDULED schedule: THETA_SCHEDULE_",
                              schedule, " } epochs: 1")));
    EXPECT_TRUE(Mentions(ViolationsOf(status)["epochs"], {"1", "2"})) << schedule;
  }
}

TEST(ContradictionTest, AScheduleWithEqualStartAndEndIsRejected) {
  const absl::Status status =
      Check(Resolved("theta { policy: THETA_POLICY_SCHEDULED start: 0.25 end: 0.25 }"));
  EXPECT_TRUE(Mentions(ViolationsOf(status)["theta.start"], {"0.25", "theta.end"}));
}

TEST(ContradictionTest, FieldsOfOtherPoliciesAndSchedulesDoNotContradict) {
  for (const char* text :
       {"theta { policy: THETA_POLICY_FIXED schedule: THETA_SCHEDULE_JUMP span: 3 }",
        "theta { policy: THETA_POLICY_FIXED schedule: THETA_SCHEDULE_PLATEAU "
        "unit: SCHEDULE_UNIT_STEP }",
        "theta { policy: THETA_POLICY_FIXED } epochs: 1",
        "theta { policy: THETA_POLICY_TRAINABLE } epochs: 1"}) {
    const absl::Status status = Check(Resolved(text));
    EXPECT_TRUE(status.ok()) << text << ": " << status;
  }
}

TEST(CheckConfigTest, HoldAndSpanHaveLowerBoundsForEveryPolicy) {
  // hold: range 0 to the length of the run; span: range 1 and up. Neither bound needs a data set.
  for (const char* policy : {"FIXED", "SCHEDULED", "TRAINABLE"}) {
    for (const int64_t hold : {int64_t{-1}, std::numeric_limits<int64_t>::min()}) {
      for (const int64_t span : {int64_t{0}, int64_t{-1}, std::numeric_limits<int64_t>::min()}) {
        SCOPED_TRACE(absl::StrCat(policy, ", hold ", hold, ", span ", span));
        const absl::Status status = config::CheckConfig(Resolved(absl::StrCat(
            "theta { policy: THETA_POLICY_", policy, " hold: ", hold, " span: ", span, " }")));
        EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
        if (status.ok()) continue;
        auto violations = ViolationsOf(status);
        EXPECT_TRUE(MentionsNumber(violations["theta.hold"], static_cast<double>(hold)));
        EXPECT_TRUE(MentionsNumber(violations["theta.span"], static_cast<double>(span)));
      }
    }
  }
}

TEST(CheckConfigTest, HoldAndSpanOfAScheduleHaveLowerBounds) {
  for (const char* text : {"hold: -1", "span: 0", "span: -1", "hold: -9223372036854775808",
                           "span: -9223372036854775808", "hold: 3 span: -2"}) {
    const absl::Status status =
        Check(Resolved(absl::StrCat("theta { policy: THETA_POLICY_SCHEDULED ", text, " }")));
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_TRUE(Mentions(status.message(), {"theta."})) << text;
  }
}

TEST(CheckConfigTest, ANetworkHasAtMostSixtyFourHiddenLayers) {
  std::string layers;
  for (int i = 0; i < 64; ++i) layers += "layers { dense { units: 4 } } ";
  EXPECT_TRUE(Check(Resolved(absl::StrCat("network { ", layers, "}"))).ok());
  const absl::Status status =
      Check(Resolved(absl::StrCat("network { ", layers, "layers { dense { units: 4 } } }")));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Mentions(status.message(), {"network.layers", "65", "64"}));
}

TEST(CheckConfigTest, FieldsOfViolationsArePaths) {
  std::string layers;
  for (int i = 0; i < 65; ++i) layers += "layers { dense { units: 4 } } ";
  const absl::Status status =
      config::CheckConfig(Resolved(absl::StrCat("network { ", layers, "}")));
  EXPECT_EQ(ViolationsOf(status).count("network.layers"), 1u) << status;
}

// --- Everything at once ---

TEST(CheckConfigTest, ReportsAllViolationsAtOnce) {
  const v1::TrainingConfig config = Resolved(R"(
      dataset { validation_fraction: 1 }
      network {
        layers { conv { filters: 0 kernel: 65 } }
        layers { dense { units: -1 } }
        layers {}
      }
      theta {
        policy: THETA_POLICY_TRAINABLE
        start: 1
        power: -2
        lower_bound: 0.6
        upper_bound: 0.4
      }
      optimizer { learning_rate: 0 beta1: 1 nesterov: true }
      regularizer { l2: -1 }
      epochs: 0
      diagnostics { probe_size: 0 })");
  const absl::Status status = config::CheckConfig(config);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  const auto violations = ViolationsOf(status);
  for (const char* field : {"dataset.validation_fraction", "network.layers.0.conv.filters",
                            "network.layers.0.conv.kernel", "network.layers.1.dense.units",
                            "network.layers.2", "theta.start", "theta.power", "theta.lower_bound",
                            "optimizer.learning_rate", "optimizer.beta1", "optimizer.nesterov",
                            "regularizer.l2", "epochs", "diagnostics.probe_size"}) {
    EXPECT_EQ(violations.count(field), 1u) << field;
    EXPECT_TRUE(Mentions(status.message(), {field}));
  }
}

TEST(CheckConfigTest, EveryNumericFieldCanBeWrongAtOnce) {
  v1::TrainingConfig config = TableConfig();
  for (const NumericField& field : NumericFields()) {
    // The limit of padding is the kernel, that of the warm-up the epochs.
    SetNumber(&config, field.path, field.high * 2 + 1);
  }
  SetNumber(&config, "optimizer.warmup_epochs", 1e9);
  SetNumber(&config, "network.layers.0.conv.padding", 2e9);
  SetNumber(&config, "dataset.train_limit", -1);
  const auto violations = ViolationsOf(config::CheckConfig(config));
  for (const NumericField& field : NumericFields()) {
    EXPECT_EQ(violations.count(field.path), 1u) << field.path;
  }
}

TEST(PlanRunTest, ReportsAllViolationsAtOnce) {
  const v1::TrainingConfig config = Resolved(R"(
      dataset { validation_fraction: 0.99 }
      network { layers { conv { filters: 4 kernel: 40 } } }
      theta { policy: THETA_POLICY_SCHEDULED span: 10 }
      diagnostics { convexity: true probe_size: 10000 }
      batch_size: 601)");
  ASSERT_TRUE(config::CheckConfig(config).ok()) << config::CheckConfig(config);
  const config::DatasetShape small = {
      .height = 28, .width = 28, .classes = 10, .train_images = 6000};
  const absl::Status status = config::PlanRun(config, small).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  const auto violations = ViolationsOf(status);
  for (const char* field :
       {"batch_size", "diagnostics.probe_size", "theta.span", "network.layers.0.conv.kernel"}) {
    EXPECT_EQ(violations.count(field), 1u) << field;
  }
}

TEST(PlanRunTest, ReportsTheNetworkTogetherWithTheSplit) {
  const v1::TrainingConfig config = Resolved(R"(
      dataset { validation_fraction: 1e-9 }
      network { layers { conv { filters: 4 kernel: 40 } } })");
  ASSERT_TRUE(config::CheckConfig(config).ok()) << config::CheckConfig(config);
  const auto violations = ViolationsOf(config::PlanRun(config, kMnist).status());
  EXPECT_EQ(violations.count("dataset.validation_fraction"), 1u);
  EXPECT_EQ(violations.count("network.layers.0.conv.kernel"), 1u);
}

TEST(PlanRunTest, ReportsRangesShapesAndSchedulesInOneRoundInTheOrderOfTheSchema) {
  const v1::TrainingConfig config = Resolved(R"(
      epochs: 0
      batch_size: 60000
      network {
        layers { dense { units: 9 } }
        layers { conv { filters: 1 kernel: 1 } }
        layers { conv { filters: 0 kernel: 1 } }
      }
      optimizer { learning_rate: -1 nesterov: true }
      theta { policy: THETA_POLICY_TRAINABLE lower_bound: 0.5 upper_bound: 0.2 }
      diagnostics { activations: true probe_size: 6001 })");
  const absl::Status status = config::PlanRun(config, kMnist).status();
  EXPECT_EQ(FieldsOf(status),
            (std::vector<std::string>{"network.layers.1", "network.layers.2",
                                      "network.layers.2.conv.filters", "theta.lower_bound",
                                      "optimizer.learning_rate", "optimizer.nesterov", "epochs",
                                      "batch_size", "diagnostics.probe_size"}))
      << status;
}

TEST(PlanRunTest, ReportsALayerTooLargeForItsInputBesideAnInvalidOneAfterIt) {
  const v1::TrainingConfig config = Resolved(R"(
      network {
        layers { conv { filters: 4 kernel: 29 } }
        layers { conv { filters: 4 kernel: 65 } }
      })");
  EXPECT_EQ(FieldsOf(Check(config)), (std::vector<std::string>{"network.layers.0.conv.kernel",
                                                               "network.layers.1.conv.kernel"}));
}

TEST(PlanRunTest, ComputesNothingFromInvalidValues) {
  // Each field has its own violation, and none that follows from another field's value.
  for (const auto& [text, fields] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"network { layers { conv { filters: 4 kernel: 3 stride: 0 } }"
            " layers { conv { filters: 4 kernel: 28 } } }",
            {"network.layers.0.conv.stride"}},
           {"network { layers { conv { filters: 4 kernel: 3 pool: POOL_MAX pool_size: 0 } } }",
            {"network.layers.0.conv.pool_size"}},
           {"batch_size: 0 theta { policy: THETA_POLICY_SCHEDULED unit: SCHEDULE_UNIT_STEP"
            " span: 999999999 }",
            {"batch_size"}},
           {"epochs: -3 theta { policy: THETA_POLICY_SCHEDULED hold: 2 }", {"epochs"}},
           {"dataset { validation_fraction: nan } batch_size: 60000"
            " network { layers { dense { units: 2 } } }",
            {"dataset.validation_fraction"}},
           {"theta { policy: THETA_POLICY_TRAINABLE start: 9 upper_bound: 0.1 }",
            {"theta.start"}}}) {
    EXPECT_EQ(FieldsOf(Check(Resolved(text))), fields) << text;
  }
}

// --- PlanRun's results ---

TEST(PlanRunTest, PlansTheDefaultRunOnMnist) {
  const absl::StatusOr<config::RunPlan> plan = config::PlanRun(Resolved(""), kMnist);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->validation_images, 6000);
  EXPECT_EQ(plan->train_images, 54000);
  EXPECT_EQ(plan->length.epochs, 10);
  EXPECT_EQ(plan->length.steps_per_epoch, 1688);  // 1687 of 32 and one of 16
  EXPECT_EQ(plan->network.parameters, 6362);
  EXPECT_EQ(plan->network.thetas, 1);
}

TEST(PlanRunTest, CountsAThetaForEveryNeuronOfTheDefaultNetwork) {
  const absl::StatusOr<config::RunPlan> plan = config::PlanRun(
      Resolved("theta { policy: THETA_POLICY_TRAINABLE granularity: THETA_GRANULARITY_NEURON }"),
      kMnist);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->network.thetas, 2304 + 400 + 144);
}

TEST(PlanRunTest, TheLastBatchOfAnEpochMayBeSmaller) {
  const auto steps = [](int batch_size) {
    const auto plan = config::PlanRun(Resolved(absl::StrCat("batch_size: ", batch_size)), kMnist);
    EXPECT_TRUE(plan.ok()) << plan.status();
    return plan.ok() ? plan->length.steps_per_epoch : 0;
  };
  EXPECT_EQ(steps(1), 54000);
  EXPECT_EQ(steps(1000), 54);
  EXPECT_EQ(steps(999), 55);
  EXPECT_EQ(steps(1001), 54);
  EXPECT_EQ(steps(18000), 3);
}

TEST(PlanRunTest, TrainLimitTakesTheFirstImagesOfTheTrainingSplit) {
  const auto limited = [](int limit) {
    const auto plan =
        config::PlanRun(Resolved(absl::StrCat("dataset { train_limit: ", limit, " }")), kMnist);
    EXPECT_TRUE(plan.ok()) << plan.status();
    return plan.ok() ? std::pair(plan->train_images, plan->validation_images)
                     : std::pair<int64_t, int64_t>();
  };
  EXPECT_EQ(limited(0), std::pair(int64_t{54000}, int64_t{6000}));
  EXPECT_EQ(limited(1000), std::pair(int64_t{1000}, int64_t{6000}));
  EXPECT_EQ(limited(54000), std::pair(int64_t{54000}, int64_t{6000}));
  EXPECT_EQ(limited(1'000'000'000), std::pair(int64_t{54000}, int64_t{6000}));
}

TEST(PlanRunTest, ABatchMustFitInMemory) {
  // The default network has 16 * (25^2 + 12^2 + 10^2 + 5^2 + 2 * 3^2) + 2 * 10 = 14,612 values an
  // image, and 2^28 / 14,612 = 18,370.
  EXPECT_TRUE(Check(Resolved("batch_size: 18370")).ok());
  const absl::Status status = Check(Resolved("batch_size: 18371"));
  EXPECT_TRUE(Mentions(ViolationsOf(status)["batch_size"], {"18371", "1..18370"}));
}

TEST(PlanRunTest, ADataSetTooSmallToSplitIsRefused) {
  for (const int64_t images : {int64_t{0}, int64_t{1}, int64_t{2}}) {
    const config::DatasetShape tiny = {
        .height = 28, .width = 28, .classes = 10, .train_images = images};
    EXPECT_EQ(config::PlanRun(Resolved("batch_size: 1"), tiny).status().code(),
              absl::StatusCode::kInvalidArgument)
        << images;
  }
}

// --- ResolveConfig ---

TEST(ResolveConfigTest, GivesTheDefaultsOfTheContract) {
  v1::TrainingConfig config = config::ResolveConfig(v1::TrainingConfig());
  // The third layer has no pool, so its pool_size has no effect.
  ASSERT_EQ(config.network().layers_size(), 3);
  config.mutable_network()->mutable_layers(2)->mutable_conv()->clear_pool_size();
  EXPECT_TRUE(Same(config, FromText<v1::TrainingConfig>(R"(
      dataset { name: "mnist" validation_fraction: 0.1 train_limit: 0 }
      network {
        layers {
          conv { filters: 16 kernel: 4 stride: 1 padding: 0 pool: POOL_MAX pool_size: 2 }
        }
        layers {
          conv { filters: 16 kernel: 3 stride: 1 padding: 0 pool: POOL_MAX pool_size: 2 }
        }
        layers { conv { filters: 16 kernel: 3 stride: 1 padding: 0 pool: POOL_NONE } }
        init_gain: INIT_GAIN_THETA
        batch_norm: false
      }
      theta {
        policy: THETA_POLICY_FIXED
        granularity: THETA_GRANULARITY_NETWORK
        schedule: THETA_SCHEDULE_LINEAR
        start: 0
        end: 0
        unit: SCHEDULE_UNIT_EPOCH
        power: 2
        rate: 5
        steps: 4
        plateau { notch: 0.1 patience: 1 tolerance: 0.05 }
        learning_rate: 0.001
        lower_bound: 0
        upper_bound: 0.78539816339744830962
      }
      optimizer {
        kind: OPTIMIZER_KIND_ADAM
        learning_rate: 0.001
        schedule: LEARNING_RATE_SCHEDULE_CONSTANT
        warmup_epochs: 0
        final_factor: 0.01
        step_epochs: 10
        step_factor: 0.1
        momentum: 0
        nesterov: false
        beta1: 0.9
        beta2: 0.999
        epsilon: 1e-8
        weight_decay: 0.01
        clip_norm: 0
      }
      regularizer { l1: 0 l2: 0 }
      epochs: 10
      batch_size: 32
      early_stopping { patience: 0 min_delta: 0 }
      diagnostics { activations: false convexity: false hessian_every: 0 probe_size: 256 }
      checkpoint { every_epochs: 1 every_seconds: 60 }
      evaluation { test: true }
      engine: ENGINE_KIND_AUTO)")));
}

TEST(ResolveConfigTest, LeavesHoldAndSpanUnset) {
  for (const char* schedule : {"LINEAR", "JUMP", "PLATEAU"}) {
    const v1::ThetaConfig theta =
        Resolved(absl::StrCat("theta { policy: THETA_POLICY_SCHEDULED schedule: THETA_SCHEDULE_",
                              schedule, " }"))
            .theta();
    EXPECT_FALSE(theta.has_hold()) << schedule;
    EXPECT_FALSE(theta.has_span()) << schedule;
  }
}

TEST(ResolveConfigTest, StartsAtReluWhenFixedAndAtLinearOtherwise) {
  EXPECT_EQ(Resolved("theta { policy: THETA_POLICY_FIXED }").theta().start(), 0);
  EXPECT_EQ(Resolved("theta { policy: THETA_POLICY_SCHEDULED }").theta().start(), kQuarterPi);
  EXPECT_EQ(Resolved("theta { policy: THETA_POLICY_TRAINABLE }").theta().start(), kQuarterPi);
}

TEST(ResolveConfigTest, KeepsZerosThatAreSet) {
  const v1::TrainingConfig config = Resolved(
      "theta { policy: THETA_POLICY_SCHEDULED start: 0 } "
      "optimizer { final_factor: 0 } epochs: 0");
  EXPECT_EQ(config.theta().start(), 0);
  EXPECT_EQ(config.optimizer().final_factor(), 0);
  EXPECT_EQ(config.epochs(), 0);
}

TEST(ResolveConfigTest, GivesOptionalFieldsOfGivenLayersAndNoOthers) {
  const v1::NetworkConfig network =
      Resolved("network { layers { conv {} } layers { dense {} } layers {} }").network();
  ASSERT_EQ(network.layers_size(), 3);
  const v1::ConvLayer& conv = network.layers(0).conv();
  EXPECT_FALSE(conv.has_filters());
  EXPECT_FALSE(conv.has_kernel());
  EXPECT_EQ(conv.stride(), 1);
  EXPECT_TRUE(conv.has_padding());
  EXPECT_EQ(conv.pool(), v1::POOL_NONE);
  EXPECT_FALSE(network.layers(1).dense().has_units());
  EXPECT_EQ(network.layers(2).kind_case(), v1::HiddenLayer::KIND_NOT_SET);
}

// Sets the fields for which `chosen` returns true to non-default values, most of them out of range.
void Fill(Message* message, const std::function<bool()>& chosen) {
  const auto* reflection = message->GetReflection();
  const auto* type = message->GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (!chosen()) continue;
    if (field->is_repeated()) {
      for (int count = 0; count < 3; ++count) {
        Fill(reflection->AddMessage(message, field), chosen);
      }
      continue;
    }
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        reflection->SetInt32(message, field, -77);
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        reflection->SetInt64(message, field, 77);
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        reflection->SetDouble(message, field, 0.77);
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        reflection->SetBool(message, field, true);
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        reflection->SetEnumValue(message, field, 2);
        break;
      case FieldDescriptor::CPPTYPE_STRING:
        reflection->SetString(message, field, "seventy-seven");
        break;
      default:
        Fill(reflection->MutableMessage(message, field), chosen);
    }
  }
}

// Checks that every set field of `part` has the same value in `whole`.
testing::AssertionResult Keeps(const Message& whole, const Message& part) {
  std::vector<const FieldDescriptor*> fields;
  part.GetReflection()->ListFields(part, &fields);
  for (const FieldDescriptor* field : fields) {
    const auto* reflection = part.GetReflection();
    if (field->is_repeated()) {
      if (reflection->FieldSize(whole, field) != reflection->FieldSize(part, field)) {
        return testing::AssertionFailure() << field->full_name() << " has another size";
      }
      for (int i = 0; i < reflection->FieldSize(part, field); ++i) {
        if (auto kept = Keeps(reflection->GetRepeatedMessage(whole, field, i),
                              reflection->GetRepeatedMessage(part, field, i));
            !kept) {
          return kept;
        }
      }
    } else if (field->message_type() != nullptr) {
      if (!reflection->HasField(whole, field)) {
        return testing::AssertionFailure() << field->full_name() << " is gone";
      }
      if (auto kept =
              Keeps(reflection->GetMessage(whole, field), reflection->GetMessage(part, field));
          !kept) {
        return kept;
      }
    } else {
      std::string before;
      std::string after;
      google::protobuf::TextFormat::PrintFieldValueToString(part, field, -1, &before);
      google::protobuf::TextFormat::PrintFieldValueToString(whole, field, -1, &after);
      if (!reflection->HasField(whole, field) || before != after) {
        return testing::AssertionFailure()
               << field->full_name() << " was " << before << " and is " << after;
      }
    }
  }
  return testing::AssertionSuccess();
}

TEST(ResolveConfigTest, LeavesACompleteConfigUnchanged) {
  v1::TrainingConfig config;
  Fill(&config, [] { return true; });
  // Fill leaves every layer a dense one, the last of the kinds.
  Fill(config.mutable_network()->mutable_layers(0)->mutable_conv(), [] { return true; });
  ASSERT_TRUE(config.network().layers(0).has_conv());
  ASSERT_TRUE(config.network().layers(1).has_dense());
  EXPECT_TRUE(Same(config::ResolveConfig(config), config));
}

TEST(ResolveConfigTest, LeavesSetFieldsUnchanged) {
  std::mt19937 random(20260101);  // NOLINT(bugprone-random-generator-seed): the same each time
  for (int i = 0; i < 500; ++i) {
    const unsigned share = 1 + random() % 9;
    v1::TrainingConfig config;
    Fill(&config, [&random, share] { return random() % 10 < share; });
    EXPECT_TRUE(Keeps(config::ResolveConfig(config), config)) << config.ShortDebugString();
  }
}

TEST(ResolveConfigTest, IsIdempotent) {
  std::mt19937 random(20260102);  // NOLINT(bugprone-random-generator-seed): the same each time
  for (int i = 0; i < 500; ++i) {
    const unsigned share = random() % 10;
    v1::TrainingConfig config;
    Fill(&config, [&random, share] { return random() % 10 < share; });
    const v1::TrainingConfig once = config::ResolveConfig(config);
    EXPECT_TRUE(Same(config::ResolveConfig(once), once)) << config.ShortDebugString();
  }
}

}  // namespace
}  // namespace anneal
