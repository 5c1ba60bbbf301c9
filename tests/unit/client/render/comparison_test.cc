#include "client/render/comparison.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/render/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anneal::client::render {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::StartsWith;

using Response = v1::CompareExperimentsResponse;

void SetStatistic(double mean, double deviation, int count, v1::Statistic* statistic) {
  statistic->set_count(count);
  statistic->set_mean(mean);
  statistic->set_standard_deviation(deviation);
  statistic->set_median(mean);
  statistic->set_interquartile_mean(mean);
}

v1::Arm* AddArm(const std::string& name, Response* response) {
  v1::Arm* arm = response->add_arms();
  arm->set_name(name);
  arm->set_preset("annealed");
  arm->set_total(10);
  arm->set_succeeded(10);
  for (v1::Statistic* statistic :
       {arm->mutable_validation_accuracy(), arm->mutable_validation_relu_accuracy(),
        arm->mutable_test_accuracy(), arm->mutable_value(), arm->mutable_theta(),
        arm->mutable_epoch_seconds()}) {
    SetStatistic(0.5, 0.25, 10, statistic);
  }
  return arm;
}

v1::Comparison* Compare(int pairs, double p, double smallest, v1::Arm* arm) {
  v1::Comparison* comparison = arm->mutable_comparison();
  comparison->set_pairs(pairs);
  comparison->set_difference(0.0123);
  comparison->set_difference_low(-0.001);
  comparison->set_difference_high(0.02);
  comparison->set_interval_method(v1::Interval::METHOD_T);
  comparison->set_probability_of_improvement(0.75);
  comparison->set_p_value(p);
  comparison->set_holm_p_value(2 * p);
  comparison->set_smallest_p_value(smallest);
  comparison->set_effect_size(0.8);
  return comparison;
}

// A baseline `first` of ten runs.
Response WithBaseline(const std::string& metric = "validation_accuracy") {
  Response response;
  response.set_metric(metric);
  response.set_higher_is_better(true);
  response.set_baseline("first");
  response.set_alpha(0.05);
  response.set_diverged(v1::DIVERGED_RUNS_IMPUTE);
  AddArm("first", &response);
  return response;
}

using Row = std::map<std::string, std::string>;
Row RowOf(const Table& table, size_t index) {
  Row row;
  for (size_t c = 0; c < table.columns().size(); ++c) {
    row[table.columns()[c].key] = table.rows().at(index).at(c);
  }
  return row;
}

std::string Direction(const std::string& metric, bool higher_is_better) {
  Response response;
  response.set_metric(metric);
  response.set_higher_is_better(higher_is_better);
  return MetricWithDirection(response);
}

TEST(ComparisonTest, StatesTheBetterDirectionIfAny) {
  EXPECT_EQ(Direction("test_accuracy", true), "test_accuracy (higher is better)");
  EXPECT_EQ(Direction("validation_loss", false), "validation_loss (lower is better)");
  EXPECT_EQ(Direction("best.validation_loss", false), "best.validation_loss (lower is better)");
  EXPECT_EQ(Direction("log_loss_area", false), "log_loss_area (lower is better)");
  EXPECT_EQ(Direction("theta_mean", false), "theta_mean");
  // A response of a newer daemon.
  EXPECT_EQ(Direction("new_metric", true), "new_metric (higher is better)");
}

TEST(ArmTableTest, CountsTheRunsOfEveryOutcome) {
  Response response = WithBaseline("validation_loss");
  v1::Arm* arm = response.mutable_arms(0);
  arm->set_succeeded(6);
  arm->set_diverged(1);
  arm->set_collapsed(2);
  arm->set_missing(3);
  SetStatistic(0.31, 0.02, 6, arm->mutable_value());
  arm->mutable_value()->set_left_out(1);
  Row row = RowOf(ArmTable(response, 1), 0);
  EXPECT_EQ(row["runs"], "10");
  EXPECT_EQ(row["diverged"], "1");
  EXPECT_EQ(row["collapsed"], "2");
  EXPECT_EQ(row["missing"], "3");
  EXPECT_EQ(row["seeds"], "7") << "those of runs without a value are counted";
  EXPECT_EQ(row["validation_accuracy"], "50.00 ± 25.00");
  EXPECT_EQ(RowOf(DifferenceTable(response, 1), 0)["value"], "0.310 ± 0.020 (1 out)");
}

