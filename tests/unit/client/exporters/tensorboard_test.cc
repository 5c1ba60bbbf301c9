#include "client/exporters/tensorboard.h"

#include <cmath>
#include <cstring>
#include <map>
#include <set>
#include <string>

#include "client/exporters/tfrecord.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace anneal::client::exporters {
namespace {

using ::testing::ElementsAre;

TEST(TfRecordTest, CrcOfPublishedVectors) {
  // RFC 3720, appendix B.4, and the check value of CRC catalogues.
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(Crc32c(""), 0U);
}

TEST(TfRecordTest, HasLengthPayloadAndMaskedCrcs) {
  const std::string record = TfRecord("123456789");
  ASSERT_EQ(record.size(), 8 + 4 + 9 + 4);
  uint64_t length = 0;
  std::memcpy(&length, record.data(), 8);
  EXPECT_EQ(length, 9U);
  EXPECT_EQ(record.substr(12, 9), "123456789");
  uint32_t masked = 0;
  std::memcpy(&masked, record.data() + 21, 4);
  const uint32_t rotated = masked - 0xa282ead8U;
  EXPECT_EQ((rotated >> 17) | (rotated << 15), 0xe3069283U);
}

v1::Run SomeRun() {
  v1::Run run;
  run.set_name("experiments/first/runs/0");
  run.set_seed(7);
  run.mutable_start_time()->set_seconds(1000);
  run.mutable_config()->mutable_theta()->set_policy(v1::THETA_POLICY_SCHEDULED);
  run.mutable_config()->mutable_optimizer()->set_learning_rate(0.25);
  return run;
}

std::map<std::string, double> Scalars(const tensorboard::Event& event) {
  std::map<std::string, double> scalars;
  for (const auto& value : event.summary().value()) {
    if (value.value_case() == tensorboard::Summary::Value::kSimpleValue) {
      scalars[value.tag()] = value.simple_value();
    }
  }
  return scalars;
}

// TensorBoard joins the runs of all versions by these tags.
TEST(TensorboardTest, TagNamesAreStable) {
  v1::Epoch epoch;
  epoch.set_convexity_violations(0);
  epoch.set_hessian_max_eigenvalue(0);
  epoch.set_hessian_min_eigenvalue(0);
  for (int layer = 0; layer < 13; ++layer) epoch.add_layers();
  epoch.mutable_layers(12)->set_linear_gap(0);
  std::set<std::string> tags;
  for (const auto& [tag, value] : Scalars(EpochEvent(SomeRun(), epoch, {}))) tags.insert(tag);
  for (const std::string group : {"train/", "validation/", "validation_relu/"}) {
    for (const char* score : {"loss", "accuracy", "precision", "recall", "f1"}) {
      EXPECT_EQ(tags.erase(group + score), 1U) << group << score;
    }
  }
  for (int layer = 0; layer < 13; ++layer) {
    EXPECT_EQ(tags.erase("gradient_norm/layer_" + std::to_string(layer)), 1U) << layer;
  }
  EXPECT_THAT(tags,
              ElementsAre("hessian/max_eigenvalue", "hessian/min_eigenvalue", "linear_gap/layer_12",
                          "run/convexity_violations", "run/elapsed_seconds", "run/epoch_seconds",
                          "run/learning_rate", "run/penalty", "run/samples_per_second", "run/step",
                          "theta/count", "theta/max", "theta/mean", "theta/median", "theta/min",
                          "theta/q05", "theta/q25", "theta/q75", "theta/q95"));
}

TEST(TensorboardTest, AnEpochHasItsNumbersAtItsTime) {
  v1::Epoch epoch;
  epoch.set_epoch(3);
  epoch.set_elapsed_seconds(12.5);
  epoch.set_train_loss(0.5);
  epoch.mutable_theta()->set_mean(0.125);
  epoch.add_layers()->set_gradient_norm(2);
  const tensorboard::Event event = EpochEvent(SomeRun(), epoch, {});
  EXPECT_EQ(event.step(), 3);
  EXPECT_EQ(event.wall_time(), 1012.5);
  const auto scalars = Scalars(event);
  EXPECT_EQ(scalars.at("train/loss"), 0.5);
  EXPECT_EQ(scalars.at("theta/mean"), 0.125);
  EXPECT_EQ(scalars.at("gradient_norm/layer_0"), 2);
  EXPECT_FALSE(scalars.contains("run/epoch")) << "that is the step";
  EXPECT_FALSE(scalars.contains("hessian/max_eigenvalue")) << "which was not recorded";
}

TEST(TensorboardTest, SessionsKnowHyperparametersWithTheirTypes) {
  v1::Run run = SomeRun();
  const tensorboard::Event event =
      SessionStart(run, {"theta.policy", "optimizer.learning_rate"}, "first");
  ASSERT_EQ(event.summary().value_size(), 1);
  const auto& value = event.summary().value(0);
  EXPECT_EQ(value.tag(), "_hparams_/session_start_info");
  EXPECT_EQ(value.metadata().plugin_data().plugin_name(), "hparams");
  tensorboard::HParamsPluginData data;
  ASSERT_TRUE(data.ParseFromString(value.metadata().plugin_data().content()));
  const auto& start = data.session_start_info();
  EXPECT_EQ(start.group_name(), "first");
  EXPECT_EQ(start.hparams().at("theta.policy").string_value(), "SCHEDULED");
  EXPECT_EQ(start.hparams().at("optimizer.learning_rate").number_value(), 0.25);
}

TEST(TensorboardTest, TheEndHasTestResultsAndAStatus) {
  v1::Run run = SomeRun();
  run.set_state(v1::RUN_STATE_SUCCEEDED);
  v1::TestResult* best = run.add_test_results();
  best->set_weights(v1::TestResult::WEIGHTS_BEST);
  best->set_epoch(2);
  best->set_accuracy(0.75);
  const auto events = EndEvents(run);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].step(), 2);
  EXPECT_EQ(Scalars(events[0]).at("test_best/accuracy"), 0.75);
  tensorboard::HParamsPluginData data;
  ASSERT_TRUE(
      data.ParseFromString(events[1].summary().value(0).metadata().plugin_data().content()));
  EXPECT_EQ(data.session_end_info().status(), tensorboard::SessionEndInfo::STATUS_SUCCESS);
  run.set_state(v1::RUN_STATE_CANCELLED);
  ASSERT_TRUE(data.ParseFromString(
      EndEvents(run)[1].summary().value(0).metadata().plugin_data().content()));
  EXPECT_EQ(data.session_end_info().status(), tensorboard::SessionEndInfo::STATUS_FAILURE);
}

