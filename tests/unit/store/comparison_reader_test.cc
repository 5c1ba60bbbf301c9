// Tests what comparisons read of runs: each metric from its table, and the epochs in their order.

#include "server/store/comparison_reader.h"

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/store/test_result_store.h"
#include "tests/unit/common/test_util.h"
#include "tests/unit/store/store_test_util.h"

namespace anneal::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::SizeIs;

constexpr std::optional<double> kNone = std::nullopt;

class ComparisonReaderTest : public StoreTest {
 protected:
  // `e` has two cells of two runs: 0 has succeeded, 1 has diverged in epoch 2, 2 is running, 3
  // waits.
  void SetUp() override {
    StoreTest::SetUp();
    NewExperiment experiment = SomeExperiment("e", 2);
    v1::TrainingConfig config;
    config.set_epochs(9);
    experiment.cells.emplace_back(Parameters{{"epochs", "9"}}, config, std::vector<int64_t>{7, 8});
    Insert(SomeExperiment("before"));
    Insert(experiment);
    Insert(SomeExperiment("after"));
    Start(0, 10);
    Epochs(0, {0.5, 0.25, 0.75}, /*eligible_from=*/3);
    Complete(0);
    Start(1, 20);
    Epochs(1, {4, 8}, /*eligible_from=*/1);
    ASSERT_TRUE(Change(Key(1), v1::RUN_STATE_FAILED, kNow,
                       FromText<v1::Failure>("reason: FAILURE_REASON_DIVERGED"))
                    .ok());
    Start(2, 20);
    Epochs(2, {1}, /*eligible_from=*/9);
    ASSERT_TRUE(Record(RunKeyOf("after", 0), SomeReport(1)).ok());
  }

  int64_t Key(int64_t ordinal) { return RunKeyOf("e", ordinal); }

  void Start(int64_t ordinal, int64_t images) {
    ASSERT_TRUE(Change(Key(ordinal), v1::RUN_STATE_RUNNING).ok());
    v1::RunStarted started;
    started.set_engine("fused");
    started.set_dataset_sha256("data");
    started.mutable_split()->add_train(images);
    ASSERT_TRUE(Write([&](Transaction& transaction) {
                  return RecordStart(transaction, Key(ordinal), started);
                }).ok());
  }
  void Epochs(int64_t ordinal, const std::vector<double>& losses, int32_t eligible_from) {
    for (int32_t epoch = 1; epoch <= static_cast<int32_t>(losses.size()); ++epoch) {
      v1::EpochReport report = SomeReport(epoch);
      v1::Epoch* record = report.mutable_epoch();
      record->set_validation_loss(losses[static_cast<size_t>(epoch) - 1]);
      record->set_elapsed_seconds(10 * epoch);
      record->set_eligible(epoch >= eligible_from);
      record->set_validation_predicted_classes(ordinal == 1 ? 1 : 10);
      record->clear_convexity_violations();
      ASSERT_TRUE(Record(Key(ordinal), report).ok());
    }
  }
  void Complete(int64_t ordinal) {
    v1::RunCompleted completed;
    *completed.add_test_results() = SomeResult(v1::TestResult::WEIGHTS_LAST);
    completed.mutable_test_results(0)->set_accuracy(0.875);
    *completed.add_test_results() = SomeResult(v1::TestResult::WEIGHTS_BEST);
    completed.mutable_test_results(1)->set_accuracy(0.625);
    ASSERT_TRUE(Write([&](Transaction& transaction) {
                  return RecordCompletion(transaction, Key(ordinal), completed);
                }).ok());
    ASSERT_TRUE(Change(Key(ordinal), v1::RUN_STATE_SUCCEEDED).ok());
  }

  std::vector<ComparedRow> Rows(const std::vector<std::string>& names,
                                const std::string& id = "e") {
    std::vector<Metric> metrics;
    for (const std::string& name : names) metrics.push_back(*FindRunMetric("metric", name));
    return Read([&](Connection& db) { return ListComparedRows(db, KeyOf(id), metrics); });
  }
};

