#include "common/config/schema.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "anneal/v1/services.pb.h"
#include "common/config/field_path.h"
#include "common/config/validation.h"
#include "common/field_behavior.h"
#include "gtest/gtest.h"
#include "tests/unit/common/test_util.h"

namespace anneal::config {
namespace {

using google::protobuf::FieldDescriptor;

bool IsLeaf(const SchemaField& field) { return !field.is_message() || field.field->is_repeated(); }

// As `--set` takes it, in a config with one conv layer or one dense layer.
std::string Settable(const SchemaField& field) {
  return absl::StrReplaceAll(field.path, {{".N.", ".0."}});
}

v1::TrainingConfig With(const SchemaField& field, const std::string& value) {
  v1::TrainingConfig config = FromText<v1::TrainingConfig>(
      absl::StrContains(field.path, "dense") ? "network { layers { dense { units: 5 } } }"
      : absl::StrContains(field.path, "conv")
          ? "network { layers { conv { filters: 5 kernel: 9 } } }"
          : "");
  const absl::Status set = SetField(&config, Settable(field), value);
  EXPECT_TRUE(set.ok()) << set;
  return ResolveConfig(config);
}

TEST(SchemaTest, EveryFieldHasADescriptionInSentences) {
  for (const SchemaField& field : Schema()) {
    const std::string& text = field.options().description();
    ASSERT_FALSE(text.empty()) << field.path;
    EXPECT_TRUE(absl::EndsWith(text, ".")) << field.path << ": " << text;
    EXPECT_FALSE(absl::StrContains(text, "  ")) << field.path << ": " << text;
  }
}

TEST(SchemaTest, EveryChoiceIsDescribed) {
  for (const SchemaField& field : Schema()) {
    const auto* type = field.field->enum_type();
    for (int i = 1; type != nullptr && i < type->value_count(); ++i) {
      EXPECT_NE(type->value(i)->options().GetExtension(v1::choice), "")
          << type->value(i)->full_name();
    }
  }
}

TEST(SchemaTest, EveryFieldHasADefaultOrAMeaningWhileUnsetOrIsRequired) {
  for (const SchemaField& field : Schema()) {
    const int ways = static_cast<int>(!field.options().default_value().empty()) +
                     static_cast<int>(!field.options().when_unset().empty()) +
                     static_cast<int>(IsRequired(*field.field));
    EXPECT_EQ(ways, IsLeaf(field) ? 1 : 0) << field.path;
  }
}

TEST(SchemaTest, NumbersHaveRangesWhoseBoundsAreNumbers) {
  for (const SchemaField& field : Schema()) {
    const v1::Range& range = field.options().range();
    const auto type = field.field->cpp_type();
    const bool is_number = type == FieldDescriptor::CPPTYPE_INT32 ||
                           type == FieldDescriptor::CPPTYPE_INT64 ||
                           type == FieldDescriptor::CPPTYPE_DOUBLE;
    if (is_number) {
      EXPECT_NE(RangeText(*field.field), "") << field.path;
      EXPECT_NE(range.low(), "") << field.path;
    }
    double bound = 0;
    for (const std::string& text : {range.low(), range.high()}) {
      if (text.empty()) continue;
      EXPECT_TRUE(ParseReal(text, &bound)) << field.path << ": " << text;
    }
  }
}

TEST(SchemaTest, DefaultsAndExamplesParseAndAreInRange) {
  for (const SchemaField& field : Schema()) {
    for (const std::string& value : {field.options().default_value(), field.options().example()}) {
      if (value.empty()) continue;
      FieldViolations violations;
      CheckFields(With(field, value), &violations);
      EXPECT_FALSE(violations.Has(Settable(field)))
          << field.path << "=" << value << ": " << violations.ToStatus();
    }
  }
}

TEST(SchemaTest, AnExampleIsNotTheDefault) {
  for (const SchemaField& field : Schema()) {
    if (!IsLeaf(field)) continue;
    EXPECT_NE(field.options().example(), "") << field.path;
    EXPECT_NE(field.options().example(), field.options().default_value()) << field.path;
  }
}

TEST(SchemaTest, EveryExampleIsAccepted) {
  for (const SchemaField& field : Schema()) {
    if (!IsLeaf(field)) continue;
    std::vector<std::string> assignments = {
        absl::StrCat(field.path, "=", field.options().example())};
    assignments.insert(assignments.end(), field.options().example_with().begin(),
                       field.options().example_with().end());
    v1::TrainingConfig config;
    for (std::string& assignment : assignments) {
      absl::StrReplaceAll({{".N.", ".0."}}, &assignment);
      const std::pair<std::string, std::string> parts =
          absl::StrSplit(assignment, absl::MaxSplits('=', 1));
      ASSERT_TRUE(SetField(&config, parts.first, parts.second).ok()) << assignment;
    }
    const auto plan = PlanRun(ResolveConfig(config),
                              {.height = 28, .width = 28, .classes = 10, .train_images = 60'000});
    EXPECT_TRUE(plan.ok()) << field.path << ": " << plan.status();
  }
}

TEST(SchemaTest, FindsFieldsWithAndWithoutTheNumbersOfLayers) {
  for (const char* path : {"network.layers.N.conv.kernel", "network.layers.3.conv.kernel",
                           "network.layers.conv.kernel"}) {
    const SchemaField* field = FindSchemaField(path);
    ASSERT_NE(field, nullptr) << path;
    EXPECT_EQ(field->path, "network.layers.N.conv.kernel");
  }
  EXPECT_EQ(FindSchemaField("theta.epoch"), nullptr);
  EXPECT_EQ(FindSchemaField(""), nullptr);
  EXPECT_EQ(FindSchemaField("theta.hold.more"), nullptr);
  EXPECT_EQ(FindSchemaField("theta.N.hold"), nullptr);
  EXPECT_EQ(FindSchemaField("epochs.9"), nullptr);
  EXPECT_EQ(FindSchemaField("7.epochs"), nullptr);
}

TEST(SchemaTest, RangesAreHumanReadable) {
  const auto range = [](const char* path) { return RangeText(*FindSchemaField(path)->field); };
  EXPECT_EQ(range("epochs"), "1..100000");
  EXPECT_EQ(range("optimizer.learning_rate"), "0 < value <= 1000");
  EXPECT_EQ(range("theta.plateau.tolerance"), "0 <= value < 1");
  EXPECT_EQ(range("theta.end"), "0 <= value <= pi/4 (0.7853981633974483) radians");
  EXPECT_EQ(range("theta.span"), "1 or more");
  EXPECT_EQ(range("dataset.name"), "1..64 bytes");
  EXPECT_EQ(range("network.layers"), "at most 64 elements");
  EXPECT_EQ(range("network.layers.N.conv.padding"), "0..63, below kernel");
  EXPECT_EQ(range("optimizer.warmup_epochs"), "0 <= value <= 100000, at most epochs");
  EXPECT_EQ(range("engine"), "");
}

TEST(CheckFieldsTest, ReportsTheValueTheRangeAndTheLimitingField) {
  const auto violation = [](const std::string& text, const std::string& field) {
    FieldViolations violations;
    CheckFields(ResolveConfig(FromText<v1::TrainingConfig>(text)), &violations);
    return ViolationsOf(violations.ToStatus())[field];
  };
  EXPECT_EQ(violation("optimizer { learning_rate: -1 }", "optimizer.learning_rate"),
            "is -1; allowed is 0 < value <= 1000");
  EXPECT_EQ(violation("epochs: 0", "epochs"), "is 0; allowed is 1..100000");
  EXPECT_EQ(violation("theta { hold: -9223372036854775808 }", "theta.hold"),
            "is -9223372036854775808; allowed is 0 or more");
  EXPECT_EQ(violation("dataset { name: '' }", "dataset.name"),
            "has 0 bytes; allowed is 1..64 bytes");
  EXPECT_EQ(violation("network { layers { dense {} } }", "network.layers.0.dense.units"),
            "is required; allowed is 1..65536");
  EXPECT_EQ(violation("epochs: 2 optimizer { warmup_epochs: 2.5 }", "optimizer.warmup_epochs"),
            "is 2.5; allowed is 0 <= value <= 2, as epochs is 2");
  EXPECT_EQ(violation("network { layers { conv { filters: 1 kernel: 3 padding: 3 } } }",
                      "network.layers.0.conv.padding"),
            "is 3; allowed is 0..2, as kernel is 3");
}

TEST(CheckFieldsTest, ALimitThatIsItselfInvalidIsIgnored) {
  FieldViolations violations;
  CheckFields(ResolveConfig(FromText<v1::TrainingConfig>(
                  "epochs: -5 optimizer { warmup_epochs: 3 schedule_epochs: 7 }")),
              &violations);
  EXPECT_TRUE(violations.Has("epochs"));
  EXPECT_EQ(violations.size(), 1U) << violations.ToStatus();
}

TEST(CheckFieldsTest, FollowsTheOrderOfTheSchema) {
  FieldViolations violations;
  CheckFields(ResolveConfig(FromText<v1::TrainingConfig>(
                  "epochs: 0 optimizer { step_epochs: 0 schedule_epochs: 0 } theta { end: 9 }"
                  " dataset { train_limit: -1 }")),
              &violations);
  const std::vector<std::string> lines = [&] {
    std::vector<std::string> names;
    const absl::Status status = violations.ToStatus();
    for (const auto line : absl::StrSplit(status.message(), '\n')) {
      names.emplace_back(line.substr(0, line.find(' ')));
    }
    return names;
  }();
  EXPECT_EQ(lines, (std::vector<std::string>{"dataset.train_limit", "theta.end",
                                             "optimizer.schedule_epochs", "optimizer.step_epochs",
                                             "epochs"}));
}

TEST(SchemaPositionTest, OrdersPathsOfARequestAsItIsDeclared) {
  const auto at = [](absl::string_view path) {
    return SchemaPosition(*v1::CreateExperimentRequest::descriptor(), path);
  };
  const std::vector<std::string> paths = {"experiment.config.dataset.name",
                                          "experiment.config.network.layers",
                                          "experiment.config.network.layers.2.conv.kernel",
                                          "experiment.config.network.layers.10.conv.kernel",
                                          "experiment.config.theta.end",
                                          "experiment.config.epochs",
                                          "experiment.axes.0.values",
                                          "experiment.note"};
  EXPECT_TRUE(std::is_sorted(paths.begin(), paths.end(),
                             [&](const auto& a, const auto& b) { return at(a) < at(b); }));
  EXPECT_LT(at("experiment.note"), at("experiment.nonsense"));
}

}  // namespace
}  // namespace anneal::config
