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
#include "common/config/learning_rate.h"
#include "common/config/theta_schedule.h"
#include "common/config/validation.h"
#include "common/stats/classification.h"
#include "common/status.h"
#include "server/training/data/batches.h"
#include "server/training/data/randomness.h"
#include "server/training/engines/engine.h"
#include "server/training/model/checkpoint.h"
#include "server/training/model/theta_summary.h"
#include "server/training/probe.h"

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
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// A measured loss with its scores.
struct Evaluation {
  double loss = 0;
  stats::ConfusionMatrix confusion;
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
  Training(const v1::RunAssignment& assignment, const data::Dataset& dataset,
           const config::RunPlan& plan, const TrainingObserver& observer,
           const std::stop_token& stop)
      : assignment_(assignment),
        config_(assignment.config()),
        seed_(assignment.seed()),
        dataset_(dataset),
        plan_(plan),
        observer_(observer),
        stop_(stop),
        split_(data::SplitTrainingFile(plan, dataset.train.count(), seed_)),
        schedule_(config_.theta(), plan.length),
        engine_(MakeEngine(config_, plan, seed_)),
        probe_(config_.diagnostics(), seed_, dataset, split_.validation),
        totals_(dataset.classes, plan.network.layers.size()) {
    progress_.set_best_accuracy(-1);
    progress_.set_lowest_validation_loss(std::numeric_limits<double>::infinity());
  }

  absl::StatusOr<v1::RunEnd> Run();

 private:
  // Puts everything to where the assignment's checkpoint left it.
  absl::Status Restore();
  // Trains and evaluates one epoch; fills the report. False: stopped or diverged, see end_, or the
  // observer refused, see refused_.
  bool RunEpoch(v1::EpochReport* report);
  bool TrainEpoch(v1::Epoch* record);
  bool TrainBatch(const data::Batch& batch, int64_t epoch, v1::Epoch* record);
  void RecordTraining(const std::vector<int32_t>& order, v1::Epoch* record) const;
  void EvaluateEpoch(v1::Epoch* record);
  void RecordThetas(v1::EpochReport* report) const;
  Evaluation Evaluate(const data::LabelledImages& part, absl::Span<const int32_t> indices,
                      engines::ThetaMode mode);
  void EstimateReluStatistics();
  bool CheckFinite(const v1::Epoch& record);
  // Moves on to the next epoch: best weights, schedules, early stopping; adds a checkpoint if due.
  void FinishEpoch(v1::EpochReport* report);
  void KeepBest(const v1::Epoch& record);
  void ObserveEarlyStopping(const v1::Epoch& record);
  bool Finished() const {
    return progress_.epochs_done() >= plan_.length.epochs || progress_.stopped_early();
  }
  v1::Checkpoint MakeCheckpoint();
  // Reports a checkpoint between two steps. False: refused.
  bool SaveInsideEpoch();
  double SecondsInEpoch() const { return seconds_before_ + epoch_watch_.Seconds(); }
  v1::TestResult Test(v1::TestResult::Weights weights, int32_t epoch);
  v1::RunEnd Complete();
  void Diverge(absl::string_view what, int64_t epoch, int64_t step);

  const v1::RunAssignment& assignment_;
  const v1::TrainingConfig& config_;
  const int64_t seed_;
  const data::Dataset& dataset_;
  const config::RunPlan& plan_;
  const TrainingObserver& observer_;
  const std::stop_token& stop_;
  const data::Split split_;
  config::ThetaSchedule schedule_;
  std::unique_ptr<engines::Engine> engine_;
  Probe probe_;

  v1::TrainingProgress progress_;
  engines::StepTotals totals_;  // of the epoch in progress
  model::Tensors best_weights_;
  double seconds_before_ = 0;  // that earlier attempts spent on the epoch in progress
  Stopwatch epoch_watch_;
  Stopwatch checkpoint_watch_;
  absl::Status refused_;
  v1::RunEnd end_;
};