TEST_F(ComparisonReaderTest, RunsAreListedInTheOrderOfTheirNumbers) {
  const std::vector<ComparedRow> rows = Rows({});
  ASSERT_THAT(rows, SizeIs(4));
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].ordinal, static_cast<int64_t>(i));
    EXPECT_EQ(rows[i].key, Key(rows[i].ordinal));
    EXPECT_THAT(rows[i].values, IsEmpty());
  }
  EXPECT_EQ(rows[0].seed, 0);
  EXPECT_EQ(rows[3].seed, 8);
  EXPECT_EQ(rows[0].state, v1::RUN_STATE_SUCCEEDED);
  EXPECT_EQ(rows[1].state, v1::RUN_STATE_FAILED);
  EXPECT_EQ(rows[1].failure, v1::FAILURE_REASON_DIVERGED);
  EXPECT_EQ(rows[2].state, v1::RUN_STATE_RUNNING);
  EXPECT_EQ(rows[2].failure, v1::FAILURE_REASON_UNSPECIFIED);
  EXPECT_THAT(rows[1].parameters, IsEmpty());
  EXPECT_EQ(rows[2].parameters, (Parameters{{"epochs", "9"}}));
  EXPECT_EQ(rows[3].parameters, (Parameters{{"epochs", "9"}}));
  EXPECT_EQ(rows[0].config_key, rows[1].config_key);
  EXPECT_NE(rows[1].config_key, rows[2].config_key);
  EXPECT_NE(rows[0].split_key, rows[1].split_key);
  EXPECT_EQ(rows[1].split_key, rows[2].split_key);
  EXPECT_EQ(rows[3].split_key, 0) << "it has not started";
  EXPECT_EQ(rows[0].dataset_sha256, "data");
  EXPECT_EQ(rows[3].dataset_sha256, "");
  EXPECT_EQ(rows[0].engine, "fused");
  EXPECT_EQ(rows[0].epochs_done, 3);
  EXPECT_FALSE(rows[0].collapsed);
  EXPECT_TRUE(rows[1].collapsed);
  EXPECT_THAT(Rows({}, "before"), SizeIs(1));
}

TEST_F(ComparisonReaderTest, EveryMetricIsReadFromItsTable) {
  const std::vector<ComparedRow> rows =
      Rows({"validation_loss", "min.validation_loss", "max.validation_loss", "best.validation_loss",
            "mean.validation_loss", "test_accuracy", "best_test_accuracy", "log_loss_area",
            "theta_q95", "convexity_violations"});
  const double theta = SomeReport(3).epoch().theta().q95();
  EXPECT_THAT(rows[0].values, ElementsAre(Optional(0.75), Optional(0.25), Optional(0.75),
                                          Optional(0.75), Optional(0.5), Optional(0.875),
                                          Optional(0.625), kNone, Optional(theta), kNone));
  EXPECT_THAT(std::vector(rows[1].values.begin(), rows[1].values.begin() + 8),
              ElementsAre(Optional(8), Optional(4), Optional(8), Optional(4), Optional(6), kNone,
                          kNone, kNone));
  EXPECT_THAT(std::vector(rows[2].values.begin(), rows[2].values.begin() + 5),
              ElementsAre(Optional(1), Optional(1), Optional(1), kNone, Optional(1)))
      << "none of its epochs is eligible";
  EXPECT_THAT(rows[3].values, testing::Each(kNone));
}

TEST_F(ComparisonReaderTest, TestResultsCountOnlyOfRunsThatHaveSucceeded) {
  ASSERT_TRUE(Change(Key(0), v1::RUN_STATE_PENDING).ok());
  EXPECT_THAT(Rows({"test_accuracy", "best_test_accuracy"})[0].values, ElementsAre(kNone, kNone));
}