TEST(TensorboardTest, EqualThetasAreOneBucket) {
  v1::ThetaVector theta;
  theta.mutable_values()->Resize(5, 0.5F);
  const auto histogram = Histogram(theta);
  EXPECT_THAT(histogram.bucket(), ElementsAre(5));
  EXPECT_THAT(histogram.bucket_limit(), ElementsAre(0.5));
}

RC_GTEST_PROP(TensorboardTest, HistogramsCountEveryValueOnceBelowItsLimit, ()) {
  const auto values = *rc::gen::nonEmpty(rc::gen::arbitrary<std::vector<int16_t>>());
  v1::ThetaVector theta;
  for (const int16_t value : values) theta.add_values(static_cast<float>(value) / 1024);
  const auto histogram = Histogram(theta);
  RC_ASSERT(histogram.bucket_size() == histogram.bucket_limit_size());
  RC_ASSERT(histogram.num() == static_cast<double>(values.size()));
  double counted = 0;
  double below = 0;
  for (int i = 0; i < histogram.bucket_size(); ++i) {
    counted += histogram.bucket(i);
    // An element on the boundary may fall on either side.
    const double limit = histogram.bucket_limit(i);
    double less = 0;
    double at_most = 0;
    for (const float value : theta.values()) {
      less += value < limit - 1e-6 ? 1 : 0;
      at_most += value <= limit + 1e-6 ? 1 : 0;
    }
    below += histogram.bucket(i);
    RC_ASSERT(less <= below);
    RC_ASSERT(below <= at_most);
  }
  RC_ASSERT(counted == histogram.num());
}

}  // namespace
}  // namespace anneal::client::exporters