absl::StatusOr<v1::RunEnd> Training::Run() {
  probe_.Begin(probe_.needs_epoch_start() ? engine_->SaveWeights() : model::Tensors());
  if (!assignment_.checkpoint().empty()) {
    if (assignment_.dataset_sha256() != dataset_.sha256) {
      return Failed(
          v1::FAILURE_REASON_INVALID_DATA,
          absl::StrCat("data set ", config_.dataset().name(), " has changed since the run ",
                       "began: its SHA-256 was ", assignment_.dataset_sha256(), " and is ",
                       dataset_.sha256, ". Bring the old files back, or ",
                       "submit the run again with --like"));
    }
    if (const absl::Status status = Restore(); !status.ok()) {
      return Failed(v1::FAILURE_REASON_INTERNAL,
                    absl::StrCat("its checkpoint cannot be used: ", status.message()));
    }
  }
  v1::RunStarted started;
  started.set_engine(std::string(engine_->name()));
  started.set_dataset_sha256(dataset_.sha256);
  *started.mutable_network() = config::Summarize(plan_.network);
  ANNEAL_RETURN_IF_ERROR(observer_.on_started(std::move(started)));
  while (!Finished()) {
    v1::EpochReport report;
    if (!RunEpoch(&report)) {
      ANNEAL_RETURN_IF_ERROR(refused_);
      return end_;
    }
    FinishEpoch(&report);
    ANNEAL_RETURN_IF_ERROR(observer_.on_epoch(std::move(report)));
  }
  return Complete();
}

absl::Status Training::Restore() {
  ANNEAL_ASSIGN_OR_RETURN(model::TrainingState state,
                          model::DecodeCheckpoint(assignment_.checkpoint()));
  if (state.engine != engine_->name()) {
    // AUTO may have meant another one then: a run keeps the one that it began with.
    v1::TrainingConfig config = config_;
    config.set_engine(state.engine == "reference" ? v1::ENGINE_KIND_REFERENCE
                                                  : v1::ENGINE_KIND_FUSED);
    engine_ = MakeEngine(config, plan_, seed_);
  }
  ANNEAL_RETURN_IF_ERROR(engine_->LoadWeights(state.weights));
  ANNEAL_RETURN_IF_ERROR(engine_->LoadMoments(state.moments, state.progress.step()));
  progress_ = std::move(state.progress);
  schedule_.RestorePlateau(progress_.plateau());
  const bool current_is_best = progress_.best_epoch() > 0 && state.best_weights.empty();
  best_weights_ = current_is_best ? state.weights : std::move(state.best_weights);
  if (probe_.needs_epoch_start()) {
    probe_.Begin(progress_.has_partial() ? std::move(state.epoch_start_weights) : state.weights);
  }
  if (!progress_.has_partial()) return absl::OkStatus();
  const v1::PartialEpoch& partial = progress_.partial();
  if (partial.squared_gradient_norms_size() != static_cast<int>(plan_.network.layers.size()) ||
      partial.confusion_size() != dataset_.classes * dataset_.classes) {
    return absl::DataLossError("its progress is that of another network");
  }
  totals_.steps = partial.steps();
  totals_.loss_sum = partial.loss_sum();
  totals_.confusion = stats::ConfusionMatrix::FromCounts(
      {partial.confusion().data(), static_cast<size_t>(partial.confusion_size())});
  totals_.squared_gradient_norms.assign(partial.squared_gradient_norms().begin(),
                                        partial.squared_gradient_norms().end());
  seconds_before_ = partial.seconds();
  progress_.clear_partial();
  return absl::OkStatus();
}

bool Training::RunEpoch(v1::EpochReport* report) {
  epoch_watch_ = Stopwatch();
  v1::Epoch* record = report->mutable_epoch();
  record->set_epoch(progress_.epochs_done() + 1);
  if (!TrainEpoch(record)) return false;
  report->set_samples(static_cast<int64_t>(split_.train.size()));
  EvaluateEpoch(record);
  RecordThetas(report);
  // Before the probe, whose eigenvalues need finite numbers; and after it.
  if (!CheckFinite(*record)) return false;
  probe_.Measure(engine_.get(), record);
  record->set_epoch_seconds(SecondsInEpoch());
  record->set_elapsed_seconds(progress_.elapsed_seconds() + record->epoch_seconds());
  return CheckFinite(*record);
}

bool Training::TrainEpoch(v1::Epoch* record) {
  const int64_t epoch = progress_.epochs_done();
  const std::vector<int32_t> order = data::EpochOrder(split_.train, seed_, epoch);
  const auto rest =
      absl::MakeConstSpan(order).subspan(static_cast<size_t>(totals_.steps * config_.batch_size()));
  data::Batches batches(&dataset_, &dataset_.train, rest, config_.batch_size());
  const double every_seconds = config_.checkpoint().every_seconds();
  for (data::Batch batch = batches.Next(); batch.count > 0; batch = batches.Next()) {
    if (stop_.stop_requested()) {
      end_.set_stopped(true);
      SaveInsideEpoch();
      return false;
    }
    const bool due = every_seconds > 0 && checkpoint_watch_.Seconds() >= every_seconds;
    if (due && !SaveInsideEpoch()) return false;
    if (!TrainBatch(batch, epoch, record)) return false;
  }
  RecordTraining(order, record);
  return true;
}

