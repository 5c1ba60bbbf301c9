#include "common/config/text.h"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "anneal/v1/config.pb.h"
#include "common/json_text.h"
#include "gtest/gtest.h"
#include "tests/unit/common/test_util.h"

namespace anneal {
namespace {

v1::TrainingConfig Example() {
  v1::TrainingConfig config;
  config.mutable_dataset()->set_name("fashion-mnist");
  config.mutable_dataset()->set_train_limit(0);
  v1::ConvLayer* conv = config.mutable_network()->add_layers()->mutable_conv();
  conv->set_filters(8);
  conv->set_kernel(3);
  conv->set_pool(v1::POOL_AVG);
  config.mutable_network()->add_layers()->mutable_dense()->set_units(20);
  config.mutable_theta()->set_policy(v1::THETA_POLICY_SCHEDULED);
  config.mutable_theta()->set_start(0.78539816339744830962);
  config.mutable_theta()->set_hold(5'000'000'000);
  config.mutable_optimizer()->set_learning_rate(0.1);
  config.mutable_optimizer()->set_nesterov(false);
  config.set_epochs(3);
  return config;
}

absl::Status ErrorOf(const std::string& text) {
  const absl::StatusOr<v1::TrainingConfig> config = config::ParseConfig(text);
  EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument) << text.substr(0, 80);
  return config.status();
}

TEST(ParseConfigTest, ReadsTextFormat) {
  const auto config = config::ParseConfig("# three epochs\nepochs: 3\ntheta { start: 0.5 }\n");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_TRUE(Same(*config, FromText<v1::TrainingConfig>("epochs: 3 theta { start: 0.5 }")));
}

TEST(ParseConfigTest, ReadsJson) {
  const auto config =
      config::ParseConfig(R"({"epochs": 3, "batch_size": 8, "theta": {"start": 0.5}})");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_TRUE(
      Same(*config, FromText<v1::TrainingConfig>("epochs: 3 batch_size: 8 theta { start: 0.5 }")));
}

TEST(ParseConfigTest, ReadsJsonAfterWhiteSpace) {
  const auto config = config::ParseConfig(" \n\t\r {\"epochs\": 3}\n");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_TRUE(Same(*config, FromText<v1::TrainingConfig>("epochs: 3")));
}

TEST(ParseConfigTest, ReadsEmptyTextAsAnEmptyConfig) {
  for (const char* text : {"", " \n", "# only a comment\n", "{}", " { } "}) {
    const auto config = config::ParseConfig(text);
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_TRUE(Same(*config, v1::TrainingConfig())) << text;
  }
}

TEST(ParseConfigTest, SetsAFieldThatIsGivenItsDefault) {
  for (const char* text : {"epochs: 0", "{\"epochs\": 0}"}) {
    const auto config = config::ParseConfig(text);
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_TRUE(config->has_epochs()) << text;
  }
}

TEST(ParseConfigTest, AnErrorInTextFormatGivesLineAndColumn) {
  EXPECT_TRUE(
      Mentions(ErrorOf("epochs: 3\n  batch_size: many\n").message(), {"line 2", "column 15"}));
  EXPECT_TRUE(Mentions(ErrorOf("theta {\n\n").message(), {"line", "column"}));
}

TEST(ParseConfigTest, AnUnknownFieldInTextFormatIsNamed) {
  EXPECT_TRUE(Mentions(ErrorOf("epochs: 3\nepoch: 4\n").message(), {"line 2", "\"epoch\""}));
}

TEST(ParseConfigTest, AnUnknownFieldInJsonIsNamed) {
  EXPECT_TRUE(Mentions(ErrorOf(R"({"theta": {"stort": 0.5}})").message(), {"stort"}));
}

TEST(ParseConfigTest, AWrongValueInJsonNamesFieldAndValue) {
  EXPECT_TRUE(Mentions(ErrorOf(R"({"epochs": "many"})").message(), {"epochs", "many"}));
}

TEST(ParseConfigTest, ASyntaxErrorInJsonShowsThePlace) {
  EXPECT_TRUE(Mentions(ErrorOf("{\n  \"epochs\": 3,\n  \"batch_size\" 8\n}\n").message(),
                       {"\"batch_size\" 8"}));
}

TEST(ParseConfigTest, RejectsTextThatIsNotAConfig) {
  for (const std::string& text :
       {std::string("{"), std::string("}"), std::string("["), std::string("{} {}"),
        std::string("{\"epochs\": 3} trailing"), std::string("epochs"), std::string("epochs: "),
        std::string("epochs: 3 epochs: 4"), std::string("epochs: 99999999999"),
        std::string("{\"epochs\": 99999999999}"), std::string("{\"epochs\": 1.5}"),
        std::string("theta { policy: LINEAR }"), std::string("<html></html>"),
        std::string("\x7f"
                    "ELF\x02\x01\x01\0\0",
                    9),
        std::string("\0", 1), std::string("\xff\xfe{"), std::string(1 << 16, '{'),
        std::string(1 << 16, '('), std::string(1 << 20, 'x')}) {
    EXPECT_TRUE(Mentions(ErrorOf(text).message(), {"config"}));
  }
}

TEST(ParseConfigTest, ErrorsAreViolationsThatCanBeReadBack) {
  EXPECT_EQ(ViolationsOf(ErrorOf("epoch: 4")).size(), 1u);
  EXPECT_EQ(ViolationsOf(ErrorOf("{\"epoch\": 4}")).size(), 1u);
  EXPECT_EQ(ViolationsOf(ErrorOf("{")).size(), 1u);
}

TEST(ToTextFormatTest, ReadsBackAsTheSameConfig) {
  const auto config = config::ParseConfig(config::ToTextFormat(Example()));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_TRUE(Same(*config, Example()));
}

TEST(ParseConfigTest, ReadsPrintedJsonAsTheSameConfig) {
  for (const bool pretty : {false, true}) {
    const auto config =
        config::ParseConfig(ToJson(Example(), {.pretty = pretty, .unset_fields = true}));
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_TRUE(Same(*config, Example())) << pretty;
  }
}

}  // namespace
}  // namespace anneal
