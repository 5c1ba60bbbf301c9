#include "common/config/text.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "anneal/v1/resources.pb.h"
#include "google/protobuf/util/json_util.h"
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

uint64_t Bits(double value) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
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

TEST(ParseConfigTest, ReadsNothingAsAnEmptyConfig) {
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

TEST(ParseConfigTest, RefusesWhatIsNotAConfig) {
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

TEST(ToJsonTest, ReadsBackAsTheSameConfig) {
  for (const bool pretty : {false, true}) {
    const auto config = config::ParseConfig(config::ToJson(Example(), pretty));
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_TRUE(Same(*config, Example())) << pretty;
  }
}

TEST(ToJsonTest, HasFieldNamesAsInTheProto) {
  const std::string json = config::ToJson(Example(), /*pretty=*/false);
  EXPECT_TRUE(Mentions(json, {"\"train_limit\":", "\"learning_rate\":"}));
  EXPECT_FALSE(Mentions(json, {"trainLimit"}));
  EXPECT_FALSE(Mentions(json, {"learningRate"}));
}

TEST(ToJsonTest, HasLineBreaksOnlyWhenPretty) {
  EXPECT_EQ(config::ToJson(Example(), /*pretty=*/false).find('\n'), std::string::npos);
  EXPECT_NE(config::ToJson(Example(), /*pretty=*/true).find('\n'), std::string::npos);
}

TEST(ToJsonTest, PrintsFieldsAtTheirDefault) {
  const std::string json = config::ToJson(v1::Epoch(), /*pretty=*/false);
  const auto* type = v1::Epoch::descriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const auto* field = type->field(i);
    if (field->has_presence()) continue;  // unset is not a default
    EXPECT_TRUE(Mentions(json, {absl::StrCat("\"", field->name(), "\":")}));
  }
  EXPECT_TRUE(
      Mentions(config::ToJson(v1::Run(), false), {"\"state\":", "\"seed\":", "\"parameters\":"}));
}

// Returns true if a double survives a JSON round trip.
testing::AssertionResult KeepsItsBits(double value) {
  v1::Epoch epoch;
  epoch.set_train_loss(value);
  v1::Epoch read;
  const std::string json = config::ToJson(epoch, /*pretty=*/false);
  if (!google::protobuf::util::JsonStringToMessage(json, &read).ok()) {
    return testing::AssertionFailure() << "cannot be read: " << json;
  }
  if (Bits(read.train_loss()) == Bits(value)) return testing::AssertionSuccess();
  return testing::AssertionFailure() << value << " came back as " << read.train_loss();
}

TEST(ToJsonTest, DoublesReadBackToTheSameBits) {
  using Limits = std::numeric_limits<double>;
  for (const double value : {0.0,
                             1.0,
                             0.1,
                             1.0 / 3,
                             -2.0 / 3,
                             0.78539816339744830962,
                             1e-8,
                             123456789.123456789,
                             9007199254740993.0,
                             1e17,
                             1e22,
                             1e23,
                             5e-324,
                             Limits::min(),
                             Limits::max(),
                             Limits::lowest(),
                             std::nextafter(1.0, 2.0),
                             std::nextafter(1.0, 0.0),
                             std::nextafter(0.1, 1.0),
                             Limits::infinity(),
                             -Limits::infinity()}) {
    EXPECT_TRUE(KeepsItsBits(value));
  }
  // A deterministic walk through all exponents.
  uint64_t state = 1;
  for (int i = 0; i < 2000; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    double value = 0;
    std::memcpy(&value, &state, sizeof(value));
    if (!std::isfinite(value)) continue;
    EXPECT_TRUE(KeepsItsBits(value));
  }
}

TEST(ToJsonTest, NotANumberReadsBackAsOne) {
  v1::Epoch epoch;
  epoch.set_train_loss(std::nan(""));
  v1::Epoch read;
  ASSERT_TRUE(
      google::protobuf::util::JsonStringToMessage(config::ToJson(epoch, false), &read).ok());
  EXPECT_TRUE(std::isnan(read.train_loss()));
}

TEST(ToJsonTest, WholeNumbersReadBackToTheSameBits) {
  using Limits = std::numeric_limits<int64_t>;
  for (const int64_t seed :
       {int64_t{0}, int64_t{-1}, (int64_t{1} << 53) + 1, Limits::min(), Limits::max()}) {
    v1::Run run;
    run.set_seed(seed);
    v1::Run read;
    ASSERT_TRUE(
        google::protobuf::util::JsonStringToMessage(config::ToJson(run, false), &read).ok());
    EXPECT_EQ(read.seed(), seed);
  }
}

TEST(ToJsonTest, FloatsReadBackToTheSameBits) {
  v1::ThetaVector thetas;
  for (const float value : {0.1f, 0.785398163f, 1.0f / 3, std::nextafter(0.5f, 1.0f), 1e-45f}) {
    thetas.add_values(value);
  }
  v1::ThetaVector read;
  ASSERT_TRUE(
      google::protobuf::util::JsonStringToMessage(config::ToJson(thetas, false), &read).ok());
  EXPECT_TRUE(Same(read, thetas));
}

}  // namespace
}  // namespace anneal
