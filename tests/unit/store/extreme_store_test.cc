// Tests the extremes of runs against the recorded epochs, and Run.metrics.

#include "server/store/extreme_store.h"

#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/store/test_result_store.h"
#include "tests/unit/common/test_util.h"
#include "tests/unit/store/store_test_util.h"

namespace anneal::store {
namespace {

using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

using Values = std::map<std::string, std::pair<double, int32_t>>;

class ExtremeStoreTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    Insert(SomeExperiment("e", 2));
    run_ = RunKeyOf("e", 0);
  }

  // An epoch whose metrics are small whole numbers, so that values repeat.
  v1::EpochReport RandomReport(int32_t epoch) {
    v1::EpochReport report;
    Randomize(report.mutable_epoch());
    Randomize(report.mutable_epoch()->mutable_theta());
    report.mutable_epoch()->set_epoch(epoch);
    report.mutable_epoch()->set_eligible(random_() % 3 != 0);
    return report;
  }
  void Randomize(google::protobuf::Message* message) {
    using google::protobuf::FieldDescriptor;
    const auto* reflection = message->GetReflection();
    for (const FieldDescriptor* field : MetricFields(*message->GetDescriptor())) {
      const auto value = static_cast<int32_t>(random_() % 7) - 3;
      if (field->has_presence() && random_() % 2 == 0) continue;
      switch (field->cpp_type()) {
        case FieldDescriptor::CPPTYPE_INT32:
          reflection->SetInt32(message, field, value);
          break;
        case FieldDescriptor::CPPTYPE_INT64:
          reflection->SetInt64(message, field, value);
          break;
        default:
          reflection->SetDouble(message, field, value / 3.0);
      }
    }
  }

  Values MetricsOf(const std::vector<Metric>& metrics, int64_t ordinal = 0) {
    const v1::Run run = Read([&](Connection& db) {
      return GetRun(db, {.experiment_id = "e", .ordinal = ordinal}, v1::RUN_VIEW_BASIC, metrics);
    });
    Values values;
    for (const auto& [name, value] : run.metrics()) values[name] = {value.value(), value.epoch()};
    return values;
  }
  Values MetricsNamed(const std::vector<std::string>& names, int64_t ordinal = 0) {
    std::vector<Metric> metrics;
    for (const std::string& name : names) metrics.push_back(*FindRunMetric("metrics", name));
    return MetricsOf(metrics, ordinal);
  }

  // Expects that the columns of runs are equal to the extremes.
  void ExpectCopies() {
    for (const char* column :
         {"best_validation_accuracy", "max_validation_accuracy", "min_validation_loss",
          "best_validation_loss", "best_validation_relu_accuracy"}) {
      EXPECT_EQ(QueryInt(absl::StrCat("SELECT count(*) FROM runs r LEFT JOIN run_extremes x USING"
                                      " (run_id) WHERE r.",
                                      column, " IS NOT x.", column)),
                0)
          << column;
    }
  }

  std::mt19937 random_{7};
  int64_t run_ = 0;
};

// Walks over the epochs as the definitions of min, max and best say it.
Values ExpectedOf(const std::vector<v1::Epoch>& epochs) {
  Values expected;
  for (const Metric& metric : ExtremeMetrics()) {
    const bool lowest = metric.pick == Metric::Pick::kMin ||
                        (metric.pick == Metric::Pick::kBest && !metric.higher_is_better());
    for (const v1::Epoch& epoch : epochs) {
      if (metric.pick == Metric::Pick::kBest && !epoch.eligible()) continue;
      const auto value = ValueOf(metric, epoch);
      if (!value.has_value()) continue;
      const auto [found, is_first] = expected.try_emplace(metric.name, *value, epoch.epoch());
      if (is_first) continue;
      const double so_far = found->second.first;
      if (lowest ? *value < so_far : *value > so_far) found->second = {*value, epoch.epoch()};
    }
  }
  return expected;
}

TEST_F(ExtremeStoreTest, ExtremesAreThoseOfTheRecordedEpochs) {
  std::vector<v1::Epoch> epochs;
  for (int32_t epoch = 1; epoch <= 12; ++epoch) {
    const v1::EpochReport report = RandomReport(epoch);
    ASSERT_TRUE(Record(run_, report).ok());
    epochs.push_back(report.epoch());
    EXPECT_EQ(MetricsOf(ExtremeMetrics()), ExpectedOf(epochs)) << epoch;
    ExpectCopies();
  }
  EXPECT_GT(MetricsOf(ExtremeMetrics()).size(), 80U);
  EXPECT_THAT(MetricsOf(ExtremeMetrics(), /*ordinal=*/1), IsEmpty()) << "another run's";
}

