#include "server/training/trainer.h"

#include <chrono>
#include <cmath>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/config/learning_rate.h"
#include "common/config/theta_schedule.h"
#include "common/config/validation.h"
#include "common/status.h"
#include "server/training/data/batches.h"
#include "server/training/data/randomness.h"
#include "server/training/engines/engine.h"
#include "server/training/epoch_record.h"
#include "server/training/evaluation.h"
#include "server/training/make_engine.h"
#include "server/training/model/checkpoint.h"
#include "server/training/probe.h"
#include "server/training/progress.h"
#include "server/training/provenance.h"

namespace anneal::training {
namespace {

class Stopwatch {
 public:
  double Seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// The result of a part of a run: nothing if training continues, the run's end, or the observer's
// error.
using Outcome = absl::StatusOr<std::optional<v1::RunEnd>>;

v1::RunEnd Failed(v1::FailureReason reason, std::string message) {
  v1::RunEnd end;
  end.mutable_failure()->set_reason(reason);
  end.mutable_failure()->set_message(std::move(message));
  return end;
}

// Holds the working state of one run, in the order in which it is initialised.
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
        evaluator_(config_, dataset_, split_),
        progress_(NewProgress()),
        totals_(dataset.classes, plan.network.layers.size()) {}

  // Errors are the observer's, here and below.
  absl::StatusOr<v1::RunEnd> Run();

 private:
  // Restores the assignment's checkpoint, where there is one. Returns the end of a run that cannot
  // resume.
  std::optional<v1::RunEnd> Resume();
  absl::Status Restore();
  v1::RunStarted Started() const;
  // Trains and evaluates one epoch and fills in its report.
  Outcome RunEpoch(v1::EpochReport* report);
  Outcome TrainEpoch(v1::Epoch* record);
  // Takes one optimiser step. Returns the end of a run that diverged.
  std::optional<v1::RunEnd> TrainBatch(const data::Batch& batch, int64_t epoch, v1::Epoch* record);
  // Advances to the next epoch: best weights, schedules, early stopping; adds a checkpoint if due.
  void FinishEpoch(v1::EpochReport* report);
  bool Finished() const {
    return progress_.epochs_done() >= plan_.length.epochs || progress_.stopped_early();
  }
  v1::Checkpoint MakeCheckpoint();
  // Reports a checkpoint between two steps.
  absl::Status SaveInsideEpoch();
  double SecondsInEpoch() const { return seconds_before_ + epoch_watch_.Seconds(); }
  // Restores the best epoch of a checkpoint, with its weights.
  void RestoreBest(const model::Tensors& weights, model::Tensors best_weights);
  // Tests the last and the best weights, if the config asks for it.
  v1::RunEnd Complete();
  // Returns false where a result is not finite.
  bool AddTestResult(v1::TestResult::Weights weights, int32_t epoch, v1::RunCompleted* completed);
  v1::RunEnd Diverged(absl::string_view what, int64_t epoch, int64_t step) const;
  v1::RunEnd DivergedAtEndOf(const v1::Epoch& record) const;

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
  const Evaluator evaluator_;

