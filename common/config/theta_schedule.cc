#include "common/config/theta_schedule.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numbers>

namespace anneal::config {
namespace {

double Progress(int64_t done, int64_t span) {
  return static_cast<double>(done) / static_cast<double>(span);
}

double Linear(const v1::ThetaConfig& /*config*/, int64_t done, int64_t span) {
  return Progress(done, span);
}

double Cosine(const v1::ThetaConfig& /*config*/, int64_t done, int64_t span) {
  return (1 - std::cos(std::numbers::pi * Progress(done, span))) / 2;
}

double Sqrt(const v1::ThetaConfig& /*config*/, int64_t done, int64_t span) {
  return std::sqrt(Progress(done, span));
}

double Power(const v1::ThetaConfig& config, int64_t done, int64_t span) {
  return std::pow(Progress(done, span), config.power());
}

double Exponential(const v1::ThetaConfig& config, int64_t done, int64_t span) {
  return std::expm1(-config.rate() * Progress(done, span)) / std::expm1(-config.rate());
}

double Step(const v1::ThetaConfig& config, int64_t done, int64_t span) {
  // In whole numbers: steps * p may round to just below one.
  const int64_t steps_done = config.steps() * done / span;
  return static_cast<double>(steps_done) / config.steps();
}

constexpr ThetaScheduleTraits kTraits[] = {
    {.schedule = v1::THETA_SCHEDULE_UNSPECIFIED},
    {.schedule = v1::THETA_SCHEDULE_CONSTANT},
    {.schedule = v1::THETA_SCHEDULE_LINEAR, .moves = true, .share = Linear},
    {.schedule = v1::THETA_SCHEDULE_COSINE, .moves = true, .share = Cosine},
    {.schedule = v1::THETA_SCHEDULE_SQRT, .moves = true, .share = Sqrt},
    {.schedule = v1::THETA_SCHEDULE_POWER, .moves = true, .share = Power},
    {.schedule = v1::THETA_SCHEDULE_EXPONENTIAL, .moves = true, .share = Exponential},
    {.schedule = v1::THETA_SCHEDULE_STEP, .moves = true, .share = Step},
    {.schedule = v1::THETA_SCHEDULE_JUMP, .moves = true, .holds_half = true},
    {.schedule = v1::THETA_SCHEDULE_PLATEAU, .moves = true, .needs_state = true},
};
static_assert(std::size(kTraits) == v1::ThetaSchedule_ARRAYSIZE,
              "give the new schedule of config.proto a row");

constexpr bool RowsAreWhereTheirValuesSay() {
  for (size_t i = 0; i < std::size(kTraits); ++i) {
    if (static_cast<size_t>(kTraits[i].schedule) != i) return false;
  }
  return true;
}
static_assert(RowsAreWhereTheirValuesSay(), "order the rows by the schedules' numbers");

}  // namespace

const ThetaScheduleTraits& TraitsOf(v1::ThetaSchedule schedule) {
  return v1::ThetaSchedule_IsValid(schedule) ? kTraits[schedule] : kTraits[0];
}

ThetaSchedule::ThetaSchedule(const v1::ThetaConfig& config, RunLength length)
    : config_(config),
      traits_(&TraitsOf(config.policy() == v1::THETA_POLICY_SCHEDULED
                            ? config.schedule()
                            : v1::THETA_SCHEDULE_CONSTANT)),
      length_(length),
      hold_(Hold(config, length)) {
  span_ = config.has_span() ? config.span() : LastUnit(config, length) - hold_;
}

int64_t ThetaSchedule::LastUnit(const v1::ThetaConfig& config, RunLength length) {
  return config.unit() == v1::SCHEDULE_UNIT_STEP ? length.epochs * length.steps_per_epoch - 1
                                                 : length.epochs - 1;
}

int64_t ThetaSchedule::Hold(const v1::ThetaConfig& config, RunLength length) {
  if (config.has_hold() || !TraitsOf(config.schedule()).holds_half) return config.hold();
  return (LastUnit(config, length) + 1) / 2;
}

double ThetaSchedule::Value(int64_t epoch, int64_t step) const {
  if (!traits_->moves) return config_.start();
  if (traits_->needs_state) return PlateauValue();
  const int64_t done = config_.unit() == v1::SCHEDULE_UNIT_STEP ? step : epoch;
  if (!traits_->has_span()) return done < hold_ ? config_.start() : config_.end();
  if (done <= hold_) return config_.start();
  if (done >= hold_ + span_) return config_.end();
  return config_.start() +
         (config_.end() - config_.start()) * traits_->share(config_, done - hold_, span_);
}

bool ThetaSchedule::AtEnd(int64_t epoch, int64_t step) const {
  if (!traits_->moves) return true;
  if (traits_->needs_state) return PlateauShare() >= 1;
  const int64_t done = config_.unit() == v1::SCHEDULE_UNIT_STEP ? step : epoch;
  return done >= hold_ + (traits_->has_span() ? span_ : 0);
}

std::optional<int64_t> ThetaSchedule::FirstEpochAtEnd(int64_t epochs) const {
  if (traits_->needs_state) return std::nullopt;
  for (int64_t epoch = 0; epoch < epochs; ++epoch) {
    if (AtEnd(epoch, (epoch + 1) * length_.steps_per_epoch - 1)) return epoch;
  }
  return std::nullopt;
}

double ThetaSchedule::PlateauValue() const {
  if (PlateauShare() >= 1) return config_.end();
  return config_.start() + (config_.end() - config_.start()) * PlateauShare();
}

void ThetaSchedule::ObserveEpoch(double train_loss) {
  if (!traits_->needs_state) return;
  plateau_.set_epochs_seen(plateau_.epochs_seen() + 1);
  if (plateau_.epochs_seen() <= hold_) return;
  const v1::PlateauConfig& plateau = config_.plateau();
  if (!plateau_.has_best_loss() || train_loss < (1 - plateau.tolerance()) * plateau_.best_loss()) {
    plateau_.set_best_loss(train_loss);
    plateau_.set_epochs_without_improvement(0);
    return;
  }
  plateau_.set_epochs_without_improvement(plateau_.epochs_without_improvement() + 1);
  if (plateau_.epochs_without_improvement() < plateau.patience()) return;
  plateau_.set_notches(plateau_.notches() + 1);
  plateau_.clear_best_loss();
  plateau_.set_epochs_without_improvement(0);
}

}  // namespace anneal::config