TEST_F(ExtremeStoreTest, BestIsOfEligibleEpochsAndLowestAndHighestOfAll) {
  const double losses[] = {0.5, 0.25, 0.75, 0.75};
  const bool eligible[] = {false, false, true, true};
  for (int32_t epoch = 1; epoch <= 4; ++epoch) {
    v1::EpochReport report = SomeReport(epoch);
    report.mutable_epoch()->set_validation_loss(losses[epoch - 1]);
    report.mutable_epoch()->set_eligible(eligible[epoch - 1]);
    ASSERT_TRUE(Record(run_, report).ok());
    if (epoch == 2) {
      EXPECT_THAT(MetricsNamed({"best.validation_loss"}), IsEmpty());
      EXPECT_EQ(QueryInt("SELECT count(best_validation_loss) FROM runs"), 0);
    }
  }
  EXPECT_THAT(MetricsNamed({"best.validation_loss", "min.validation_loss", "max.validation_loss"}),
              UnorderedElementsAre(Pair("best.validation_loss", Pair(0.75, 3)),
                                   Pair("min.validation_loss", Pair(0.25, 2)),
                                   Pair("max.validation_loss", Pair(0.75, 3))));
}

// The weights of epoch 2 and of its repetition are equal, but its times are not.
TEST_F(ExtremeStoreTest, RepeatedEpochLeavesTheExtremesUnchanged) {
  ASSERT_TRUE(Record(run_, RandomReport(1)).ok());
  ASSERT_TRUE(Record(run_, RandomReport(2)).ok());
  const Values before = MetricsOf(ExtremeMetrics());
  v1::EpochReport again = RandomReport(2);
  again.mutable_epoch()->set_epoch_seconds(1e9);
  ASSERT_TRUE(Record(run_, again).ok());
  EXPECT_EQ(MetricsOf(ExtremeMetrics()), before);
}

TEST_F(ExtremeStoreTest, LastValuesAndTestResultsAreMetricsToo) {
  ASSERT_TRUE(Change(run_, v1::RUN_STATE_RUNNING).ok());
  for (int32_t epoch = 1; epoch <= 2; ++epoch) {
    v1::EpochReport report = SomeReport(epoch);
    report.mutable_epoch()->set_validation_loss(epoch);
    ASSERT_TRUE(Record(run_, report).ok());
  }
  v1::RunCompleted completed;
  v1::TestResult* last = completed.add_test_results();
  last->set_weights(v1::TestResult::WEIGHTS_LAST);
  last->set_epoch(2);
  last->set_accuracy(0.5);
  v1::TestResult* best = completed.add_test_results();
  best->set_weights(v1::TestResult::WEIGHTS_BEST);
  best->set_epoch(1);
  best->set_accuracy(0.25);
  ASSERT_TRUE(Write([&](Transaction& transaction) {
                return RecordCompletion(transaction, run_, completed);
              }).ok());
  ASSERT_TRUE(Change(run_, v1::RUN_STATE_SUCCEEDED).ok());
  // Means take all epochs and are of none.
  EXPECT_THAT(
      MetricsNamed({"last.validation_loss", "test_accuracy", "best_test_accuracy",
                    "test_relu_accuracy", "mean.validation_loss", "log_loss_area"}),
      UnorderedElementsAre(Pair("validation_loss", Pair(2, 2)), Pair("test_accuracy", Pair(0.5, 2)),
                           Pair("best_test_accuracy", Pair(0.25, 1))));
}

TEST_F(ExtremeStoreTest, EveryRunOfAListHasItsOwnMetrics) {
  for (const int64_t ordinal : {0, 1}) {
    v1::EpochReport report = SomeReport(1);
    report.mutable_epoch()->set_validation_loss(static_cast<double>(ordinal) + 5);
    ASSERT_TRUE(Record(RunKeyOf("e", ordinal), report).ok());
  }
  const RunQuery query = {.list = {.limit = 10},
                          .metrics = {*FindRunMetric("metrics", "min.validation_loss")}};
  std::vector<double> values;
  for (const ListedRun& listed : Read([&](Connection& db) { return ListRuns(db, query); })) {
    values.push_back(listed.run.metrics().at("min.validation_loss").value());
  }
  EXPECT_EQ(values, (std::vector<double>{5, 6}));
}

}  // namespace
}  // namespace anneal::store
