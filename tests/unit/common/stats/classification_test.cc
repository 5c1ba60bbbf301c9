#include "common/stats/classification.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

namespace anneal {
namespace {

void AddTimes(stats::ConfusionMatrix* matrix, int actual, int predicted, int times) {
  for (int i = 0; i < times; ++i) matrix->Add(actual, predicted);
}

// Three classes, rows are true:
//
//       p0  p1  p2
//   t0   5   1   0
//   t1   2   3   1
//   t2   0   0   4
stats::ConfusionMatrix Example() {
  stats::ConfusionMatrix matrix(3);
  AddTimes(&matrix, 0, 0, 5);
  AddTimes(&matrix, 0, 1, 1);
  AddTimes(&matrix, 1, 0, 2);
  AddTimes(&matrix, 1, 1, 3);
  AddTimes(&matrix, 1, 2, 1);
  AddTimes(&matrix, 2, 2, 4);
  return matrix;
}

TEST(ConfusionMatrixTest, StartsEmpty) {
  const stats::ConfusionMatrix matrix(4);
  EXPECT_EQ(matrix.classes(), 4);
  EXPECT_EQ(matrix.counts().size(), 16u);
  for (const int64_t count : matrix.counts()) EXPECT_EQ(count, 0);
}

TEST(ConfusionMatrixTest, CountsRowsByTrueClassAndColumnsByPrediction) {
  const stats::ConfusionMatrix matrix = Example();
  const std::vector<int64_t> counts(matrix.counts().begin(), matrix.counts().end());
  EXPECT_EQ(counts, (std::vector<int64_t>{5, 1, 0, 2, 3, 1, 0, 0, 4}));
  EXPECT_EQ(matrix.count(1, 0), 2);
  EXPECT_EQ(matrix.count(0, 1), 1);
}

TEST(ConfusionMatrixTest, ScoresAClassByHand) {
  const stats::ConfusionMatrix matrix = Example();
  // Class 0: TP 5, FP 2, FN 1.
  const stats::ClassScores first = matrix.ClassScoresOf(0);
  EXPECT_DOUBLE_EQ(first.precision, 5.0 / 7);
  EXPECT_DOUBLE_EQ(first.recall, 5.0 / 6);
  EXPECT_DOUBLE_EQ(first.f1, 10.0 / 13);
  EXPECT_EQ(first.support, 6);
  // Class 1: TP 3, FP 1, FN 3.
  const stats::ClassScores second = matrix.ClassScoresOf(1);
  EXPECT_DOUBLE_EQ(second.precision, 3.0 / 4);
  EXPECT_DOUBLE_EQ(second.recall, 3.0 / 6);
  EXPECT_DOUBLE_EQ(second.f1, 6.0 / 10);
  EXPECT_EQ(second.support, 6);
  // Class 2: TP 4, FP 1, FN 0.
  const stats::ClassScores third = matrix.ClassScoresOf(2);
  EXPECT_DOUBLE_EQ(third.precision, 4.0 / 5);
  EXPECT_DOUBLE_EQ(third.recall, 1.0);
  EXPECT_DOUBLE_EQ(third.f1, 8.0 / 9);
  EXPECT_EQ(third.support, 4);
}

TEST(ConfusionMatrixTest, AveragesOverClassesWithoutWeights) {
  const stats::Scores scores = Example().MacroScores();
  EXPECT_DOUBLE_EQ(scores.accuracy, 12.0 / 16);
  EXPECT_DOUBLE_EQ(scores.precision, (5.0 / 7 + 3.0 / 4 + 4.0 / 5) / 3);
  EXPECT_DOUBLE_EQ(scores.recall, (5.0 / 6 + 1.0 / 2 + 1.0) / 3);
  EXPECT_DOUBLE_EQ(scores.f1, (10.0 / 13 + 6.0 / 10 + 8.0 / 9) / 3);
}

TEST(ConfusionMatrixTest, GivesOneForPerfectPredictions) {
  stats::ConfusionMatrix matrix(10);
  for (int label = 0; label < 10; ++label) AddTimes(&matrix, label, label, label + 1);
  const stats::Scores scores = matrix.MacroScores();
  EXPECT_DOUBLE_EQ(scores.accuracy, 1);
  EXPECT_DOUBLE_EQ(scores.precision, 1);
  EXPECT_DOUBLE_EQ(scores.recall, 1);
  EXPECT_DOUBLE_EQ(scores.f1, 1);
}

TEST(ConfusionMatrixTest, GivesZeroWhereADivisorIsZero) {
  stats::ConfusionMatrix matrix(3);
  // Class 0 is never predicted, class 1 has no members, class 2 neither of both.
  AddTimes(&matrix, 0, 1, 3);
  const stats::ClassScores unpredicted = matrix.ClassScoresOf(0);
  EXPECT_EQ(unpredicted.precision, 0);
  EXPECT_EQ(unpredicted.recall, 0);
  EXPECT_EQ(unpredicted.f1, 0);
  EXPECT_EQ(unpredicted.support, 3);
  const stats::ClassScores memberless = matrix.ClassScoresOf(1);
  EXPECT_EQ(memberless.precision, 0);
  EXPECT_EQ(memberless.recall, 0);
  EXPECT_EQ(memberless.support, 0);
  const stats::ClassScores absent = matrix.ClassScoresOf(2);
  EXPECT_EQ(absent.precision, 0);
  EXPECT_EQ(absent.recall, 0);
  EXPECT_EQ(absent.f1, 0);
  EXPECT_EQ(absent.support, 0);
}

TEST(ConfusionMatrixTest, CountsAnAbsentClassAsZeroInTheMacroAverage) {
  stats::ConfusionMatrix matrix(4);
  AddTimes(&matrix, 0, 0, 5);
  AddTimes(&matrix, 1, 1, 7);
  const stats::Scores scores = matrix.MacroScores();
  EXPECT_DOUBLE_EQ(scores.accuracy, 1);
  EXPECT_DOUBLE_EQ(scores.precision, 0.5);
  EXPECT_DOUBLE_EQ(scores.recall, 0.5);
  EXPECT_DOUBLE_EQ(scores.f1, 0.5);
}

TEST(ConfusionMatrixTest, FromCountsRoundTrips) {
  const stats::ConfusionMatrix original = Example();
  const stats::ConfusionMatrix matrix = stats::ConfusionMatrix::FromCounts(original.counts());
  EXPECT_EQ(matrix.classes(), 3);
  EXPECT_EQ(matrix.counts(), original.counts());
  EXPECT_EQ(matrix.count(1, 0), 2);
  EXPECT_DOUBLE_EQ(matrix.MacroScores().f1, original.MacroScores().f1);
}

TEST(ConfusionMatrixTest, ScoresAnEmptyMatrixAsZero) {
  const stats::Scores scores = stats::ConfusionMatrix(10).MacroScores();
  EXPECT_EQ(scores.accuracy, 0);
  EXPECT_EQ(scores.precision, 0);
  EXPECT_EQ(scores.recall, 0);
  EXPECT_EQ(scores.f1, 0);
}

// Against the confusion matrix of such a classifier.
TEST(LargestClassScoresTest, AreThoseOfAlwaysPredictingTheLargestClass) {
  for (const std::vector<int64_t>& counts :
       {std::vector<int64_t>{3, 5, 2}, {1, 0, 9, 0}, {4, 4}, {7}}) {
    const auto largest = std::max_element(counts.begin(), counts.end()) - counts.begin();
    stats::ConfusionMatrix confusion(static_cast<int>(counts.size()));
    for (size_t label = 0; label < counts.size(); ++label) {
      for (int64_t i = 0; i < counts[label]; ++i) {
        confusion.Add(static_cast<int>(label), static_cast<int>(largest));
      }
    }
    const stats::Scores expected = confusion.MacroScores();
    const stats::Scores scores = stats::LargestClassScores(counts);
    EXPECT_DOUBLE_EQ(scores.accuracy, expected.accuracy);
    EXPECT_DOUBLE_EQ(scores.precision, expected.precision);
    EXPECT_DOUBLE_EQ(scores.recall, expected.recall);
    EXPECT_DOUBLE_EQ(scores.f1, expected.f1);
  }
}

}  // namespace
}  // namespace anneal
