#include "common/config/extend.h"

namespace anneal::config {
namespace {

bool HasSpan(v1::ThetaSchedule schedule) {
  return schedule != v1::THETA_SCHEDULE_CONSTANT && schedule != v1::THETA_SCHEDULE_JUMP &&
         schedule != v1::THETA_SCHEDULE_PLATEAU;
}

}  // namespace

v1::TrainingConfig ExtendConfig(v1::TrainingConfig config, RunLength length, int32_t epochs) {
  v1::ThetaConfig* theta = config.mutable_theta();
  if (theta->policy() == v1::THETA_POLICY_SCHEDULED) {
    const int64_t last = ThetaSchedule::LastUnit(*theta, length);
    if (theta->schedule() == v1::THETA_SCHEDULE_JUMP && !theta->has_hold()) {
      theta->set_hold(ThetaSchedule::DefaultJump(last));
    }
    if (HasSpan(theta->schedule()) && !theta->has_span()) theta->set_span(last - theta->hold());
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
