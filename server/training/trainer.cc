#include "server/training/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <limits>
#include <numeric>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/classification.h"
#include "common/config_validation.h"
#include "common/learning_rate.h"
#include "common/status.h"
#include "common/theta_schedule.h"
#include "server/training/batches.h"
#include "server/training/engine.h"
#include "server/training/probe.h"
#include "server/training/randomness.h"
#include "server/training/theta_summary.h"

namespace anneal::training {
namespace {

// Large enough to be fast, small enough to stay in cache.
constexpr int64_t kEvaluationBatch = 200;
// Batches from which normalisation statistics at theta = 0 are estimated.
constexpr int kStatisticsBatches = 50;

class Stopwatch {
 public:
  double Seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// A measured loss with its scores.
struct Evaluation {
  double loss = 0;
  ConfusionMatrix confusion;
};

v1::RunEnd Failed(v1::FailureReason reason, std::string message) {
  v1::RunEnd end;
  end.mutable_failure()->set_reason(reason);
  end.mutable_failure()->set_message(std::move(message));
  return end;
}

// Not a class invariant but a run's whole working state, in the order in which it comes to be.
class Training {
 public:
  Training(const v1::RunAssignment& assignment, const Dataset& dataset, const RunPlan& plan,
           const TrainingObserver& observer, const std::stop_token& stop)
      : config_(assignment.config()),
        seed_(assignment.seed()),
        dataset_(dataset),
        plan_(plan),
        observer_(observer),
        stop_(stop),
        split_(SplitTrainingFile(plan, dataset.train.count(), seed_)),
        schedule_(config_.theta(), plan.length),
        engine_(MakeEngine(config_, plan, seed_)),
        probe_(config_.diagnostics(), seed_, dataset, split_.validation) {}

  absl::StatusOr<v1::RunEnd> Run();

 private:
  // Trains and evaluates one epoch; fills the report. False: stopped or diverged, see end_.
  bool RunEpoch(int64_t epoch, v1::EpochReport* report);
  bool TrainEpoch(int64_t epoch, v1::Epoch* record);
  void EvaluateEpoch(v1::Epoch* record);
  void RecordThetas(v1::EpochReport* report) const;
  Evaluation Evaluate(const LabelledImages& part, absl::Span<const int32_t> indices,
                      ThetaMode mode);
  void EstimateReluStatistics();
  bool CheckFinite(const v1::Epoch& record);
  void KeepBest(const v1::Epoch& record);
  bool ShouldStopEarly(const v1::Epoch& record);
  v1::TestResult Test(v1::TestResult::Weights weights, int32_t epoch);
  v1::RunEnd Complete();
  void Diverge(absl::string_view what, int64_t epoch, int64_t step);

  const v1::TrainingConfig& config_;
  const int64_t seed_;
  const Dataset& dataset_;
  const RunPlan& plan_;
  const TrainingObserver& observer_;
  const std::stop_token& stop_;
  const Split split_;
  ThetaSchedule schedule_;
  const std::unique_ptr<Engine> engine_;
  Probe probe_;