bool Training::TrainBatch(const data::Batch& batch, int64_t epoch, v1::Epoch* record) {
  const int64_t step = progress_.step();
  const double factor = config::LearningRateFactor(config_.optimizer(), plan_.length, epoch, step);
  const engines::StepSettings settings = {
      .learning_rate = factor * config_.optimizer().learning_rate(),
      .theta_learning_rate = factor * config_.theta().learning_rate(),
      .theta = schedule_.Value(epoch, step)};
  const double loss = engine_->TrainStep(batch, settings, &totals_);
  if (!std::isfinite(loss)) {
    Diverge(absl::StrCat("the training loss is ", loss), epoch, step);
    return false;
  }
  record->set_learning_rate(settings.learning_rate);
  progress_.set_step(step + 1);
  return true;
}

void Training::RecordTraining(const std::vector<int32_t>& order, v1::Epoch* record) const {
  const auto count = static_cast<double>(order.size());
  const stats::Scores scores = totals_.confusion.MacroScores();
  record->set_step(progress_.step());
  record->set_train_loss(totals_.loss_sum / count);
  record->set_train_accuracy(scores.accuracy);
  record->set_train_precision(scores.precision);
  record->set_train_recall(scores.recall);
  record->set_train_f1(scores.f1);
  record->set_samples_per_second(count / SecondsInEpoch());
  for (const double squares : totals_.squared_gradient_norms) {
    record->add_layers()->set_gradient_norm(
        std::sqrt(squares / static_cast<double>(totals_.steps)));
  }
}

void Training::FinishEpoch(v1::EpochReport* report) {
  const v1::Epoch& record = report->epoch();
  progress_.set_epochs_done(record.epoch());
  progress_.set_elapsed_seconds(record.elapsed_seconds());
  *progress_.mutable_last_epoch() = record;
  totals_ = engines::StepTotals(dataset_.classes, plan_.network.layers.size());
  seconds_before_ = 0;
  KeepBest(record);
  schedule_.ObserveEpoch(record.train_loss());
  ObserveEarlyStopping(record);
  const bool best = progress_.best_epoch() == record.epoch();
  if (best || Finished() || record.epoch() % config_.checkpoint().every_epochs() == 0) {
    *report->mutable_checkpoint() = MakeCheckpoint();
    report->mutable_checkpoint()->set_best(best);
  }
}

v1::Checkpoint Training::MakeCheckpoint() {
  checkpoint_watch_ = Stopwatch();
  *progress_.mutable_plateau() = schedule_.plateau_position();
  model::TrainingState state = {.run = assignment_.name(),
                                .engine = std::string(engine_->name()),
                                .config = config_,
                                .progress = progress_,
                                .weights = engine_->SaveWeights(),
                                .moments = engine_->SaveMoments()};
  const bool inside = state.progress.has_partial();
  if (inside || progress_.best_epoch() != progress_.epochs_done()) {
    state.best_weights = best_weights_;
  }
  if (inside) state.epoch_start_weights = probe_.epoch_start();
  v1::Checkpoint checkpoint;
  checkpoint.set_epoch(progress_.epochs_done());
  checkpoint.set_step(progress_.step());
  checkpoint.set_contents(model::EncodeCheckpoint(state));
  return checkpoint;
}

bool Training::SaveInsideEpoch() {
  v1::PartialEpoch* partial = progress_.mutable_partial();
  partial->set_steps(totals_.steps);
  partial->set_seconds(SecondsInEpoch());
  partial->set_loss_sum(totals_.loss_sum);
  const absl::Span<const int64_t> counts = totals_.confusion.counts();
  partial->mutable_confusion()->Assign(counts.begin(), counts.end());
  partial->mutable_squared_gradient_norms()->Assign(totals_.squared_gradient_norms.begin(),
                                                    totals_.squared_gradient_norms.end());
  refused_ = observer_.on_checkpoint(MakeCheckpoint());
  progress_.clear_partial();
  return refused_.ok();
}

void Training::EvaluateEpoch(v1::Epoch* record) {
  const Evaluation current =
      Evaluate(dataset_.train, split_.validation, engines::ThetaMode::kCurrent);
  const stats::Scores scores = current.confusion.MacroScores();
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
      is_relu ? current : Evaluate(dataset_.train, split_.validation, engines::ThetaMode::kRelu);
  const stats::Scores relu_scores = relu.confusion.MacroScores();
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
  *report->mutable_epoch()->mutable_theta() = model::SummarizeThetas(report->thetas());
}

