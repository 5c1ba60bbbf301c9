// `Evaluator` measures a network on the validation and test splits and records the results;
// `SummarizeSplit` counts the images of the splits.

#ifndef ANNEAL_SERVER_TRAINING_EVALUATION_H_
#define ANNEAL_SERVER_TRAINING_EVALUATION_H_

#include <cstdint>

#include "absl/types/span.h"
#include "anneal/v1/config.pb.h"
#include "anneal/v1/resources.pb.h"
#include "common/stats/classification.h"
#include "server/training/data/dataset.h"
#include "server/training/data/randomness.h"
#include "server/training/engines/engine.h"

namespace anneal::training {

// As thread-safe as the engine. Engines may throw (engine.h).
class Evaluator {
 public:
  // Borrows all arguments.
  Evaluator(const v1::TrainingConfig& config, const data::Dataset& dataset,
            const data::Split& split)
      : config_(config), dataset_(dataset), split_(split) {}

  // Records validation loss and scores, at the current thetas and at theta = 0, and the penalty.
  void EvaluateEpoch(engines::Engine* engine, v1::Epoch* record) const;

  // Returns loss, scores and confusion matrix on the test split; also loss and scores at theta = 0
  // if theta is trainable.
  v1::TestResult Test(engines::Engine* engine, v1::TestResult::Weights weights,
                      int32_t epoch) const;

 private:
  struct Measurement {
    double loss = 0;  // mean over images
    stats::ConfusionMatrix confusion;
  };

  Measurement Measure(engines::Engine* engine, const data::LabelledImages& part,
                      absl::Span<const int32_t> indices, engines::ThetaMode mode) const;
  // Returns the measurement at theta = 0, given that at the current thetas; with batch
  // normalisation it first estimates the statistics for it.
  Measurement MeasureRelu(engines::Engine* engine, const data::LabelledImages& part,
                          absl::Span<const int32_t> indices, const Measurement& current) const;
  // Estimates the normalisation statistics for theta = 0 from batches of the training split.
  void EstimateReluStatistics(engines::Engine* engine) const;

  const v1::TrainingConfig& config_;
  const data::Dataset& dataset_;
  const data::Split& split_;
};

// Returns the numbers of images of each class in the three splits.
v1::SplitSummary SummarizeSplit(const data::Dataset& dataset, const data::Split& split);

}  // namespace anneal::training

#endif  // ANNEAL_SERVER_TRAINING_EVALUATION_H_
