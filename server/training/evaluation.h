// `Evaluator` measures a network on the validation and test splits and records the results.

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

  // Returns loss, scores and confusion matrix on the test split, and the digest of the weights.
  v1::TestResult Test(engines::Engine* engine, v1::TestResult::Weights weights,
                      int32_t epoch) const;

 private:
  struct Measurement {
    double loss = 0;  // mean over images
    stats::ConfusionMatrix confusion;
  };

  Measurement Measure(engines::Engine* engine, const data::LabelledImages& part,
                      absl::Span<const int32_t> indices, engines::ThetaMode mode) const;
  // Estimates the normalisation statistics for theta = 0 from batches of the training split.
  void EstimateReluStatistics(engines::Engine* engine) const;

  const v1::TrainingConfig& config_;
  const data::Dataset& dataset_;
  const data::Split& split_;
};

}  // namespace anneal::training

#endif  // ANNEAL_SERVER_TRAINING_EVALUATION_H_