TEST(ArmTableTest, OutcomesStayOnTheNarrowestTerminal) {
  Response response = WithBaseline();
  response.mutable_arms(0)->set_name("rates,optimizer.learning_rate=0.01");
  std::vector<std::string> left_out;
  const std::string text = ArmTable(response, 1).ToText(40, &left_out);
  EXPECT_THAT(text, AllOf(HasSubstr("DIVERGED"), HasSubstr("COLLAPSED"), HasSubstr("MISSING")));
  for (size_t begin = 0; begin < text.size(); begin = text.find('\n', begin) + 1) {
    EXPECT_LE(DisplayWidth(text.substr(begin, text.find('\n', begin) - begin)), 40U) << text;
  }
}

TEST(ArmTableTest, ShowsTestAccuracyOnlyToThoseWhoAskForTheTestSplit) {
  for (const char* metric : {"validation_accuracy", "best.validation_loss", "theta_mean", "new"}) {
    EXPECT_FALSE(ArmTable(WithBaseline(metric), 1).HasColumn("test_accuracy")) << metric;
  }
  for (const char* metric : {"test_accuracy", "best_test_loss", "test_relu_f1"}) {
    EXPECT_TRUE(ArmTable(WithBaseline(metric), 1).HasColumn("test_accuracy")) << metric;
  }
}

TEST(DifferenceTableTest, TheBaselineHasNoPValue) {
  const Row row = RowOf(DifferenceTable(WithBaseline(), 1), 0);
  EXPECT_EQ(row.at("difference"), "baseline");
  for (const char* column : {"pairs", "interval", "effect_size", "better", "p", "holm"}) {
    EXPECT_EQ(row.at(column), "-") << column;
  }
}

TEST(DifferenceTableTest, ShowsDifferencesInPointsWithTheirInterval) {
  Response response = WithBaseline();
  Compare(10, 0.0371, 0.002, AddArm("second", &response));
  Row row = RowOf(DifferenceTable(response, 2), 1);
  EXPECT_EQ(row["value"], "50.00 ± 25.00");
  EXPECT_EQ(row["median"], "50.00");
  EXPECT_EQ(row["interquartile_mean"], "50.00");
  EXPECT_EQ(row["pairs"], "10");
  EXPECT_EQ(row["difference"], "+1.23");
  EXPECT_EQ(row["interval"], "[-0.10, +2.00]");
  EXPECT_EQ(row["effect_size"], "+0.80");
  EXPECT_EQ(row["better"], "0.75");
  EXPECT_EQ(row["p"], "0.037");
  EXPECT_EQ(row["holm"], "0.074");
  response.set_metric("validation_loss");
  row = RowOf(DifferenceTable(response, 2), 1);
  EXPECT_EQ(row["difference"], "+0.0123");
  EXPECT_EQ(row["interval"], "[-0.001, +0.02]");
}

TEST(DifferenceTableTest, APValueIsNeverZero) {
  Response response = WithBaseline();
  Compare(20, 0.00002, 0.000002, AddArm("second", &response));
  const Row row = RowOf(DifferenceTable(response, 2), 1);
  EXPECT_EQ(row.at("p"), "< 0.001");
  EXPECT_EQ(row.at("holm"), "< 0.001");
}

