#include "server/training/evaluation.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "server/training/data/batches.h"

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

int32_t PredictedClasses(const stats::ConfusionMatrix& confusion) {
  int32_t predicted = 0;
  for (int label = 0; label < confusion.classes(); ++label) {
    bool is_predicted = false;
    for (int actual = 0; actual < confusion.classes(); ++actual) {
      is_predicted = is_predicted || confusion.count(actual, label) > 0;
    }
    if (is_predicted) ++predicted;
  }
  return predicted;
}

void CountClasses(const data::LabelledImages& images, absl::Span<const int32_t> indices,
                  int classes, google::protobuf::RepeatedField<int64_t>* counts) {
  counts->Resize(classes, 0);
  for (const int32_t index : indices) {
    ++*counts->Mutable(images.labels[static_cast<size_t>(index)]);
  }
}

std::vector<int32_t> AllOf(const data::LabelledImages& images) {
  std::vector<int32_t> all(static_cast<size_t>(images.count()));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

}  // namespace

v1::SplitSummary SummarizeSplit(const data::Dataset& dataset, const data::Split& split) {
  v1::SplitSummary summary;
  CountClasses(dataset.train, split.train, dataset.classes, summary.mutable_train());
  CountClasses(dataset.train, split.validation, dataset.classes, summary.mutable_validation());
  CountClasses(dataset.test, AllOf(dataset.test), dataset.classes, summary.mutable_test());
  return summary;
}

void Evaluator::EvaluateEpoch(engines::Engine* engine, v1::Epoch* record) const {
  const Measurement current =
      Measure(engine, dataset_.train, split_.validation, engines::ThetaMode::kCurrent);
  const stats::Scores scores = current.confusion.MacroScores();
  record->set_validation_loss(current.loss);
  record->set_validation_accuracy(scores.accuracy);
  record->set_validation_precision(scores.precision);
  record->set_validation_recall(scores.recall);
  record->set_validation_f1(scores.f1);
  record->set_validation_predicted_classes(PredictedClasses(current.confusion));
  const Measurement relu = MeasureRelu(engine, dataset_.train, split_.validation, current);
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
  const std::vector<int32_t> all = AllOf(dataset_.test);
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
  if (config_.theta().policy() != v1::THETA_POLICY_TRAINABLE) return result;
  const Measurement relu = MeasureRelu(engine, dataset_.test, all, measured);
  const stats::Scores relu_scores = relu.confusion.MacroScores();
  result.set_relu_loss(relu.loss);
  result.set_relu_accuracy(relu_scores.accuracy);
  result.set_relu_precision(relu_scores.precision);
  result.set_relu_recall(relu_scores.recall);
  result.set_relu_f1(relu_scores.f1);
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

Evaluator::Measurement Evaluator::MeasureRelu(engines::Engine* engine,
                                              const data::LabelledImages& part,
                                              absl::Span<const int32_t> indices,
                                              const Measurement& current) const {
  // A network whose thetas are all 0 is its own ReLU network.
  if (AllThetasAreZero(*engine)) return current;
  if (config_.network().batch_norm()) EstimateReluStatistics(engine);
  return Measure(engine, part, indices, engines::ThetaMode::kRelu);
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
