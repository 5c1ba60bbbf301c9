#include "common/stats/classification.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace anneal::stats {
namespace {

double Ratio(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

ConfusionMatrix::ConfusionMatrix(int classes)
    : classes_(classes), counts_(static_cast<size_t>(classes) * static_cast<size_t>(classes), 0) {}

ConfusionMatrix ConfusionMatrix::FromCounts(absl::Span<const int64_t> counts) {
  ConfusionMatrix matrix(static_cast<int>(std::lround(std::sqrt(counts.size()))));
  matrix.counts_.assign(counts.begin(), counts.end());
  return matrix;
}

ClassScores ConfusionMatrix::ClassScoresOf(int label) const {
  int64_t actual = 0;
  int64_t predicted = 0;
  for (int other = 0; other < classes_; ++other) {
    actual += count(label, other);
    predicted += count(other, label);
  }
  const int64_t hits = count(label, label);
  return {.precision = Ratio(hits, predicted),
          .recall = Ratio(hits, actual),
          .f1 = Ratio(2 * hits, actual + predicted),
          .support = actual};
}

Scores ConfusionMatrix::MacroScores() const {
  Scores scores;
  int64_t hits = 0;
  for (int label = 0; label < classes_; ++label) {
    const ClassScores of_class = ClassScoresOf(label);
    scores.precision += of_class.precision / classes_;
    scores.recall += of_class.recall / classes_;
    scores.f1 += of_class.f1 / classes_;
    hits += count(label, label);
  }
  scores.accuracy = Ratio(hits, std::accumulate(counts_.begin(), counts_.end(), int64_t{0}));
  return scores;
}

Scores LargestClassScores(absl::Span<const int64_t> class_counts) {
  const auto classes = static_cast<double>(class_counts.size());
  const double images =
      static_cast<double>(std::accumulate(class_counts.begin(), class_counts.end(), int64_t{0}));
  const double share =
      static_cast<double>(*std::max_element(class_counts.begin(), class_counts.end())) / images;
  return {.accuracy = share,
          .precision = share / classes,
          .recall = 1 / classes,
          .f1 = 2 * share / (1 + share) / classes};
}

}  // namespace anneal::stats