TEST(DifferenceTableTest, ShowsTheBoundOfPValuesThatCannotBeSignificant) {
  Response response = WithBaseline();
  Compare(3, 1, 0.25, AddArm("three", &response));
  Compare(5, 0.0625, 0.0625, AddArm("five", &response));
  Compare(6, 0.03125, 0.03125, AddArm("six", &response));
  const Table table = DifferenceTable(response, 4);
  EXPECT_EQ(RowOf(table, 1)["p"], "1.000 (≥ 0.25)");
  EXPECT_EQ(RowOf(table, 2)["p"], "0.0625 (≥ 0.0625)");
  EXPECT_EQ(RowOf(table, 3)["p"], "0.031");
}

TEST(DifferenceTableTest, OnePairHasNoIntervalAndEqualPairsADegenerateOne) {
  Response response = WithBaseline();
  v1::Comparison* one = Compare(1, 1, 1, AddArm("one", &response));
  one->clear_difference_low();
  one->clear_difference_high();
  one->clear_effect_size();
  v1::Comparison* equal = Compare(4, 0.125, 0.125, AddArm("equal", &response));
  equal->set_difference_low(0.0123);
  equal->set_difference_high(0.0123);
  equal->set_degenerate(true);
  equal->clear_effect_size();
  const Table table = DifferenceTable(response, 3);
  EXPECT_EQ(RowOf(table, 1)["interval"], "-");
  EXPECT_EQ(RowOf(table, 1)["p"], "1 (≥ 1)");
  EXPECT_EQ(RowOf(table, 2)["interval"], "+1.23 (degenerate)");
  EXPECT_EQ(RowOf(table, 2)["effect_size"], "-");
}

TEST(DifferenceTableTest, ArmsThatCannotBePairedKeepTheirValues) {
  Response response = WithBaseline();
  AddArm("longer", &response)->add_unpaired_fields("epochs");
  const Row row = RowOf(DifferenceTable(response, 2), 1);
  EXPECT_EQ(row.at("value"), "50.00 ± 25.00");
  for (const char* column : {"pairs", "difference", "interval", "effect_size", "better", "p"}) {
    EXPECT_EQ(row.at(column), "-") << column;
  }
}

TEST(DifferenceTableTest, PairsWithoutADifferenceStillCountForTheShare) {
  Response response = WithBaseline("validation_loss");
  v1::Comparison* comparison = AddArm("second", &response)->mutable_comparison();
  comparison->set_pairs(2);
  comparison->set_left_out(2);
  comparison->set_probability_of_improvement(0);
  comparison->set_smallest_p_value(1);
  const Row row = RowOf(DifferenceTable(response, 2), 1);
  EXPECT_EQ(row.at("pairs"), "2");
  EXPECT_EQ(row.at("difference"), "-");
  EXPECT_EQ(row.at("p"), "-");
  EXPECT_EQ(row.at("better"), "0.00");
}

TEST(DifferenceTableTest, AMedianThatIsARunThatDivergedIsNoNumber) {
  Response response = WithBaseline("validation_loss");
  v1::Statistic* value = response.mutable_arms(0)->mutable_value();
  value->clear_median();
  value->set_left_out(6);
  EXPECT_EQ(RowOf(DifferenceTable(response, 1), 0)["median"], "diverged");
  response.mutable_arms(0)->clear_value();
  EXPECT_EQ(RowOf(DifferenceTable(response, 1), 0)["median"], "-");
}

TEST(TimeTableTest, TellsRunsThatDivergedFromThoseThatNeverReachTheThreshold) {
  Response response = WithBaseline();
  v1::TimeToThreshold* times = response.mutable_arms(0)->mutable_time_to_threshold();
  times->set_reached(5);
  times->set_never(2);
  times->set_diverged(3);
  times->set_median_epochs(12.5);
  EXPECT_THAT(TimeTable(response, 1).rows()[0], ElementsAre("first", "5", "2", "3", "12.5", "-"));
}

