#include "server/training/progress.h"

#include <cmath>

#include "gtest/gtest.h"

namespace anneal::training {
namespace {

v1::Epoch Record(int32_t epoch, bool eligible, double accuracy, double loss) {
  v1::Epoch record;
  record.set_epoch(epoch);
  record.set_eligible(eligible);
  record.set_validation_accuracy(accuracy);
  record.set_validation_loss(loss);
  return record;
}

v1::EarlyStoppingConfig Patience(int32_t epochs) {
  v1::EarlyStoppingConfig config;
  config.set_patience(epochs);
  return config;
}

// Three epochs of a linear network that is better than the ReLU network of the three after it.
TEST(ObserveBestTest, BestIsOfTheReluPhaseOfAJumpWhoseLinearPhaseIsBetter) {
  v1::TrainingProgress progress = NewProgress();
  for (int32_t epoch = 1; epoch <= 3; ++epoch) {
    EXPECT_FALSE(ObserveBest(Record(epoch, false, 0.95, 0.1), &progress)) << epoch;
  }
  EXPECT_EQ(progress.first_eligible_epoch(), 0);
  EXPECT_EQ(progress.best_epoch(), 0);
  EXPECT_TRUE(ObserveBest(Record(4, true, 0.5, 2), &progress));
  EXPECT_TRUE(ObserveBest(Record(5, true, 0.7, 1), &progress));
  EXPECT_FALSE(ObserveBest(Record(6, true, 0.6, 1), &progress));
  EXPECT_EQ(progress.first_eligible_epoch(), 4);
  EXPECT_EQ(progress.best_epoch(), 5);
  EXPECT_EQ(progress.best_accuracy(), 0.7);
  EXPECT_EQ(progress.best_loss(), 1);
}

TEST(ObserveBestTest, TheLowerLossDecidesTies) {
  v1::TrainingProgress progress = NewProgress();
  EXPECT_TRUE(ObserveBest(Record(1, true, 0.8, 0.5), &progress));
  EXPECT_FALSE(ObserveBest(Record(2, true, 0.8, 0.5), &progress));
  EXPECT_TRUE(ObserveBest(Record(3, true, 0.8, 0.4), &progress));
  EXPECT_EQ(progress.best_epoch(), 3);
  EXPECT_EQ(progress.first_eligible_epoch(), 1);
}

TEST(ObserveBestTest, AnAccuracyOfZeroCanBeTheBest) {
  v1::TrainingProgress progress = NewProgress();
  EXPECT_TRUE(ObserveBest(Record(1, true, 0, 7), &progress));
  EXPECT_EQ(progress.best_epoch(), 1);
}

TEST(FallBackToLastTest, TheFallbackIsDroppedAndAnyEligibleEpochReplacesIt) {
  v1::TrainingProgress progress = NewProgress();
  EXPECT_FALSE(ObserveBest(Record(1, false, 0.9, 0.2), &progress));
  EXPECT_TRUE(FallBackToLast(Record(2, false, 0.8, 0.3), &progress));
  EXPECT_EQ(progress.best_epoch(), 2);
  EXPECT_EQ(progress.first_eligible_epoch(), 0);
  // The run is extended.
  ForgetIneligibleBest(&progress);
  EXPECT_EQ(progress.best_epoch(), 0);
  EXPECT_TRUE(ObserveBest(Record(3, true, 0.1, 4), &progress));
  EXPECT_EQ(progress.best_epoch(), 3);
  EXPECT_EQ(progress.first_eligible_epoch(), 3);
}

TEST(FallBackToLastTest, AnEligibleBestStays) {
  v1::TrainingProgress progress = NewProgress();
  EXPECT_TRUE(ObserveBest(Record(1, true, 0.9, 0.2), &progress));
  EXPECT_FALSE(FallBackToLast(Record(2, true, 0.8, 0.3), &progress));
  EXPECT_EQ(progress.best_epoch(), 1);
  ForgetIneligibleBest(&progress);
  EXPECT_EQ(progress.best_epoch(), 1);
  EXPECT_EQ(progress.best_accuracy(), 0.9);
  EXPECT_EQ(progress.best_loss(), 0.2);
}

TEST(ForgetIneligibleBestTest, DropsABestBeforeTheFirstEligibleEpoch) {
  for (const int32_t first : {2, 5}) {
    v1::TrainingProgress progress = NewProgress();
    progress.set_best_epoch(first - 1);
    progress.set_best_accuracy(0.99);
    progress.set_best_loss(0.01);
    progress.set_first_eligible_epoch(first);
    ForgetIneligibleBest(&progress);
    EXPECT_EQ(progress.best_epoch(), 0);
    EXPECT_TRUE(ObserveBest(Record(9, true, 0, 9), &progress));
  }
}

TEST(ObserveEarlyStoppingTest, IgnoresEpochsThatAreNotEligible) {
  v1::TrainingProgress progress = NewProgress();
  const v1::EarlyStoppingConfig config = Patience(2);
  for (int32_t epoch = 1; epoch <= 9; ++epoch) {
    ObserveEarlyStopping(config, Record(epoch, false, 0.9, 0.1), &progress);
  }
  EXPECT_EQ(progress.epochs_without_improvement(), 0);
  EXPECT_TRUE(std::isinf(progress.lowest_validation_loss()));
  // An improvement although the loss was lower before; the two after it are none.
  ObserveEarlyStopping(config, Record(10, true, 0.5, 2), &progress);
  EXPECT_EQ(progress.lowest_validation_loss(), 2);
  ObserveEarlyStopping(config, Record(11, true, 0.5, 2), &progress);
  EXPECT_FALSE(progress.stopped_early());
  ObserveEarlyStopping(config, Record(12, true, 0.5, 3), &progress);
  EXPECT_TRUE(progress.stopped_early());
}

TEST(ObserveEarlyStoppingTest, RestartsWithoutMemory) {
  v1::TrainingProgress progress = NewProgress();
  for (int32_t epoch = 1; epoch <= 3; ++epoch) {
    ObserveEarlyStopping(Patience(2), Record(epoch, true, 0.9, 0.1), &progress);
  }
  ASSERT_TRUE(progress.stopped_early());
  RestartEarlyStopping(&progress);
  EXPECT_FALSE(progress.stopped_early());
  ObserveEarlyStopping(Patience(2), Record(4, true, 0.9, 5), &progress);
  EXPECT_EQ(progress.lowest_validation_loss(), 5);
  EXPECT_EQ(progress.epochs_without_improvement(), 0);
}

}  // namespace
}  // namespace anneal::training