  v1::TrainingProgress progress_;
  engines::StepTotals totals_;  // of the epoch in progress
  model::Tensors best_weights_;
  double seconds_before_ = 0;  // that earlier attempts spent on the epoch in progress
  Stopwatch epoch_watch_;
  Stopwatch checkpoint_watch_;
};

absl::StatusOr<v1::RunEnd> Training::Run() {
  probe_.Begin(probe_.needs_epoch_start() ? engine_->SaveWeights() : model::Tensors());
  if (const std::optional<v1::RunEnd> end = Resume(); end.has_value()) return *end;
  ANNEAL_RETURN_IF_ERROR(observer_.on_started(Started()));
  while (!Finished()) {
    v1::EpochReport report;
    ANNEAL_ASSIGN_OR_RETURN(const std::optional<v1::RunEnd> end, RunEpoch(&report));
    if (end.has_value()) return *end;
    FinishEpoch(&report);
    ANNEAL_RETURN_IF_ERROR(observer_.on_epoch(std::move(report)));
  }
  return Complete();
}

std::optional<v1::RunEnd> Training::Resume() {
  if (assignment_.checkpoint().empty()) return std::nullopt;
  if (assignment_.dataset_sha256() != dataset_.sha256) {
    return Failed(v1::FAILURE_REASON_INVALID_DATA,
                  absl::StrCat("data set ", config_.dataset().name(), " has changed since the run ",
                               "began: its SHA-256 was ", assignment_.dataset_sha256(), " and is ",
                               dataset_.sha256, ". Restore the old files, or submit the run again ",
                               "with --like"));
  }
  if (const absl::Status status = Restore(); !status.ok()) {
    return Failed(v1::FAILURE_REASON_INTERNAL,
                  absl::StrCat("the run's checkpoint cannot be used: ", status.message()));
  }
  return std::nullopt;
}

absl::Status Training::Restore() {
  ANNEAL_ASSIGN_OR_RETURN(model::TrainingState state,
                          model::DecodeCheckpoint(assignment_.checkpoint()));
  if (state.engine != engine_->name()) {
    // AUTO may have selected another engine at the start: a run keeps its first engine.
    v1::TrainingConfig config = config_;
    config.set_engine(state.engine == "reference" ? v1::ENGINE_KIND_REFERENCE
                                                  : v1::ENGINE_KIND_FUSED);
    engine_ = MakeEngine(config, plan_, seed_);
  }
  ANNEAL_RETURN_IF_ERROR(engine_->LoadWeights(state.weights));
  ANNEAL_RETURN_IF_ERROR(engine_->LoadMoments(state.moments, state.progress.step()));
  progress_ = std::move(state.progress);
  schedule_.RestorePlateau(progress_.plateau());
  RestoreBest(state.weights, std::move(state.best_weights));
  if (probe_.needs_epoch_start()) {
    probe_.Begin(progress_.has_partial() ? std::move(state.epoch_start_weights) : state.weights);
  }
  if (!progress_.has_partial()) return absl::OkStatus();
  ANNEAL_ASSIGN_OR_RETURN(totals_, FromPartialEpoch(progress_.partial(), dataset_.classes,
                                                    plan_.network.layers.size()));
  seconds_before_ = progress_.partial().seconds();
  progress_.clear_partial();
  return absl::OkStatus();
}

void Training::RestoreBest(const model::Tensors& weights, model::Tensors best_weights) {
  const bool current_is_best = progress_.best_epoch() > 0 && best_weights.empty();
  best_weights_ = current_is_best ? weights : std::move(best_weights);
  if (progress_.first_eligible_epoch() == 0) {
    // Checkpoints of older daemons do not have it.
    const std::optional<int64_t> first = schedule_.FirstEpochAtEnd(progress_.epochs_done());
    if (first.has_value()) progress_.set_first_eligible_epoch(static_cast<int32_t>(*first) + 1);
    // Their early stopping counted the epochs before it.
    if (first != 0) RestartEarlyStopping(&progress_);
  }
  ForgetIneligibleBest(&progress_);
  if (progress_.best_epoch() > 0) return;
  best_weights_ = model::Tensors();
  // The run had ended, but for its test.
  if (Finished() && FallBackToLast(progress_.last_epoch(), &progress_)) best_weights_ = weights;
}

v1::RunStarted Training::Started() const {
  v1::RunStarted started;
  started.set_engine(std::string(engine_->name()));
  started.set_dataset_sha256(dataset_.sha256);
  *started.mutable_network() = config::Summarize(plan_.network);
  *started.mutable_split() = SummarizeSplit(dataset_, split_);
  *started.mutable_provenance() = ThisProvenance();
  return started;
}

Outcome Training::RunEpoch(v1::EpochReport* report) {
  epoch_watch_ = Stopwatch();
  v1::Epoch* record = report->mutable_epoch();
  record->set_epoch(progress_.epochs_done() + 1);
  ANNEAL_ASSIGN_OR_RETURN(std::optional<v1::RunEnd> end, TrainEpoch(record));
  if (end.has_value()) return end;
  report->set_samples(static_cast<int64_t>(split_.train.size()));
  record->set_eligible(schedule_.AtEnd(progress_.epochs_done(), progress_.step() - 1));
  evaluator_.EvaluateEpoch(engine_.get(), record);
  RecordThetas(*engine_, report);
  // Checked before the probe, whose eigenvalues need finite numbers, and after it.
  if (!IsFinite(*record)) return DivergedAtEndOf(*record);
  probe_.Measure(engine_.get(), record);
  record->set_epoch_seconds(SecondsInEpoch());
  record->set_elapsed_seconds(progress_.elapsed_seconds() + record->epoch_seconds());
  if (!IsFinite(*record)) return DivergedAtEndOf(*record);
  return std::nullopt;
}

Outcome Training::TrainEpoch(v1::Epoch* record) {
  const int64_t epoch = progress_.epochs_done();
  const std::vector<int32_t> order = data::EpochOrder(split_.train, seed_, epoch);
  const auto rest =
      absl::MakeConstSpan(order).subspan(static_cast<size_t>(totals_.steps * config_.batch_size()));
  data::Batches batches(&dataset_, &dataset_.train, rest, config_.batch_size());
  const double every_seconds = config_.checkpoint().every_seconds();
  for (data::Batch batch = batches.Next(); batch.count > 0; batch = batches.Next()) {
    if (stop_.stop_requested()) {
      ANNEAL_RETURN_IF_ERROR(SaveInsideEpoch());
      v1::RunEnd end;
      end.set_stopped(true);
      return end;
    }
    if (every_seconds > 0 && checkpoint_watch_.Seconds() >= every_seconds) {
      ANNEAL_RETURN_IF_ERROR(SaveInsideEpoch());
    }
    if (std::optional<v1::RunEnd> end = TrainBatch(batch, epoch, record); end.has_value()) {
      return end;
    }
  }
  record->set_step(progress_.step());
  RecordTraining(totals_, static_cast<int64_t>(order.size()), SecondsInEpoch(), record);
  return std::nullopt;
}

std::optional<v1::RunEnd> Training::TrainBatch(const data::Batch& batch, int64_t epoch,
                                               v1::Epoch* record) {
  const int64_t step = progress_.step();
  const double factor = config::LearningRateFactor(config_.optimizer(), plan_.length, epoch, step);
  const engines::StepSettings settings = {
      .learning_rate = factor * config_.optimizer().learning_rate(),
      .theta_learning_rate = factor * config_.theta().learning_rate(),
      .theta = schedule_.Value(epoch, step)};
  const double loss = engine_->TrainStep(batch, settings, &totals_);
  if (!std::isfinite(loss)) {
    return Diverged(absl::StrCat("the training loss is ", loss), epoch, step);
  }
  record->set_learning_rate(settings.learning_rate);
  progress_.set_step(step + 1);
  return std::nullopt;
}

void Training::FinishEpoch(v1::EpochReport* report) {
  const v1::Epoch& record = report->epoch();
  progress_.set_epochs_done(record.epoch());
  progress_.set_elapsed_seconds(record.elapsed_seconds());
  *progress_.mutable_last_epoch() = record;
  totals_ = engines::StepTotals(dataset_.classes, plan_.network.layers.size());
  seconds_before_ = 0;
  bool best = ObserveBest(record, &progress_);
  schedule_.ObserveEpoch(record.train_loss());
  ObserveEarlyStopping(config_.early_stopping(), record, &progress_);
  if (Finished()) best = FallBackToLast(record, &progress_) || best;
  if (best) best_weights_ = engine_->SaveWeights();
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

absl::Status Training::SaveInsideEpoch() {
  *progress_.mutable_partial() = ToPartialEpoch(totals_, SecondsInEpoch());
  v1::Checkpoint checkpoint = MakeCheckpoint();
  progress_.clear_partial();
  return observer_.on_checkpoint(std::move(checkpoint));
}

v1::RunEnd Training::Diverged(absl::string_view what, int64_t epoch, int64_t step) const {
  const std::string last =
      progress_.epochs_done() == 0
          ? std::string("no epoch was finished")
          : absl::StrCat("the last finite training loss was ", progress_.last_epoch().train_loss(),
                         ", in epoch ", progress_.epochs_done());
  return Failed(v1::FAILURE_REASON_DIVERGED,
                absl::StrCat("diverged in epoch ", epoch + 1, ", step ", step + 1, ": ", what, "; ",
                             last, ". Try a lower optimizer.learning_rate or optimizer.clip_norm"));
}

v1::RunEnd Training::DivergedAtEndOf(const v1::Epoch& record) const {
  return Diverged(
      absl::StrCat("a measurement is not finite (validation loss ", record.validation_loss(),
                   ", at theta = 0 ", record.validation_relu_loss(), ")"),
      record.epoch() - 1, progress_.step() - 1);
}

v1::RunEnd Training::Complete() {
  v1::RunEnd end;
  v1::RunCompleted* completed = end.mutable_completed();
  completed->set_weights_sha256(model::WeightsDigest(engine_->SaveWeights()));
  completed->set_best_weights_sha256(model::WeightsDigest(best_weights_));
  // Configs of older daemons do not have the field.
  if (config_.evaluation().has_test() && !config_.evaluation().test()) return end;
  bool is_finite = AddTestResult(v1::TestResult::WEIGHTS_LAST, progress_.epochs_done(), completed);
  if (const absl::Status status = engine_->LoadWeights(best_weights_); !status.ok()) {
    return Failed(v1::FAILURE_REASON_INTERNAL, std::string(status.message()));
  }
  is_finite =
      AddTestResult(v1::TestResult::WEIGHTS_BEST, progress_.best_epoch(), completed) && is_finite;
  if (is_finite) return end;
  return Diverged("a test result is not finite", progress_.epochs_done() - 1, progress_.step() - 1);
}

bool Training::AddTestResult(v1::TestResult::Weights weights, int32_t epoch,
                             v1::RunCompleted* completed) {
  v1::TestResult* result = completed->add_test_results();
  *result = evaluator_.Test(engine_.get(), weights, epoch);
  result->set_run_epochs(progress_.epochs_done());
  result->set_no_eligible_epoch(weights == v1::TestResult::WEIGHTS_BEST &&
                                progress_.first_eligible_epoch() == 0);
  return HasFiniteMetrics(*result);
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
    // LibTorch appends a stack trace to its messages; the first line has the cause.
    const std::string text = error.what();
    return Failed(v1::FAILURE_REASON_INTERNAL, text.substr(0, text.find('\n')));
  }
}

}  // namespace anneal::training
