// The path of a scheduled theta, as config.proto defines it (ThetaSchedule). Pure arithmetic; not
// thread-safe, since PLATEAU moves with what it observes.

#ifndef ANNEAL_COMMON_CONFIG_THETA_SCHEDULE_H_
#define ANNEAL_COMMON_CONFIG_THETA_SCHEDULE_H_

#include <cstdint>

#include "anneal/v1/config.pb.h"
#include "anneal/v1/worker.pb.h"

namespace anneal::config {

// How long a run is.
struct RunLength {
  int64_t epochs = 0;
  int64_t steps_per_epoch = 0;
};

class ThetaSchedule {
 public:
  // `config` must be resolved and valid for `length` (config_validation.h). FIXED and TRAINABLE
  // configs give the constant `start`.
  ThetaSchedule(const v1::ThetaConfig& config, RunLength length);

  // theta for a step; both indices from 0, `step` counted from the start of the run.
  double Value(int64_t epoch, int64_t step) const;

  // Tells PLATEAU the training loss of the epoch that just ended; others ignore it. Must be called
  // once an epoch, in order.
  void ObserveEpoch(double train_loss);

  // Where PLATEAU stands; to go on from there in another object of the same config.
  const v1::PlateauPosition& plateau_position() const { return plateau_; }
  void RestorePlateau(const v1::PlateauPosition& position) { plateau_ = position; }

  // The largest hold + span that reaches `end` inside the run: one less than the units in it.
  static int64_t LastUnit(const v1::ThetaConfig& config, RunLength length);
  // Where JUMP jumps unless `hold` says so: halfway to the last unit.
  static int64_t DefaultJump(int64_t last_unit) { return (last_unit + 1) / 2; }

 private:
  // `done` of `span_` units of the path, 0 < done < span_.
  double PathValue(int64_t done) const;
  double PlateauValue() const;

  v1::ThetaConfig config_;
  int64_t hold_ = 0;
  int64_t span_ = 1;
  v1::PlateauPosition plateau_;
};

}  // namespace anneal::config

#endif  // ANNEAL_COMMON_CONFIG_THETA_SCHEDULE_H_
