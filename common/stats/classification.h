// `ConfusionMatrix` computes accuracy, precision, recall and F1 of a classifier. Not thread-safe.

#ifndef ANNEAL_COMMON_STATS_CLASSIFICATION_H_
#define ANNEAL_COMMON_STATS_CLASSIFICATION_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace anneal::stats {

// Scores of one class: precision = TP / (TP + FP), recall = TP / (TP + FN) and F1 = 2 TP / (2 TP +
// FP + FN); each is 0 if its divisor is 0.
struct ClassScores {
  double precision = 0;
  double recall = 0;
  double f1 = 0;
  int64_t support = 0;  // TP + FN
};

struct Scores {
  double accuracy = 0;
  // Macro averages: the unweighted mean over all classes.
  double precision = 0;
  double recall = 0;
  double f1 = 0;
};

class ConfusionMatrix {
 public:
  explicit ConfusionMatrix(int classes);
  // Constructs the matrix from classes x classes counts, row-major.
  static ConfusionMatrix FromCounts(absl::Span<const int64_t> counts);

  // Both in [0, classes).
  void Add(int actual, int predicted) { ++counts_[Index(actual, predicted)]; }

  int classes() const { return classes_; }
  int64_t count(int actual, int predicted) const { return counts_[Index(actual, predicted)]; }
  // Row-major: row = true class, column = predicted class.
  absl::Span<const int64_t> counts() const { return counts_; }

  ClassScores ClassScoresOf(int label) const;
  Scores MacroScores() const;

 private:
  size_t Index(int actual, int predicted) const {
    return static_cast<size_t>(actual) * static_cast<size_t>(classes_) +
           static_cast<size_t>(predicted);
  }

  int classes_;
  std::vector<int64_t> counts_;
};

// Returns the scores of always predicting the largest class of a set of images, given the number of
// images of each class; at least one image. With the largest class's share s and C classes:
// accuracy s, macro precision s / C, macro recall 1 / C, macro F1 2 s / (1 + s) / C.
Scores LargestClassScores(absl::Span<const int64_t> class_counts);

}  // namespace anneal::stats

#endif  // ANNEAL_COMMON_STATS_CLASSIFICATION_H_
