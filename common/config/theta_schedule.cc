#include "common/config/theta_schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace anneal::config {

ThetaSchedule::ThetaSchedule(const v1::ThetaConfig& config, RunLength length) : config_(config) {
  const int64_t last = LastUnit(config, length);
  const bool jump = config.schedule() == v1::THETA_SCHEDULE_JUMP;
  hold_ = config.has_hold() ? config.hold() : jump ? DefaultJump(last) : 0;
  span_ = config.has_span() ? config.span() : last - hold_;
}

int64_t ThetaSchedule::LastUnit(const v1::ThetaConfig& config, RunLength length) {
  return config.unit() == v1::SCHEDULE_UNIT_STEP ? length.epochs * length.steps_per_epoch - 1
                                                 : length.epochs - 1;
}

double ThetaSchedule::Value(int64_t epoch, int64_t step) const {
  if (config_.policy() != v1::THETA_POLICY_SCHEDULED) return config_.start();
  const int64_t done = config_.unit() == v1::SCHEDULE_UNIT_STEP ? step : epoch;
  switch (config_.schedule()) {
    case v1::THETA_SCHEDULE_CONSTANT:
      return config_.start();
    case v1::THETA_SCHEDULE_JUMP:
      return done < hold_ ? config_.start() : config_.end();
    case v1::THETA_SCHEDULE_PLATEAU:
      return PlateauValue();
    default:
      break;
  }
  if (done <= hold_) return config_.start();
  if (done >= hold_ + span_) return config_.end();
  return PathValue(done - hold_);
}

double ThetaSchedule::PathValue(int64_t done) const {
  const double p = static_cast<double>(done) / static_cast<double>(span_);
  double share = p;
  switch (config_.schedule()) {
    case v1::THETA_SCHEDULE_COSINE:
      share = (1 - std::cos(std::numbers::pi * p)) / 2;
      break;
    case v1::THETA_SCHEDULE_SQRT:
      share = std::sqrt(p);
      break;
    case v1::THETA_SCHEDULE_POWER:
      share = std::pow(p, config_.power());
      break;
    case v1::THETA_SCHEDULE_EXPONENTIAL:
      share = std::expm1(-config_.rate() * p) / std::expm1(-config_.rate());
      break;
    case v1::THETA_SCHEDULE_STEP: {
      // In whole numbers: steps * p may round to just below one.
      const int64_t steps_done = config_.steps() * done / span_;
      share = static_cast<double>(steps_done) / config_.steps();
      break;
    }
    default:  // LINEAR
      break;
  }
  return config_.start() + (config_.end() - config_.start()) * share;
}

double ThetaSchedule::PlateauValue() const {
  const double share = static_cast<double>(plateau_.notches()) * config_.plateau().notch();
  if (share >= 1) return config_.end();
  return config_.start() + (config_.end() - config_.start()) * share;
}

void ThetaSchedule::ObserveEpoch(double train_loss) {
  if (config_.policy() != v1::THETA_POLICY_SCHEDULED ||
      config_.schedule() != v1::THETA_SCHEDULE_PLATEAU) {
    return;
  }
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
