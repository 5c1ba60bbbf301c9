#include "client/render/metric_help.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anneal::client::render {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

Metric MetricOf(const std::string& name) { return FindRunMetric("metric", name).value(); }
std::string HelpOf(const std::string& name) { return MetricHelp(MetricOf(name)); }

TEST(MetricHelpTest, HasEveryFactOfAMetricOfEpochs) {
  EXPECT_EQ(HelpOf("validation_accuracy"),
            "validation_accuracy\n"
            "\n"
            "value    that of the last epoch\n"
            "unit     share of 1, in tables %\n"
            "better   higher\n"
            "diverged s, the share of the split's largest class\n"
            "images   validation split\n"
            "sql      epochs.validation_accuracy\n"
            "tag      validation/accuracy\n"
            "forms    last.validation_accuracy, min.validation_accuracy, max.validation_accuracy, "
            "best.validation_accuracy, mean.validation_accuracy\n");
}

TEST(MetricHelpTest, TellsWhichFormsAMetricDoesNotHave) {
  EXPECT_THAT(HelpOf("validation_loss"), HasSubstr(", log_loss_area.validation_loss\n"));
  EXPECT_THAT(HelpOf("theta_mean"),
              AllOf(HasSubstr("better   neither direction\n"),
                    HasSubstr("diverged no value; means leave it out\n"),
                    HasSubstr("max.theta_mean, mean.theta_mean\n"), Not(HasSubstr("best."))));
}

TEST(MetricHelpTest, NamesTheColumnOfTheEpochThatAValueIsOf) {
  EXPECT_THAT(HelpOf("best.validation_loss"),
              AllOf(HasSubstr("value    the best of the epochs whose θ is at its schedule's end\n"),
                    HasSubstr("sql      run_extremes.best_validation_loss\n"),
                    Not(HasSubstr("\ntag")), Not(HasSubstr("\nforms"))));
  EXPECT_THAT(HelpOf("min.theta_mean"), HasSubstr("sql      run_extremes.min_theta_mean\n"));
  EXPECT_THAT(HelpOf("mean.train_loss"), Not(HasSubstr("\nsql"))) << "it is not stored";
}

TEST(MetricHelpTest, MarksMetricsWhoseUseIsALookAtTestResults) {
  EXPECT_THAT(HelpOf("best_test_accuracy"),
              AllOf(HasSubstr("images   test split: comparing, plotting, sorting or filtering by "
                              "it is logged as a look\n"),
                    HasSubstr("sql      test_results.accuracy WHERE weights = 'BEST'\n"),
                    HasSubstr("tag      test_best/accuracy\n")));
  EXPECT_THAT(HelpOf("validation_accuracy"), Not(HasSubstr("look")));
}

TEST(MetricHelpTest, TellsWhichLossAnAreaIsOf) {
  EXPECT_THAT(HelpOf("log_loss_area"),
              HasSubstr("of the validation loss, at θ = 0 where θ has a schedule"));
  EXPECT_THAT(HelpOf("log_loss_area.train_loss"), HasSubstr("of train_loss by epoch"));
}

TEST(MetricCsvTest, ARecordHasTheSameFacts) {
  const Metric metric = MetricOf("test_f1");
  const Table csv = MetricCsv({metric});
  const MetricRecord record = RecordOf(metric);
  const auto* type = MetricRecord::descriptor();
  ASSERT_EQ(csv.rows().size(), 1U);
  ASSERT_EQ(csv.columns().size(), static_cast<size_t>(type->field_count()));
  ASSERT_EQ(csv.rows()[0].size(), csv.columns().size());
  for (size_t i = 0; i < csv.columns().size(); ++i) {
    const auto* field = type->field(static_cast<int>(i));
    EXPECT_EQ(csv.columns()[i].key, field->name());
    EXPECT_EQ(csv.rows()[0][i], record.GetReflection()->GetString(record, field)) << field->name();
  }
  EXPECT_THAT(record.diverged(), StartsWith("2 s / ((1 + s) C)"));
}

TEST(MetricTableTest, HasARowForEachMetric) {
  const Table table = MetricTable({MetricOf("test_loss"), MetricOf("penalty")});
  ASSERT_EQ(table.rows().size(), 2U);
  EXPECT_THAT(table.rows()[0], ElementsAre("test_loss", "nats", "lower", "test split"));
  EXPECT_THAT(table.rows()[1], ElementsAre("penalty", "", "neither direction", ""));
}

}  // namespace
}  // namespace anneal::client::render