TEST(TitleTest, EveryTableSaysSoWhereDivergedRunsAreExcluded) {
  Response response = WithBaseline();
  response.set_threshold_metric("validation_accuracy");
  EXPECT_EQ(ArmTitle(response), "");
  EXPECT_EQ(DifferenceTitle(response),
            "validation_accuracy (higher is better), paired by seed with first");
  EXPECT_EQ(TimeTitle(response, 0.98), "time until validation_accuracy reaches 0.98");
  response.set_diverged(v1::DIVERGED_RUNS_EXCLUDE);
  for (const std::string& title :
       {ArmTitle(response), DifferenceTitle(response), TimeTitle(response, 0.98)}) {
    EXPECT_THAT(title, HasSubstr("; diverged runs excluded"));
  }
  NoteExclusion(&response);
  EXPECT_THAT(response.arms(0).notes(), ElementsAre("diverged runs excluded"))
      << "for outputs without titles";
}

TEST(TitleTest, NamesTheFieldsThatRunsArePairedWithin) {
  Response response = WithBaseline();
  response.add_within("optimizer.learning_rate");
  EXPECT_THAT(DifferenceTitle(response), HasSubstr("with first within optimizer.learning_rate"));
  NoteExclusion(&response);
  EXPECT_TRUE(response.arms(0).notes().empty()) << "nothing is excluded";
}

std::string Text(const std::vector<std::string>& sentences) {
  return absl::StrJoin(sentences, "\n");
}

TEST(LegendTest, ExplainsImputationOnlyWhereRunsDiverged) {
  Response response = WithBaseline();
  const char* kImputation = "accuracy of always predicting the largest class";
  EXPECT_THAT(Text(ArmLegend(response, 1)), Not(HasSubstr(kImputation)));
  response.mutable_arms(0)->set_diverged(1);
  EXPECT_THAT(Text(ArmLegend(response, 1)), HasSubstr(kImputation));
  EXPECT_THAT(Text(ArmLegend(response, 1)), Not(HasSubstr("(1 out)")));
  response.mutable_arms(0)->mutable_theta()->set_left_out(1);
  EXPECT_THAT(Text(ArmLegend(response, 1)), HasSubstr("(1 out)"));
  response.set_diverged(v1::DIVERGED_RUNS_EXCLUDE);
  EXPECT_THAT(Text(ArmLegend(response, 1)),
              AllOf(Not(HasSubstr(kImputation)), HasSubstr("DIVERGED and MISSING runs are not")));
}

TEST(LegendTest, NamesTheIntervalsThatTheTableHas) {
  Response response = WithBaseline();
  Compare(5, 0.5, 0.06, AddArm("second", &response));
  EXPECT_THAT(Text(DifferenceLegend(response, 2)),
              AllOf(HasSubstr("Student's t"), Not(HasSubstr("BCa")),
                    HasSubstr("over seeds on one set of images")));
  Compare(20, 0.5, 0.00001, AddArm("third", &response))
      ->set_interval_method(v1::Interval::METHOD_BCA);
  EXPECT_THAT(Text(DifferenceLegend(response, 3)),
              AllOf(HasSubstr("Student's t"), HasSubstr("BCa")));
  EXPECT_THAT(Text(DifferenceLegend(response, 1)), Not(HasSubstr("95 % INTERVAL")))
      << "the baseline has none";
}

TEST(LegendTest, HasTheStandardErrorOfTheImagesAndTheLooks) {
  Response response = WithBaseline("test_accuracy");
  EXPECT_THAT(Text(DifferenceLegend(response, 1)),
              AllOf(Not(HasSubstr("binomial")), Not(HasSubstr("Looks"))));
  response.mutable_arms(0)->set_evaluated_images(10000);
  response.mutable_arms(0)->set_binomial_standard_error(0.0014);
  response.set_looks(4);
  EXPECT_THAT(Text(DifferenceLegend(response, 1)),
              AllOf(HasSubstr("On 10000 test images an accuracy has a binomial standard error of "
                              "up to 0.14 points"),
                    HasSubstr("count once): 4.")));
}

