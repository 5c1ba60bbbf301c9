#include "common/config/extend.h"

namespace anneal::config {
v1::TrainingConfig ExtendConfig(v1::TrainingConfig config, RunLength length, int32_t epochs) {
  v1::ThetaConfig* theta = config.mutable_theta();
  if (theta->policy() == v1::THETA_POLICY_SCHEDULED) {
    const ThetaScheduleTraits& traits = TraitsOf(theta->schedule());
    if (traits.holds_half) theta->set_hold(ThetaSchedule::Hold(*theta, length));
    if (traits.has_span() && !theta->has_span()) {
      theta->set_span(ThetaSchedule::LastUnit(*theta, length) - theta->hold());
    }
  }
  v1::OptimizerConfig* optimizer = config.mutable_optimizer();
  const bool anneals = optimizer->schedule() == v1::LEARNING_RATE_SCHEDULE_LINEAR ||
                       optimizer->schedule() == v1::LEARNING_RATE_SCHEDULE_COSINE;
  if (anneals && !optimizer->has_schedule_epochs()) {
    optimizer->set_schedule_epochs(static_cast<int32_t>(length.epochs));
  }
  config.set_epochs(epochs);
  return config;
}

}  // namespace anneal::config