Evaluation Training::Evaluate(const data::LabelledImages& part, absl::Span<const int32_t> indices,
                              engines::ThetaMode mode) {
  Evaluation result{.confusion = stats::ConfusionMatrix(dataset_.classes)};
  data::Batches batches(&dataset_, &part, indices, kEvaluationBatch);
  for (data::Batch batch = batches.Next(); batch.count > 0; batch = batches.Next()) {
    result.loss += engine_->Evaluate(batch, mode, &result.confusion);
  }
  result.loss /= static_cast<double>(indices.size());
  return result;
}

void Training::EstimateReluStatistics() {
  engine_->ResetReluStatistics();
  data::Batches batches(&dataset_, &dataset_.train, split_.train, config_.batch_size());
  for (int i = 0; i < kStatisticsBatches; ++i) {
    const data::Batch batch = batches.Next();
    if (batch.count == 0) return;
    engine_->UpdateReluStatistics(batch);
  }
}

void Training::Diverge(absl::string_view what, int64_t epoch, int64_t step) {
  end_ = Failed(v1::FAILURE_REASON_DIVERGED,
                absl::StrCat("diverged in epoch ", epoch + 1, ", step ", step + 1, ": ", what,
                             progress_.epochs_done() == 0
                                 ? std::string("; no epoch was finished")
                                 : absl::StrCat("; the last finite training loss was ",
                                                progress_.last_epoch().train_loss(), ", in epoch ",
                                                progress_.epochs_done()),
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
            record.epoch() - 1, progress_.step() - 1);
  }
  return finite;
}

void Training::KeepBest(const v1::Epoch& record) {
  const bool better = record.validation_accuracy() > progress_.best_accuracy() ||
                      (record.validation_accuracy() == progress_.best_accuracy() &&
                       record.validation_loss() < progress_.best_loss());
  if (!better) return;
  progress_.set_best_epoch(record.epoch());
  progress_.set_best_accuracy(record.validation_accuracy());
  progress_.set_best_loss(record.validation_loss());
  best_weights_ = engine_->SaveWeights();
}

void Training::ObserveEarlyStopping(const v1::Epoch& record) {
  const v1::EarlyStoppingConfig& early = config_.early_stopping();
  if (record.validation_loss() < progress_.lowest_validation_loss() - early.min_delta()) {
    progress_.set_lowest_validation_loss(record.validation_loss());
    progress_.set_epochs_without_improvement(0);
    return;
  }
  const int32_t epochs = progress_.epochs_without_improvement() + 1;
  progress_.set_epochs_without_improvement(epochs);
  progress_.set_stopped_early(early.patience() > 0 && epochs >= early.patience());
}

v1::TestResult Training::Test(v1::TestResult::Weights weights, int32_t epoch) {
  std::vector<int32_t> all(static_cast<size_t>(dataset_.test.count()));
  std::iota(all.begin(), all.end(), 0);
  const Evaluation evaluation = Evaluate(dataset_.test, all, engines::ThetaMode::kCurrent);
  const stats::Scores scores = evaluation.confusion.MacroScores();
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
  result.set_weights_sha256(model::WeightsDigest(engine_->SaveWeights()));
  return result;
}

v1::RunEnd Training::Complete() {
  v1::RunEnd end;
  *end.mutable_completed()->add_test_results() =
      Test(v1::TestResult::WEIGHTS_LAST, progress_.epochs_done());
  if (const absl::Status status = engine_->LoadWeights(best_weights_); !status.ok()) {
    return Failed(v1::FAILURE_REASON_INTERNAL, std::string(status.message()));
  }
  *end.mutable_completed()->add_test_results() =
      Test(v1::TestResult::WEIGHTS_BEST, progress_.best_epoch());
  for (const v1::TestResult& result : end.completed().test_results()) {
    if (!std::isfinite(result.loss())) {
      Diverge(absl::StrCat("the test loss is ", result.loss()), progress_.epochs_done() - 1,
              progress_.step() - 1);
      return end_;
    }
  }
  return end;
}

}  // namespace

absl::StatusOr<v1::RunEnd> Train(const v1::RunAssignment& assignment, const data::Dataset& dataset,
                                 const TrainingObserver& observer, const std::stop_token& stop) {
  const absl::StatusOr<config::RunPlan> plan =
      config::PlanRun(assignment.config(), dataset.shape());
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
