// Who is counted in a comparison, and as what: runs that diverged, collapsed or are missing,
// duplicates, pairs and strata. The expected statistics are from SciPy 1.17: ttest_1samp,
// permutation_test, trim_mean.

#include <cmath>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "tests/unit/analysis/comparison_fixture.h"

namespace anneal::analysis {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr double kRounding = 1e-9;

StoredRun Succeeded(int64_t seed, double accuracy, const std::string& rate = "") {
  return {.seed = seed,
          .rate = rate,
          .end = End::kSucceeded,
          .validation_losses = {1, 1, 1},
          .validation_accuracies = {0.5, 0.6, accuracy}};
}
StoredRun Diverged(int64_t seed, const std::string& rate = "") {
  return {.seed = seed, .rate = rate, .end = End::kDiverged, .validation_losses = {1.5, 2.5}};
}

// Ten seeds, of which the tenth diverges in epoch 3.
std::vector<StoredRun> TenSeeds() {
  std::vector<StoredRun> runs;
  for (const double accuracy : {0.80, 0.82, 0.84, 0.86, 0.88, 0.90, 0.81, 0.83, 0.85}) {
    runs.push_back(Succeeded(static_cast<int64_t>(runs.size()), accuracy));
  }
  runs.push_back(Diverged(9));
  return runs;
}

TEST_F(ComparisonTest, RunThatDivergedCountsAsAlwaysPredictingTheLargestClass) {
  AddExperiment("e", TenSeeds());
  const auto response = Compared({"e"});
  const v1::Arm& arm = response.arms(0);
  EXPECT_EQ(arm.total(), 10);
  EXPECT_EQ(arm.succeeded(), 9);
  EXPECT_EQ(arm.diverged(), 1);
  EXPECT_EQ(arm.missing(), 0);
  // The nine accuracies, and 3 of 10 validation images.
  EXPECT_EQ(arm.value().count(), 10);
  EXPECT_NEAR(arm.value().mean(), 0.789, kRounding);
  EXPECT_NEAR(arm.value().standard_deviation(), 0.17457567604528035, kRounding);
  EXPECT_NEAR(arm.value().median(), 0.835, kRounding);
  EXPECT_NEAR(arm.value().interquartile_mean(), 0.835, kRounding);
  EXPECT_NEAR(arm.value_interval().low(), 0.664116084526511, kRounding);
  EXPECT_NEAR(arm.value_interval().high(), 0.9138839154734888, kRounding);
  EXPECT_EQ(arm.value_interval().method(), v1::Interval::METHOD_T);
  EXPECT_EQ(arm.evaluated_images(), 10);
  EXPECT_NEAR(arm.binomial_standard_error(), std::sqrt(0.789 * 0.211 / 10), kRounding);
  EXPECT_THAT(response.notes(), ElementsAre(HasSubstr("always predicting the largest class")));
  // Macro recall: one of four classes.
  const v1::Arm recall = Compared({"e"}, "metric: 'validation_recall'").arms(0);
  EXPECT_NEAR(recall.value().mean(), 0.25 / 10, kRounding);
}

TEST_F(ComparisonTest, MeanOfALossLeavesARunThatDivergedOutAndSaysSo) {
  AddExperiment("e", TenSeeds());
  const auto response = Compared({"e"}, "metric: 'validation_loss'");
  const v1::Arm& arm = response.arms(0);
  EXPECT_EQ(arm.value().count(), 9);
  EXPECT_EQ(arm.value().left_out(), 1);
  EXPECT_EQ(arm.value().mean(), 1);
  EXPECT_EQ(arm.value().median(), 1) << "with one of ten as the worst";
  EXPECT_FALSE(arm.has_binomial_standard_error());
  EXPECT_THAT(response.notes(), ElementsAre(HasSubstr("means leave it out")));
}

TEST_F(ComparisonTest, MedianOfALossIsUnsetWhereHalfDiverged) {
  AddExperiment("e", {Succeeded(0, 0.5), Diverged(1)});
  const v1::Arm arm = Compared({"e"}, "metric: 'validation_loss'").arms(0);
  EXPECT_FALSE(arm.value().has_median());
  EXPECT_EQ(arm.value().mean(), 1);
}

TEST_F(ComparisonTest, CurveCoversAllEpochsAndEndsARunThatDivergedWithAMarker) {
  AddExperiment("e", TenSeeds());
  const v1::Arm arm =
      Compared({"e"}, "curves: 'validation_loss' curves: 'layers.gradient_norm'").arms(0);
  ASSERT_EQ(arm.curves_size(), 3);
  const v1::Curve& loss = arm.curves(0);
  EXPECT_EQ(loss.metric(), "validation_loss");
  EXPECT_EQ(loss.layer(), -1);
  EXPECT_THAT(loss.epochs(), ElementsAre(1, 2, 3));
  EXPECT_THAT(loss.counts(), ElementsAre(10, 10, 9));
  EXPECT_NEAR(loss.means(0), (9 + 1.5) / 10, kRounding);
  EXPECT_NEAR(loss.means(2), 1, kRounding);
  ASSERT_EQ(loss.diverged_size(), 1);
  EXPECT_EQ(loss.diverged(0).epoch(), 2);
  EXPECT_EQ(loss.diverged(0).value(), 2.5);
  EXPECT_EQ(arm.curves(1).layer(), 0);
  EXPECT_EQ(arm.curves(2).layer(), 1);
  EXPECT_THAT(arm.curves(2).means(), ElementsAre(10, 10, 10));
}

TEST_F(ComparisonTest, BandsAreClippedToTheMetricsRange) {
  AddExperiment("e", {Succeeded(0, 1), Succeeded(1, 0.9), Succeeded(2, 1)});
  const v1::Arm arm = Compared({"e"}, "curves: 'validation_accuracy'").arms(0);
  EXPECT_EQ(arm.curves(0).highs(2), 1);
  EXPECT_LT(arm.curves(0).lows(2), arm.curves(0).means(2));
}

TEST_F(ComparisonTest, CurveOfAHundredRunsGoesOnWithoutTheOneThatStoppedEarly) {
  std::vector<StoredRun> runs;
  for (int seed = 0; seed < 100; ++seed) runs.push_back(Succeeded(seed, 0.5));
  runs[40].validation_losses = {1};
  AddExperiment("e", runs);
  const v1::Arm arm = Compared({"e"}, "curves: 'validation_loss'").arms(0);
  EXPECT_THAT(arm.curves(0).epochs(), ElementsAre(1, 2, 3));
  EXPECT_THAT(arm.curves(0).counts(), ElementsAre(100, 99, 99));
  EXPECT_THAT(arm.curves(0).diverged(), IsEmpty());
}

TEST_F(ComparisonTest, EqualRunsOfTwoExperimentsCountOnce) {
  const auto seeds = [](int first, int last) {
    std::vector<StoredRun> runs;
    for (int seed = first; seed <= last; ++seed) runs.push_back(Succeeded(seed, 0.1 * seed));
    return runs;
  };
  AddExperiment("g1", seeds(0, 4));
  AddExperiment("g2", seeds(3, 9));
  const auto response = Compared({"g1", "g2"}, "group_by: 'theta.policy'");
  ASSERT_EQ(response.arms_size(), 1);
  const v1::Arm& arm = response.arms(0);
  EXPECT_EQ(arm.total(), 12);
  EXPECT_EQ(arm.duplicates(), 2);
  EXPECT_EQ(arm.value().count(), 10);
  EXPECT_NEAR(arm.value().mean(), 0.45, kRounding);
  EXPECT_THAT(response.arms_of_runs(1).duplicates(),
              ElementsAre(true, true, false, false, false, false, false));
  EXPECT_THAT(response.notes(), Contains(HasSubstr("2 runs repeat others")));
}

TEST_F(ComparisonTest, DiagnosticsCheckpointsAndTheRequestedEngineMakeNoDifference) {
  AddChanged("plain", {Succeeded(1, 0.5)}, [](v1::TrainingConfig*) {});
  AddChanged("measured", {Succeeded(1, 0.5)}, [](v1::TrainingConfig* config) {
    config->mutable_diagnostics()->set_convexity(true);
    config->mutable_checkpoint()->set_every_epochs(2);
    config->mutable_evaluation()->set_test(false);
    config->set_engine(v1::ENGINE_KIND_FUSED);
  });
  EXPECT_EQ(Compared({"plain", "measured"}, "group_by: 'theta.policy'").arms(0).duplicates(), 1);
  StoredRun other = Succeeded(1, 0.5);
  other.engine = "reference";
  AddExperiment("engine", {other});
  other.engine = "fused";
  other.dataset_sha256 = "other data";
  AddExperiment("data", {other});
  EXPECT_EQ(Compared({"plain", "engine"}, "group_by: 'theta.policy'").arms(0).duplicates(), 0);
  EXPECT_EQ(Compared({"plain", "data"}, "group_by: 'theta.policy'").arms(0).duplicates(), 0);
}

TEST_F(ComparisonTest, OtherRunsOfASeedAreAveragedFirst) {
  AddExperiment("e",
                {Succeeded(1, 0.5, "0.1"), Succeeded(1, 0.7, "0.2"), Succeeded(2, 0.4, "0.1")});
  const v1::Arm arm = Compared({"e"}, "group_by: 'theta.policy'").arms(0);
  EXPECT_EQ(arm.value().count(), 2) << "seeds";
  EXPECT_NEAR(arm.value().mean(), (0.6 + 0.4) / 2, kRounding);
}

// Four rates and six seeds: 0.9 + 0.01 i + 0.001 seed for the i-th rate. The other arm is 0.02 +
// 0.0005 seed better at the two lower rates and diverges at the others.
class HalfDivergedTest : public ComparisonTest {
 protected:
  void SetUp() override {
    ComparisonTest::SetUp();
    const std::vector<std::string> rates = {"0.05", "0.1", "0.2", "0.4"};
    std::vector<StoredRun> base;
    std::vector<StoredRun> other;
    for (size_t i = 0; i < rates.size(); ++i) {
      for (int seed = 0; seed < 6; ++seed) {
        const double accuracy = 0.9 + 0.01 * static_cast<double>(i) + 0.001 * seed;
        base.push_back(Succeeded(seed, accuracy, rates[i]));
        other.push_back(i < 2 ? Succeeded(seed, accuracy + 0.02 + 0.0005 * seed, rates[i])
                              : Diverged(seed, rates[i]));
      }
    }
    AddExperiment("base", base);
    AddExperiment("other", other, "", v1::THETA_POLICY_TRAINABLE);
  }
  v1::CompareExperimentsResponse ByPolicy(const std::string& rest = "") {
    return Compared({"base", "other"}, "group_by: 'theta.policy' " + rest);
  }
};

TEST_F(HalfDivergedTest, DifferenceIncludesRunsThatDiverged) {
  const auto response = ByPolicy();
  const v1::Arm& arm = response.arms(1);
  EXPECT_EQ(arm.diverged(), 12);
  const v1::Comparison& comparison = arm.comparison();
  EXPECT_EQ(comparison.pairs(), 6);
  // Chance is 0.3 here, 0.2 in the numbers from SciPy: half of the runs, hence 0.05 more.
  EXPECT_NEAR(comparison.difference(), -0.353125 + 0.05, kRounding);
  EXPECT_NEAR(comparison.difference_low(), -0.353615828576745 + 0.05, kRounding);
  EXPECT_NEAR(comparison.difference_high(), -0.3526341714232548 + 0.05, kRounding);
  EXPECT_NEAR(comparison.p_value(), 0.03125, kRounding);
  EXPECT_EQ(comparison.probability_of_improvement(), 0);
  EXPECT_EQ(response.diverged(), v1::DIVERGED_RUNS_IMPUTE);
}

TEST_F(HalfDivergedTest, ExcludedRunsGiveTheOldNumbersAndTheResponseSaysSo) {
  const auto response = ByPolicy("diverged: DIVERGED_RUNS_EXCLUDE");
  const v1::Comparison& comparison = response.arms(1).comparison();
  EXPECT_EQ(response.arms(1).diverged(), 12) << "still shown";
  EXPECT_NEAR(comparison.difference(), 0.01125, kRounding);
  EXPECT_NEAR(comparison.difference_low(), 0.010268342846509841, kRounding);
  EXPECT_NEAR(comparison.difference_high(), 0.012231657153490161, kRounding);
  EXPECT_EQ(comparison.probability_of_improvement(), 1);
  EXPECT_EQ(response.diverged(), v1::DIVERGED_RUNS_EXCLUDE);
  EXPECT_THAT(response.notes(), Contains(HasSubstr("excluded, as requested")));
  EXPECT_THAT(response.arms(1).notes(), Contains(HasSubstr("different numbers of runs")));
}

TEST_F(HalfDivergedTest, WithinComparesInsideEachValue) {
  const auto response =
      ByPolicy("diverged: DIVERGED_RUNS_EXCLUDE within: 'optimizer.learning_rate'");
  EXPECT_NEAR(response.arms(1).comparison().difference(), 0.02125, kRounding);
  EXPECT_EQ(response.arms(1).comparison().pairs(), 6);
  EXPECT_THAT(response.within(), ElementsAre("optimizer.learning_rate"));
  EXPECT_THAT(response.arms(1).notes(), Not(Contains(HasSubstr("different numbers"))));
}

TEST_F(HalfDivergedTest, LossesOfRunsThatDivergedAreTheWorstInRanksAndLeftOutOfMeans) {
  const auto response = ByPolicy("metric: 'validation_loss'");
  const v1::Comparison& comparison = response.arms(1).comparison();
  EXPECT_EQ(comparison.pairs(), 6);
  EXPECT_EQ(comparison.left_out(), 6);
  EXPECT_EQ(comparison.probability_of_improvement(), 0);
  EXPECT_FALSE(comparison.has_difference());
  EXPECT_FALSE(comparison.has_p_value());
  EXPECT_FALSE(comparison.has_median_difference());
  EXPECT_THAT(response.arms(1).notes(), Contains(HasSubstr("6 pairs left out")));
}

TEST_F(ComparisonTest, TwoPairsGiveTheIntervalOfStudentsT) {
  AddExperiment("base", {Succeeded(1, 0.25), Succeeded(2, 0.25), Succeeded(9, 0.5)});
  AddExperiment("other", {Succeeded(1, 0.5), Succeeded(2, 0.75), Succeeded(7, 0)});
  const auto response = Compared({"base", "other"});
  EXPECT_FALSE(response.arms(0).has_comparison()) << "the baseline itself";
  const v1::Arm& arm = response.arms(1);
  const v1::Comparison& comparison = arm.comparison();
  EXPECT_EQ(comparison.pairs(), 2);
  EXPECT_DOUBLE_EQ(comparison.difference(), 0.375);
  EXPECT_NEAR(comparison.difference_low(), -1.2132755920218368, kRounding);
  EXPECT_NEAR(comparison.difference_high(), 1.9632755920218368, kRounding);
  EXPECT_EQ(comparison.interval_method(), v1::Interval::METHOD_T);
  EXPECT_EQ(comparison.p_value(), 0.5);
  EXPECT_EQ(comparison.smallest_p_value(), 0.5);
  EXPECT_EQ(comparison.probability_of_improvement(), 1) << "of both pairs";
  EXPECT_THAT(arm.notes(), ElementsAre(HasSubstr("n = 2: p ≥ 0.5")));
}

TEST_F(ComparisonTest, OnePairHasNoInterval) {
  AddExperiment("base", {Succeeded(1, 0.25)});
  AddExperiment("other", {Succeeded(1, 0.5)});
  const v1::Arm arm = Compared({"base", "other"}).arms(1);
  EXPECT_EQ(arm.comparison().pairs(), 1);
  EXPECT_FALSE(arm.comparison().has_difference_low());
  EXPECT_FALSE(arm.has_value_interval());
  EXPECT_FALSE(arm.comparison().has_effect_size());
  EXPECT_THAT(arm.notes(), Contains(HasSubstr("no interval")));
}

TEST_F(ComparisonTest, EqualDifferencesGiveADegenerateInterval) {
  std::vector<StoredRun> base;
  std::vector<StoredRun> other;
  for (int seed = 0; seed < 16; ++seed) {
    base.push_back(Succeeded(seed, 0.25));
    other.push_back(Succeeded(seed, 0.5));
  }
  AddExperiment("base", base);
  AddExperiment("other", other);
  const v1::Arm arm = Compared({"base", "other"}).arms(1);
  EXPECT_TRUE(arm.comparison().degenerate());
  EXPECT_EQ(arm.comparison().difference_low(), 0.25);
  EXPECT_EQ(arm.comparison().difference_high(), 0.25);
  EXPECT_TRUE(arm.value_interval().degenerate());
  EXPECT_FALSE(arm.comparison().has_effect_size());
  EXPECT_THAT(arm.notes(), ElementsAre(HasSubstr("degenerate")));
}

TEST_F(ComparisonTest, ArmsWithoutACommonSeedAreNotCompared) {
  AddExperiment("base", {Succeeded(1, 0.5)});
  AddExperiment("other", {Succeeded(2, 0.5)});
  const auto response = Compared({"base", "other"});
  EXPECT_FALSE(response.arms(1).has_comparison());
  EXPECT_THAT(response.arms(1).notes(), ElementsAre(HasSubstr("no seed in common")));
}

// The fields in which arms may not differ, each with a change of it.
struct Unpaired {
  std::string field;
  std::function<void(v1::TrainingConfig*)> change;
};
class UnpairedTest : public ComparisonTest, public testing::WithParamInterface<Unpaired> {};

TEST_P(UnpairedTest, BothArmsKeepTheirRowsAndTheFieldIsNamed) {
  AddExperiment("base", {Succeeded(1, 0.5), Succeeded(2, 0.6)});
  AddChanged("other", {Succeeded(1, 0.7), Succeeded(2, 0.8)}, GetParam().change);
  const auto response = Compared({"base", "other"});
  EXPECT_NEAR(response.arms(0).value().mean(), 0.55, kRounding);
  EXPECT_NEAR(response.arms(1).value().mean(), 0.75, kRounding);
  EXPECT_FALSE(response.arms(1).has_comparison());
  EXPECT_THAT(response.arms(1).unpaired_fields(), ElementsAre(GetParam().field));
  EXPECT_THAT(response.arms(1).notes(),
              ElementsAre(AllOf(HasSubstr(GetParam().field), Not(HasSubstr("within")))))
      << "no value is in both arms";
  // The field that is compared by is exempt.
  const auto by_field = Compared({"base", "other"}, "group_by: '" + GetParam().field + "'");
  ASSERT_EQ(by_field.arms_size(), 2);
  EXPECT_EQ(by_field.arms(1).comparison().pairs(), 2);
}

INSTANTIATE_TEST_SUITE_P(
    Fields, UnpairedTest,
    testing::Values(Unpaired{"dataset.name",
                             [](v1::TrainingConfig* config) {
                               config->mutable_dataset()->set_name("fashion-mnist");
                             }},
                    Unpaired{"dataset.validation_fraction",
                             [](v1::TrainingConfig* config) {
                               config->mutable_dataset()->set_validation_fraction(0.2);
                             }},
                    Unpaired{"dataset.train_limit",
                             [](v1::TrainingConfig* config) {
                               config->mutable_dataset()->set_train_limit(100);
                             }},
                    Unpaired{"network.layers",
                             [](v1::TrainingConfig* config) {
                               config->mutable_network()->add_layers()->mutable_dense()->set_units(
                                   8);
                             }},
                    Unpaired{"network.batch_norm",
                             [](v1::TrainingConfig* config) {
                               config->mutable_network()->set_batch_norm(true);
                             }},
                    Unpaired{"epochs", [](v1::TrainingConfig* config) { config->set_epochs(6); }}),
    [](const auto& field) { return "Case" + std::to_string(field.index); });

TEST_F(ComparisonTest, DataSetsOfOneNameAndOtherContentsAreNotPaired) {
  StoredRun other = Succeeded(1, 0.7);
  other.dataset_sha256 = "changed";
  AddExperiment("base", {Succeeded(1, 0.5)});
  AddExperiment("other", {other});
  EXPECT_THAT(Compared({"base", "other"}).arms(1).unpaired_fields(), ElementsAre("dataset_sha256"));
}

TEST_F(ComparisonTest, ArmOfSeveralLengthsSaysSoAndIsPairedWithinThem) {
  const auto six = [](v1::TrainingConfig* config) { config->set_epochs(6); };
  const auto trainable = [](v1::TrainingConfig* config) {
    config->mutable_theta()->set_policy(v1::THETA_POLICY_TRAINABLE);
  };
  AddExperiment("base", {Succeeded(1, 0.5), Succeeded(2, 0.5)});
  AddChanged("long", {Succeeded(1, 0.6)}, six);
  AddChanged("other", {Succeeded(1, 0.7), Succeeded(2, 0.9)}, trainable);
  AddChanged("other-long", {Succeeded(1, 0.7)}, [&](v1::TrainingConfig* config) {
    six(config);
    trainable(config);
  });
  const std::vector<std::string> ids = {"base", "long", "other", "other-long"};
  const auto mixed = Compared(ids, "group_by: 'theta.policy'");
  EXPECT_FALSE(mixed.arms(1).has_comparison());
  EXPECT_THAT(mixed.arms(1).unpaired_fields(), ElementsAre("epochs"));
  EXPECT_THAT(mixed.arms(0).notes(), Contains(HasSubstr("differ in epochs (3, 6)")));
  EXPECT_THAT(mixed.arms(1).notes(), Contains(HasSubstr("within epochs")));
  const auto within = Compared(ids, "group_by: 'theta.policy' within: 'epochs'");
  // Seed 1: the mean of +0.2 at 3 epochs and +0.1 at 6; seed 2: +0.4.
  EXPECT_EQ(within.arms(1).comparison().pairs(), 2);
  EXPECT_NEAR(within.arms(1).comparison().difference(), (0.15 + 0.4) / 2, kRounding);
}

TEST_F(ComparisonTest, MissingRunsAreShownAndNothingStandsInForThem) {
  StoredRun collapsed = Succeeded(3, 0.25);
  collapsed.collapsed = true;
  AddExperiment("e", {Succeeded(0, 0.75),
                      {.seed = 1, .end = End::kCancelled},
                      {.seed = 2, .end = End::kLost},
                      collapsed,
                      {.seed = 4, .end = End::kRunning},
                      {.seed = 5}});
  const auto response = Compared({"e"});
  const v1::Arm& arm = response.arms(0);
  EXPECT_EQ(arm.total(), 6);
  EXPECT_EQ(arm.succeeded(), 2);
  EXPECT_EQ(arm.missing(), 4);
  EXPECT_EQ(arm.diverged(), 0);
  EXPECT_EQ(arm.collapsed(), 1);
  EXPECT_EQ(arm.value().count(), 2);
  EXPECT_EQ(arm.value().left_out(), 0);
  EXPECT_DOUBLE_EQ(arm.value().mean(), 0.5) << "a collapsed run counts as measured";
  EXPECT_EQ(response.arms_of_runs(0).outcomes(3), v1::RUN_OUTCOME_COLLAPSED);
  EXPECT_THAT(response.notes(),
              ElementsAre(HasSubstr("4 runs are missing"), HasSubstr("1 run collapsed")));
}

TEST_F(ComparisonTest, RunsThatWereNotTestedAreNamedAndChanceDoesNotStandInForThem) {
  AddChanged("e", {Succeeded(0, 0.75), Succeeded(1, 0.75), Diverged(2)},
             [](v1::TrainingConfig* config) { config->mutable_evaluation()->set_test(false); });
  const v1::Arm arm = Compared({"e"}, "metric: 'test_accuracy'").arms(0);
  EXPECT_EQ(arm.value().count(), 0);
  EXPECT_EQ(arm.test_accuracy().count(), 0);
  EXPECT_THAT(arm.notes(), ElementsAre(HasSubstr("2 runs succeeded without test_accuracy")));
}

TEST_F(ComparisonTest, SeedWithARunThatDivergedWithoutAValueIsLeftOut) {
  AddExperiment("base", {Succeeded(1, 0.5), Succeeded(2, 0.5)});
  // Of seed 1 one of two runs diverged.
  AddExperiment("other", {Succeeded(1, 0.5, "0.1"), Diverged(1, "0.2"), Succeeded(2, 0.5, "0.1")},
                "", v1::THETA_POLICY_TRAINABLE);
  const auto response =
      Compared({"base", "other"}, "group_by: 'theta.policy' metric: 'epoch_seconds'");
  const v1::Arm& arm = response.arms(1);
  EXPECT_EQ(arm.value().count(), 1);
  EXPECT_EQ(arm.value().left_out(), 1);
  EXPECT_EQ(arm.comparison().pairs(), 2);
  EXPECT_EQ(arm.comparison().left_out(), 1);
}

TEST_F(ComparisonTest, ArmWithoutValuesSaysWhyItIsNotPaired) {
  AddExperiment("base", {Succeeded(1, 0.5)});
  AddExperiment("cancelled", {{.seed = 1, .end = End::kCancelled}});
  AddExperiment("diverged", {Diverged(1)});
  const auto response = Compared({"base", "cancelled", "diverged"}, "metric: 'theta_mean'");
  for (int arm = 1; arm <= 2; ++arm) {
    EXPECT_FALSE(response.arms(arm).has_comparison());
    EXPECT_THAT(response.arms(arm).notes(),
                Contains(HasSubstr("none of its counted runs has theta_mean")));
  }
  const auto turned = Compared({"cancelled", "base"});
  EXPECT_THAT(turned.arms(1).notes(),
              Contains(HasSubstr("none of the baseline's counted runs has validation_accuracy")));
}

TEST_F(ComparisonTest, ValuesThatDifferByRoundingAloneAreTies) {
  // Means of 0.1, 0.2 and 0.3, summed in two orders.
  AddExperiment("base", {Succeeded(1, 0.1, "0.1"), Succeeded(1, 0.2, "0.2"),
                         Succeeded(1, 0.3, "0.3"), Succeeded(2, 0.5, "0.1")});
  AddExperiment("other",
                {Succeeded(1, 0.3, "0.1"), Succeeded(1, 0.2, "0.2"), Succeeded(1, 0.1, "0.3"),
                 Succeeded(2, 0.5, "0.1")},
                "", v1::THETA_POLICY_TRAINABLE);
  const auto response = Compared({"base", "other"}, "group_by: 'theta.policy'");
  const v1::Comparison& comparison = response.arms(1).comparison();
  EXPECT_EQ(comparison.difference(), 0);
  EXPECT_EQ(comparison.probability_of_improvement(), 0.5);
  EXPECT_TRUE(comparison.degenerate());
  EXPECT_THAT(response.arms(1).notes(), Contains(HasSubstr("mean of up to 3 runs")));
}

TEST_F(ComparisonTest, ArmWhoseRunsAllDivergedIsAResult) {
  AddExperiment("base", {Succeeded(0, 0.75), Succeeded(1, 0.7)});
  AddExperiment("other", {Diverged(0), Diverged(1)});
  const v1::Arm arm = Compared({"base", "other"}, "curves: 'validation_loss'").arms(1);
  EXPECT_EQ(arm.value().count(), 2);
  EXPECT_NEAR(arm.value().mean(), 0.3, kRounding);
  EXPECT_NEAR(arm.comparison().difference(), -0.425, kRounding);
  EXPECT_THAT(arm.curves(0).epochs(), ElementsAre(1, 2));
  EXPECT_EQ(arm.curves(0).diverged_size(), 2);
  const v1::Arm excluded =
      Compared({"base", "other"}, "diverged: DIVERGED_RUNS_EXCLUDE curves: 'validation_loss'")
          .arms(1);
  EXPECT_FALSE(excluded.has_value());
  EXPECT_FALSE(excluded.has_comparison());
  EXPECT_THAT(excluded.curves(), IsEmpty());
}

}  // namespace
}  // namespace anneal::analysis