TEST_F(ComparisonReaderTest, ConfigsAndSplitsAreReadOnce) {
  const std::vector<ComparedRow> rows = Rows({});
  SharedConfigs configs;
  SharedSplits splits;
  const auto read = [&](const std::string& id) {
    return TryRead([&](Connection& db) -> absl::Status {
      const absl::Status status = ReadConfigs(db, KeyOf(id), &configs);
      return status.ok() ? ReadSplits(db, KeyOf(id), &splits) : status;
    });
  };
  ASSERT_TRUE(read("e").ok());
  ASSERT_THAT(configs, SizeIs(2));
  EXPECT_EQ(configs.at(rows[2].config_key).epochs(), 9);
  ASSERT_THAT(splits, SizeIs(2));
  EXPECT_THAT(splits.at(rows[0].split_key).train(), ElementsAre(10));
  EXPECT_THAT(splits.at(rows[1].split_key).train(), ElementsAre(20));
  const v1::TrainingConfig* const shared = &configs.at(rows[0].config_key);
  ASSERT_TRUE(read("before").ok());
  EXPECT_THAT(configs, SizeIs(2)) << "the same config";
  EXPECT_EQ(&configs.at(rows[0].config_key), shared);
}

TEST_F(ComparisonReaderTest, EpochsOfAllRunsAreVisitedInOrder) {
  using Visit = std::tuple<int64_t, int32_t, double, double>;
  std::vector<Visit> visits;
  const absl::Status status = TryRead([&](Connection& db) {
    return ForEachEpoch(db, KeyOf("e"), {"convexity_violations", "validation_loss"},
                        [&](const EpochRow& row) {
                          EXPECT_EQ(row.values[0], kNone);
                          visits.emplace_back(row.run_key, row.epoch, row.elapsed_seconds,
                                              row.values[1].value_or(-1));
                        });
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(visits, ElementsAre(Visit(Key(0), 1, 10, 0.5), Visit(Key(0), 2, 20, 0.25),
                                  Visit(Key(0), 3, 30, 0.75), Visit(Key(1), 1, 10, 4),
                                  Visit(Key(1), 2, 20, 8), Visit(Key(2), 1, 10, 1)));
}

TEST_F(ComparisonReaderTest, LayersOfAllEpochsAreVisitedInOrder) {
  using Visit = std::tuple<int64_t, int32_t, int>;
  std::vector<Visit> visits;
  const absl::Status status = TryRead([&](Connection& db) {
    return ForEachLayerEpoch(db, KeyOf("e"), {"gradient_norm", "linear_gap"},
                             [&](const EpochRow& row, int layer) {
                               visits.emplace_back(row.run_key, row.epoch, layer);
                               EXPECT_EQ(row.values[0], AwkwardDouble(layer));
                               EXPECT_EQ(row.values[1].has_value(), layer < 2);
                             });
  });
  EXPECT_TRUE(status.ok()) << status;
  ASSERT_THAT(visits, SizeIs(18));
  EXPECT_EQ(visits[0], Visit(Key(0), 1, 0));
  EXPECT_EQ(visits[5], Visit(Key(0), 2, 2));
  EXPECT_EQ(visits[17], Visit(Key(2), 1, 2));
}

TEST_F(ComparisonReaderTest, UnknownColumnsAreRefused) {
  const auto visit = [](const EpochRow&, int) {};
  for (const std::string column : {"run_id", "no_such", "1; DROP TABLE runs"}) {
    EXPECT_EQ(TryRead([&](Connection& db) {
                return ForEachEpoch(db, 1, {column}, [](const EpochRow&) {});
              }).code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(
        TryRead([&](Connection& db) { return ForEachLayerEpoch(db, 1, {column}, visit); }).code(),
        absl::StatusCode::kInvalidArgument);
  }
}

TEST_F(ComparisonReaderTest, ConfusionMatricesAreVisitedByCell) {
  std::vector<int64_t> images;
  const absl::Status status = TryRead([&](Connection& db) {
    return SumConfusions(db, KeyOf("e"), v1::TestResult::WEIGHTS_BEST,
                         [&](int64_t run, int actual, int predicted, int64_t count) {
                           EXPECT_EQ(run, Key(0));
                           EXPECT_EQ(static_cast<size_t>(actual * 3 + predicted), images.size());
                           images.push_back(count);
                         });
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(images, ElementsAre(8, 2, 0, 1, 9, 0, 4, 0, 6));
}

}  // namespace
}  // namespace anneal::store