  int64_t step_ = 0;
  double elapsed_seconds_ = 0;
  v1::Epoch last_;  // the last recorded epoch
  int32_t best_epoch_ = 0;
  double best_accuracy_ = -1;
  double best_loss_ = 0;
  WeightState best_weights_;
  double lowest_loss_ = std::numeric_limits<double>::infinity();
  int32_t epochs_without_improvement_ = 0;
  v1::RunEnd end_;
};

absl::StatusOr<v1::RunEnd> Training::Run() {
  v1::RunStarted started;
  started.set_engine(std::string(engine_->name()));
  started.set_dataset_sha256(dataset_.sha256);
  *started.mutable_network() = Summarize(plan_.network);
  ANNEAL_RETURN_IF_ERROR(observer_.on_started(started));
  probe_.Begin(engine_.get());
  for (int64_t epoch = 0; epoch < plan_.length.epochs; ++epoch) {
    v1::EpochReport report;
    if (!RunEpoch(epoch, &report)) return end_;
    ANNEAL_RETURN_IF_ERROR(observer_.on_epoch(report));
    last_ = report.epoch();
    KeepBest(last_);
    schedule_.ObserveEpoch(last_.train_loss());
    if (ShouldStopEarly(last_)) break;
  }
  return Complete();
}

bool Training::RunEpoch(int64_t epoch, v1::EpochReport* report) {
  const Stopwatch watch;
  v1::Epoch* record = report->mutable_epoch();
  record->set_epoch(static_cast<int32_t>(epoch + 1));
  if (!TrainEpoch(epoch, record)) return false;
  EvaluateEpoch(record);
  RecordThetas(report);
  // Before the probe, whose eigenvalues need finite numbers; and after it.
  if (!CheckFinite(*record)) return false;
  probe_.Measure(engine_.get(), record);
  record->set_epoch_seconds(watch.Seconds());
  elapsed_seconds_ += record->epoch_seconds();
  record->set_elapsed_seconds(elapsed_seconds_);
  return CheckFinite(*record);
}

bool Training::TrainEpoch(int64_t epoch, v1::Epoch* record) {
  const Stopwatch watch;
  const std::vector<int32_t> order = EpochOrder(split_.train, seed_, epoch);
  Batches batches(&dataset_, &dataset_.train, order, config_.batch_size());
  ConfusionMatrix confusion(dataset_.classes);
  double loss_sum = 0;
  for (Batch batch = batches.Next(); batch.count > 0; batch = batches.Next()) {
    if (stop_.stop_requested()) {
      end_.set_stopped(true);
      return false;
    }
    const double factor = LearningRateFactor(config_.optimizer(), plan_.length, epoch, step_);
    const StepSettings settings = {.learning_rate = factor * config_.optimizer().learning_rate(),
                                   .theta_learning_rate = factor * config_.theta().learning_rate(),
                                   .theta = schedule_.Value(epoch, step_)};
    const double loss = engine_->TrainStep(batch, settings, &confusion);
    if (!std::isfinite(loss)) {
      Diverge(absl::StrCat("the training loss is ", loss), epoch, step_);
      return false;
    }
    loss_sum += loss * static_cast<double>(batch.count);
    record->set_learning_rate(settings.learning_rate);
    ++step_;
  }
  const auto count = static_cast<double>(order.size());
  const Scores scores = confusion.MacroScores();
  record->set_step(step_);
  record->set_train_loss(loss_sum / count);
  record->set_train_accuracy(scores.accuracy);
  record->set_train_precision(scores.precision);
  record->set_train_recall(scores.recall);
  record->set_train_f1(scores.f1);
  record->set_samples_per_second(count / watch.Seconds());
  for (const double norm : engine_->TakeGradientNorms()) {
    record->add_layers()->set_gradient_norm(norm);
  }
  return true;
}

void Training::EvaluateEpoch(v1::Epoch* record) {
  const Evaluation current = Evaluate(dataset_.train, split_.validation, ThetaMode::kCurrent);
  const Scores scores = current.confusion.MacroScores();
  record->set_validation_loss(current.loss);
  record->set_validation_accuracy(scores.accuracy);
  record->set_validation_precision(scores.precision);
  record->set_validation_recall(scores.recall);
  record->set_validation_f1(scores.f1);
  // A network whose thetas are all 0 is its own ReLU network.
  const std::vector<v1::ThetaVector> thetas = engine_->Thetas();
  const bool is_relu = std::all_of(thetas.begin(), thetas.end(), [](const v1::ThetaVector& theta) {
    return std::all_of(theta.values().begin(), theta.values().end(),
                       [](float value) { return value == 0; });
  });
  if (!is_relu && config_.network().batch_norm()) EstimateReluStatistics();
  const Evaluation relu =
      is_relu ? current : Evaluate(dataset_.train, split_.validation, ThetaMode::kRelu);
  const Scores relu_scores = relu.confusion.MacroScores();
  record->set_validation_relu_loss(relu.loss);
  record->set_validation_relu_accuracy(relu_scores.accuracy);
  record->set_validation_relu_precision(relu_scores.precision);
  record->set_validation_relu_recall(relu_scores.recall);
  record->set_validation_relu_f1(relu_scores.f1);
  record->set_penalty(engine_->Penalty());
}

void Training::RecordThetas(v1::EpochReport* report) const {
  for (v1::ThetaVector& theta : engine_->Thetas()) {
    theta.set_epoch(report->epoch().epoch());
    *report->add_thetas() = std::move(theta);
  }
  *report->mutable_epoch()->mutable_theta() = SummarizeThetas(report->thetas());
}

Evaluation Training::Evaluate(const LabelledImages& part, absl::Span<const int32_t> indices,
                              ThetaMode mode) {
  Evaluation result{.confusion = ConfusionMatrix(dataset_.classes)};
  Batches batches(&dataset_, &part, indices, kEvaluationBatch);
  for (Batch batch = batches.Next(); batch.count > 0; batch = batches.Next()) {
    result.loss += engine_->Evaluate(batch, mode, &result.confusion);
  }
  result.loss /= static_cast<double>(indices.size());
  return result;
}

void Training::EstimateReluStatistics() {
  engine_->ResetReluStatistics();
  Batches batches(&dataset_, &dataset_.train, split_.train, config_.batch_size());
  for (int i = 0; i < kStatisticsBatches; ++i) {
    const Batch batch = batches.Next();
    if (batch.count == 0) return;
    engine_->UpdateReluStatistics(batch);
  }
}

void Training::Diverge(absl::string_view what, int64_t epoch, int64_t step) {
  end_ = Failed(v1::FAILURE_REASON_DIVERGED,
                absl::StrCat("diverged in epoch ", epoch + 1, ", step ", step + 1, ": ", what,
                             last_.epoch() == 0
                                 ? std::string("; no epoch was finished")
                                 : absl::StrCat("; the last finite training loss was ",
                                                last_.train_loss(), ", in epoch ", last_.epoch()),
                             ". Try a lower optimizer.learning_rate or optimizer.clip_norm"));
}

bool Training::CheckFinite(const v1::Epoch& record) {
  bool finite = std::isfinite(record.validation_loss()) &&
                std::isfinite(record.validation_relu_loss()) && std::isfinite(record.penalty());
  for (const v1::LayerMetrics& layer : record.layers()) {
    finite = finite && std::isfinite(layer.gradient_norm()) && std::isfinite(layer.linear_gap());
  }
  finite = finite && std::isfinite(record.hessian_max_eigenvalue()) &&
           std::isfinite(record.hessian_min_eigenvalue());
  if (!finite) {
    Diverge(absl::StrCat("a measurement is not finite (validation loss ", record.validation_loss(),
                         ", at theta = 0 ", record.validation_relu_loss(), ")"),
            record.epoch() - 1, step_ - 1);
  }
  return finite;
}

void Training::KeepBest(const v1::Epoch& record) {
  const bool better =
      record.validation_accuracy() > best_accuracy_ ||
      (record.validation_accuracy() == best_accuracy_ && record.validation_loss() < best_loss_);
  if (!better) return;
  best_epoch_ = record.epoch();
  best_accuracy_ = record.validation_accuracy();
  best_loss_ = record.validation_loss();
  best_weights_ = engine_->SaveWeights();
}

bool Training::ShouldStopEarly(const v1::Epoch& record) {
  const v1::EarlyStoppingConfig& early = config_.early_stopping();
  if (record.validation_loss() < lowest_loss_ - early.min_delta()) {
    lowest_loss_ = record.validation_loss();
    epochs_without_improvement_ = 0;
    return false;
  }
  ++epochs_without_improvement_;
  return early.patience() > 0 && epochs_without_improvement_ >= early.patience();
}

v1::TestResult Training::Test(v1::TestResult::Weights weights, int32_t epoch) {
  std::vector<int32_t> all(static_cast<size_t>(dataset_.test.count()));
  std::iota(all.begin(), all.end(), 0);
  const Evaluation evaluation = Evaluate(dataset_.test, all, ThetaMode::kCurrent);
  const Scores scores = evaluation.confusion.MacroScores();
  v1::TestResult result;
  result.set_weights(weights);
  result.set_epoch(epoch);
  result.set_loss(evaluation.loss);
  result.set_accuracy(scores.accuracy);
  result.set_precision(scores.precision);
  result.set_recall(scores.recall);
  result.set_f1(scores.f1);
  const absl::Span<const int64_t> counts = evaluation.confusion.counts();
  result.mutable_confusion()->Add(counts.begin(), counts.end());
  return result;
}

v1::RunEnd Training::Complete() {
  v1::RunEnd end;
  *end.mutable_completed()->add_test_results() = Test(v1::TestResult::WEIGHTS_LAST, last_.epoch());
  engine_->LoadWeights(best_weights_);
  *end.mutable_completed()->add_test_results() = Test(v1::TestResult::WEIGHTS_BEST, best_epoch_);
  for (const v1::TestResult& result : end.completed().test_results()) {
    if (!std::isfinite(result.loss())) {
      Diverge(absl::StrCat("the test loss is ", result.loss()), last_.epoch() - 1, step_ - 1);
      return end_;
    }
  }
  return end;
}

}  // namespace

absl::StatusOr<v1::RunEnd> Train(const v1::RunAssignment& assignment, const Dataset& dataset,
                                 const TrainingObserver& observer, const std::stop_token& stop) {
  const absl::StatusOr<RunPlan> plan = PlanRun(assignment.config(), dataset.shape());
  if (!plan.ok()) {
    return Failed(v1::FAILURE_REASON_INVALID_DATA,
                  absl::StrReplaceAll(plan.status().message(), {{"\n", "; "}}));
  }
  try {
    return Training(assignment, dataset, *plan, observer, stop).Run();
  } catch (const std::exception& error) {
    // LibTorch's messages go on with a stack trace; the first line says what it is about.
    const std::string text = error.what();
    return Failed(v1::FAILURE_REASON_INTERNAL, text.substr(0, text.find('\n')));
  }
}

}  // namespace anneal::training