TEST(NotesTest, ArmsWithEqualNotesShareOne) {
  Response response = WithBaseline();
  response.add_notes("1 run diverged.");
  for (int i = 0; i < 5; ++i) {
    v1::Arm* arm = AddArm(absl::StrCat("arm", i), &response);
    arm->add_notes("n = 3: p ≥ 0.25, whatever the differences are.");
    if (i < 4) arm->add_notes("one pair: no interval.");
    if (i == 2) arm->add_notes("its runs differ in epochs (3, 6).");
  }
  EXPECT_THAT(Notes(response, 6),
              ElementsAre("1 run diverged.",
                          "every arm but the baseline: n = 3: p ≥ 0.25, whatever the differences "
                          "are.",
                          "arm0, arm1, arm2 and 1 more: one pair: no interval.",
                          "arm2: its runs differ in epochs (3, 6)."));
  EXPECT_THAT(Notes(response, 2),
              ElementsAre("1 run diverged.", "arm0: n = 3: p ≥ 0.25, whatever the differences are.",
                          "arm0: one pair: no interval."))
      << "those of the shown arms";
}

TEST(NotesTest, NameTheOptionThatHelps) {
  Response response = WithBaseline();
  AddArm("longer", &response)
      ->add_notes(
          "not paired with the baseline: epochs (3, 6) differs; within epochs pairs inside "
          "of each value.");
  EXPECT_THAT(Notes(response, 2), ElementsAre(HasSubstr("; --within epochs pairs inside")));
}

TEST(NotesTest, TenThousandArmsMakeOneNoteEach) {
  Response response = WithBaseline();
  constexpr int kArms = 10'000;
  for (int i = 1; i < kArms; ++i) {
    response.add_arms()->set_name(absl::StrCat("arm", i));
    response.mutable_arms(i)->add_notes("no seed in common.");
    response.mutable_arms(i)->add_notes(absl::StrCat("own ", i));
  }
  EXPECT_EQ(Notes(response, kArms).size(), static_cast<size_t>(kArms));
  EXPECT_EQ(Notes(response, kArms)[0], "every arm but the baseline: no seed in common.");
}

TEST(ExplanationTest, HasTheRuleOfTheComparedMetric) {
  EXPECT_THAT(Text(Explanation(WithBaseline())),
              HasSubstr("validation_accuracy of a run that diverged is the share s"));
  EXPECT_THAT(Text(Explanation(WithBaseline("validation_loss"))),
              HasSubstr("validation_loss of a run that diverged is worse than every other"));
  EXPECT_THAT(Text(Explanation(WithBaseline("validation_recall"))), HasSubstr("is 1 / C"));
  Response excluding = WithBaseline();
  excluding.set_diverged(v1::DIVERGED_RUNS_EXCLUDE);
  EXPECT_THAT(Text(Explanation(excluding)), HasSubstr("Diverged runs are excluded"));
  for (const char* subject :
       {"Counted runs", "duplicates", "Pairs", "Intervals", "P-values", "Limits", "Looks"}) {
    EXPECT_THAT(Text(Explanation(excluding)), HasSubstr(subject));
  }
}

TEST(ArmCsvTest, TheBaselineHasEmptyCellsInsteadOfPValues) {
  Response response = WithBaseline();
  Compare(3, 1, 0.25, AddArm("second", &response));
  const Table csv = ArmCsv({&response.arms(0), &response.arms(1)});
  EXPECT_THAT(csv.keys(), IsSupersetOf({"name", "total", "diverged", "collapsed", "missing",
                                        "value_mean", "test_accuracy_mean", "theta_mean"}));
  EXPECT_THAT(csv.keys(), Each(Not(StartsWith("config_")))) << "no config is asked for";
  for (const char* column : {"comparison_p_value", "comparison_holm_p_value", "comparison_pairs",
                             "comparison_probability_of_improvement"}) {
    EXPECT_EQ(RowOf(csv, 0)[column], "") << column;
    EXPECT_NE(RowOf(csv, 1)[column], "") << column;
  }
}

}  // namespace
}  // namespace anneal::client::render
