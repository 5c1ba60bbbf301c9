#include "server/training/progress.h"

#include <limits>

namespace anneal::training {

v1::TrainingProgress NewProgress() {
  v1::TrainingProgress progress;
  progress.set_best_accuracy(-1);
  RestartEarlyStopping(&progress);
  return progress;
}

namespace {

void SetBest(const v1::Epoch& record, v1::TrainingProgress* progress) {
  progress->set_best_epoch(record.epoch());
  progress->set_best_accuracy(record.validation_accuracy());
  progress->set_best_loss(record.validation_loss());
}

}  // namespace

bool ObserveBest(const v1::Epoch& record, v1::TrainingProgress* progress) {
  if (!record.eligible()) return false;
  if (progress->first_eligible_epoch() == 0) progress->set_first_eligible_epoch(record.epoch());
  const bool better = record.validation_accuracy() > progress->best_accuracy() ||
                      (record.validation_accuracy() == progress->best_accuracy() &&
                       record.validation_loss() < progress->best_loss());
  if (better) SetBest(record, progress);
  return better;
}

bool FallBackToLast(const v1::Epoch& record, v1::TrainingProgress* progress) {
  if (progress->best_epoch() > 0) return false;
  SetBest(record, progress);
  return true;
}

void ForgetIneligibleBest(v1::TrainingProgress* progress) {
  const int32_t first = progress->first_eligible_epoch();
  if (first > 0 && progress->best_epoch() >= first) return;
  progress->set_best_epoch(0);
  progress->set_best_accuracy(NewProgress().best_accuracy());
  progress->clear_best_loss();
}

void ObserveEarlyStopping(const v1::EarlyStoppingConfig& config, const v1::Epoch& record,
                          v1::TrainingProgress* progress) {
  if (!record.eligible()) return;
  if (record.validation_loss() < progress->lowest_validation_loss() - config.min_delta()) {
    progress->set_lowest_validation_loss(record.validation_loss());
    progress->set_epochs_without_improvement(0);
    return;
  }
  const int32_t epochs = progress->epochs_without_improvement() + 1;
  progress->set_epochs_without_improvement(epochs);
  progress->set_stopped_early(config.patience() > 0 && epochs >= config.patience());
}

void RestartEarlyStopping(v1::TrainingProgress* progress) {
  progress->set_lowest_validation_loss(std::numeric_limits<double>::infinity());
  progress->set_epochs_without_improvement(0);
  progress->set_stopped_early(false);
}

v1::PartialEpoch ToPartialEpoch(const engines::StepTotals& totals, double seconds) {
  v1::PartialEpoch partial;
  partial.set_steps(totals.steps);
  partial.set_seconds(seconds);
  partial.set_loss_sum(totals.loss_sum);
  const absl::Span<const int64_t> counts = totals.confusion.counts();
  partial.mutable_confusion()->Assign(counts.begin(), counts.end());
  partial.mutable_squared_gradient_norms()->Assign(totals.squared_gradient_norms.begin(),
                                                   totals.squared_gradient_norms.end());
  return partial;
}

absl::StatusOr<engines::StepTotals> FromPartialEpoch(const v1::PartialEpoch& partial, int classes,
                                                     size_t layers) {
  if (partial.squared_gradient_norms_size() != static_cast<int>(layers) ||
      partial.confusion_size() != classes * classes) {
    return absl::DataLossError("its progress belongs to another network");
  }
  engines::StepTotals totals(classes, layers);
  totals.steps = partial.steps();
  totals.loss_sum = partial.loss_sum();
  totals.confusion = stats::ConfusionMatrix::FromCounts(
      {partial.confusion().data(), static_cast<size_t>(partial.confusion_size())});
  totals.squared_gradient_norms.assign(partial.squared_gradient_norms().begin(),
                                       partial.squared_gradient_norms().end());
  return totals;
}

}  // namespace anneal::training
