#include "common/json_text.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "anneal/v1/config.pb.h"
#include "anneal/v1/resources.pb.h"
#include "gtest/gtest.h"
#include "tests/unit/common/test_util.h"

namespace anneal {
namespace {

v1::TrainingConfig Example() {
  return FromText<v1::TrainingConfig>(
      "dataset { name: 'mnist' train_limit: 0 } optimizer { learning_rate: 0.1 nesterov: false }"
      " network { layers { conv { filters: 8 pool: POOL_AVG } } } epochs: 3");
}

uint64_t Bits(double value) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

// The store compares and caches such texts, and older databases hold them.
TEST(ToJsonTest, PrintsSetFieldsOnOneLineByDefault) {
  EXPECT_EQ(ToJson(Example()), R"({"dataset":{"name":"mnist","train_limit":0},)"
                               R"("network":{"layers":[{"conv":{"filters":8,"pool":"POOL_AVG"}}]},)"
                               R"("optimizer":{"learning_rate":0.1,"nesterov":false},"epochs":3})");
  EXPECT_EQ(ToJson(v1::TrainingConfig()), "{}");
}

TEST(ToJsonTest, HasFieldNamesAsInTheProto) {
  const std::string json = ToJson(Example(), {.unset_fields = true});
  EXPECT_TRUE(Mentions(json, {"\"train_limit\":", "\"learning_rate\":"}));
  EXPECT_FALSE(Mentions(json, {"trainLimit"}));
  EXPECT_FALSE(Mentions(json, {"learningRate"}));
}

TEST(ToJsonTest, HasLineBreaksOnlyWhenPretty) {
  EXPECT_EQ(ToJson(Example(), {.unset_fields = true}).find('\n'), std::string::npos);
  EXPECT_NE(ToJson(Example(), {.pretty = true, .unset_fields = true}).find('\n'),
            std::string::npos);
}

TEST(ToJsonTest, PrintsFieldsAtTheirDefault) {
  const std::string json = ToJson(v1::Epoch(), {.unset_fields = true});
  const auto* type = v1::Epoch::descriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const auto* field = type->field(i);
    if (field->has_presence()) continue;  // unset is not a default
    EXPECT_TRUE(Mentions(json, {absl::StrCat("\"", field->name(), "\":")}));
  }
  EXPECT_TRUE(Mentions(ToJson(v1::Run(), {.unset_fields = true}),
                       {"\"state\":", "\"seed\":", "\"parameters\":"}));
}

// Checks that a double round-trips through JSON bit-identical.
testing::AssertionResult KeepsItsBits(double value) {
  v1::Epoch epoch;
  epoch.set_train_loss(value);
  v1::Epoch read;
  const std::string json = ToJson(epoch);
  if (!FromJson(json, &read).ok()) {
    return testing::AssertionFailure() << "cannot be read: " << json;
  }
  if (Bits(read.train_loss()) == Bits(value)) return testing::AssertionSuccess();
  return testing::AssertionFailure() << value << " came back as " << read.train_loss();
}

TEST(ToJsonTest, DoublesRoundTripExactly) {
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

TEST(ToJsonTest, NaNRoundTrips) {
  v1::Epoch epoch;
  epoch.set_train_loss(std::nan(""));
  v1::Epoch read;
  ASSERT_TRUE(FromJson(ToJson(epoch), &read).ok());
  EXPECT_TRUE(std::isnan(read.train_loss()));
}

TEST(ToJsonTest, IntegersRoundTripExactly) {
  using Limits = std::numeric_limits<int64_t>;
  for (const int64_t seed :
       {int64_t{0}, int64_t{-1}, (int64_t{1} << 53) + 1, Limits::min(), Limits::max()}) {
    v1::Run run;
    run.set_seed(seed);
    v1::Run read;
    ASSERT_TRUE(FromJson(ToJson(run), &read).ok());
    EXPECT_EQ(read.seed(), seed);
  }
}

TEST(ToJsonTest, FloatsRoundTripExactly) {
  v1::ThetaVector thetas;
  for (const float value : {0.1f, 0.785398163f, 1.0f / 3, std::nextafter(0.5f, 1.0f), 1e-45f}) {
    thetas.add_values(value);
  }
  v1::ThetaVector read;
  ASSERT_TRUE(FromJson(ToJson(thetas), &read).ok());
  EXPECT_TRUE(Same(read, thetas));
}

TEST(FromJsonTest, RejectsUnknownFieldsUnlessTheyAreSkipped) {
  const std::string text = R"({"epochs": 3, "epoch": 4})";
  v1::TrainingConfig config;
  const absl::Status status = FromJson(text, &config);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Mentions(status.message(), {"epoch"}));
  ASSERT_TRUE(FromJson(text, &config, UnknownFields::kSkip).ok());
  EXPECT_TRUE(Same(config, FromText<v1::TrainingConfig>("epochs: 3")));
}

TEST(FromJsonTest, ReplacesTheContentsOfTheMessage) {
  v1::TrainingConfig config = Example();
  ASSERT_TRUE(FromJson(R"({"batch_size": 8})", &config).ok());
  EXPECT_TRUE(Same(config, FromText<v1::TrainingConfig>("batch_size: 8")));
}

TEST(FromJsonTest, ErrorsNameTheFieldAndTheExpectedValues) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"epoch": 3})", "epoch is an unknown field"},
      {R"({"theta": {"stort": 1}})", "theta.stort is an unknown field"},
      {R"({"network": {"layers": [{"dens": {}}]}})", "network.layers.0.dens is an unknown field"},
      {R"({"epochs": "x"})", "epochs is \"x\"; expected a whole number"},
      {R"({"optimizer": {"learning_rate": "x"}})",
       "optimizer.learning_rate is \"x\"; expected a number"},
      {R"({"engine": "FAST"})",
       "engine is \"FAST\"; expected one of ENGINE_KIND_AUTO, ENGINE_KIND_REFERENCE, "
       "ENGINE_KIND_FUSED"},
      {"3", "expected { }"},
  };
  for (const auto& [text, reason] : cases) {
    v1::TrainingConfig config;
    EXPECT_EQ(FromJson(text, &config).message(), reason) << text;
  }
}

TEST(ToJsonTest, MapsAreInTheOrderOfTheirKeys) {
  v1::Experiment experiment;
  for (const char* key : {"d", "a", "c", "e", "b"}) (*experiment.mutable_labels())[key] = "1";
  EXPECT_EQ(ToJson(experiment), R"({"labels":{"a":"1","b":"1","c":"1","d":"1","e":"1"}})");
}

TEST(FromJsonTest, ErrorsAreOneLine) {
  v1::TrainingConfig config;
  for (const auto unknown : {UnknownFields::kReject, UnknownFields::kSkip}) {
    for (const char* text : {"", "{", "[]", "{\n\"epochs\": \"x\"\n}", "{\"epochs\": 3}\n}"}) {
      const absl::Status status = FromJson(text, &config, unknown);
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
      EXPECT_FALSE(status.message().empty()) << text;
      EXPECT_EQ(status.message().find('\n'), absl::string_view::npos) << status;
    }
  }
}

}  // namespace
}  // namespace anneal
