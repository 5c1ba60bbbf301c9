#include "server/training/evaluation.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "server/training/data/batches.h"
#include "server/training/model/checkpoint.h"

namespace anneal::training {
namespace {

// Large enough to be fast, small enough to stay in cache.
constexpr int64_t kEvaluationBatch = 200;
// Batches from which normalisation statistics at theta = 0 are estimated.
constexpr int kStatisticsBatches = 50;

bool AllThetasAreZero(const engines::Engine& engine) {
  const std::vector<v1::ThetaVector> thetas = engine.Thetas();
  return std::all_of(thetas.begin(), thetas.end(), [](const v1::ThetaVector& theta) {
    return std::all_of(theta.values().begin(), theta.values().end(),
                       [](float value) { return value == 0; });
  });
}

}  // namespace

void Evaluator::EvaluateEpoch(engines::Engine* engine, v1::Epoch* record) const {
  const Measurement current =
      Measure(engine, dataset_.train, split_.validation, engines::ThetaMode::kCurrent);
  const stats::Scores scores = current.confusion.MacroScores();
  record->set_validation_loss(current.loss);
  record->set_validation_accuracy(scores.accuracy);
  record->set_validation_precision(scores.precision);
  record->set_validation_recall(scores.recall);
  record->set_validation_f1(scores.f1);
  // A network whose thetas are all 0 is its own ReLU network.
  const bool is_relu = AllThetasAreZero(*engine);
  if (!is_relu && config_.network().batch_norm()) EstimateReluStatistics(engine);
  const Measurement relu =
      is_relu ? current
              : Measure(engine, dataset_.train, split_.validation, engines::ThetaMode::kRelu);
  const stats::Scores relu_scores = relu.confusion.MacroScores();
  record->set_validation_relu_loss(relu.loss);
  record->set_validation_relu_accuracy(relu_scores.accuracy);
  record->set_validation_relu_precision(relu_scores.precision);
  record->set_validation_relu_recall(relu_scores.recall);
  record->set_validation_relu_f1(relu_scores.f1);
  record->set_penalty(engine->Penalty());
}

v1::TestResult Evaluator::Test(engines::Engine* engine, v1::TestResult::Weights weights,
                               int32_t epoch) const {
  std::vector<int32_t> all(static_cast<size_t>(dataset_.test.count()));
  std::iota(all.begin(), all.end(), 0);
  const Measurement measured = Measure(engine, dataset_.test, all, engines::ThetaMode::kCurrent);
  const stats::Scores scores = measured.confusion.MacroScores();
  v1::TestResult result;
  result.set_weights(weights);
  result.set_epoch(epoch);
  result.set_loss(measured.loss);
  result.set_accuracy(scores.accuracy);
  result.set_precision(scores.precision);
  result.set_recall(scores.recall);
  result.set_f1(scores.f1);
  const absl::Span<const int64_t> counts = measured.confusion.counts();
  result.mutable_confusion()->Add(counts.begin(), counts.end());
  result.set_weights_sha256(model::WeightsDigest(engine->SaveWeights()));
  return result;
}

Evaluator::Measurement Evaluator::Measure(engines::Engine* engine, const data::LabelledImages& part,
                                          absl::Span<const int32_t> indices,
                                          engines::ThetaMode mode) const {
  Measurement result{.confusion = stats::ConfusionMatrix(dataset_.classes)};
  data::Batches batches(&dataset_, &part, indices, kEvaluationBatch);
  for (data::Batch batch = batches.Next(); batch.count > 0; batch = batches.Next()) {
    result.loss += engine->Evaluate(batch, mode, &result.confusion);
  }
  result.loss /= static_cast<double>(indices.size());
  return result;
}

void Evaluator::EstimateReluStatistics(engines::Engine* engine) const {
  engine->ResetReluStatistics();
  data::Batches batches(&dataset_, &dataset_.train, split_.train, config_.batch_size());
  for (int i = 0; i < kStatisticsBatches; ++i) {
    const data::Batch batch = batches.Next();
    if (batch.count == 0) return;
    engine->UpdateReluStatistics(batch);
  }
}

}  // namespace anneal::training
