// `ThetaSchedule` computes the path of a scheduled theta, and a table has the traits and the
// formula of each schedule of config.proto. Pure arithmetic; not thread-safe, since PLATEAU moves
// with what it observes.

#ifndef ANNEAL_COMMON_CONFIG_THETA_SCHEDULE_H_
#define ANNEAL_COMMON_CONFIG_THETA_SCHEDULE_H_

#include <cstdint>

#include "anneal/v1/config.pb.h"
#include "anneal/v1/worker.pb.h"

namespace anneal::config {

// The length of a run.
struct RunLength {
  int64_t epochs = 0;
  int64_t steps_per_epoch = 0;
};

// The traits of a schedule, from which all code that handles schedules follows. A new schedule is
// a value in config.proto and a row of the table in theta_schedule.cc.
struct ThetaScheduleTraits {
  v1::ThetaSchedule schedule;
  // Leaves theta.start, for which a run needs two units.
  bool moves = false;
  // Follows the training loss instead of the units done: its position belongs into checkpoints, and
  // its only unit is EPOCH.
  bool needs_state = false;
  // Unset, theta.hold is half of the run instead of 0.
  bool holds_half = false;
  // f(p) after `done` of `span` units, 0 < done < span, as config.proto defines it. Null for a
  // schedule without a span.
  double (*share)(const v1::ThetaConfig& config, int64_t done, int64_t span) = nullptr;

  bool has_span() const { return share != nullptr; }
};

// Returns the traits of a schedule; of THETA_SCHEDULE_UNSPECIFIED for a value that this build does
// not know.
const ThetaScheduleTraits& TraitsOf(v1::ThetaSchedule schedule);

class ThetaSchedule {
 public:
  // `config` must be resolved and valid for `length` (validation.h). FIXED and TRAINABLE
  // configs give the constant `start`.
  ThetaSchedule(const v1::ThetaConfig& config, RunLength length);

  // theta for a step; both indices from 0, `step` counted from the start of the run.
  double Value(int64_t epoch, int64_t step) const;

  // Tells PLATEAU the training loss of the epoch that just ended; others ignore it. Must be called
  // once an epoch, in order.
  void ObserveEpoch(double train_loss);

  // Returns the state of PLATEAU, from which another object of the same config continues.
  const v1::PlateauPosition& plateau_position() const { return plateau_; }
  void RestorePlateau(const v1::PlateauPosition& position) { plateau_ = position; }

  // The largest hold + span that reaches `end` inside the run: one less than the units in it.
  static int64_t LastUnit(const v1::ThetaConfig& config, RunLength length);
  // theta.hold, or what it is where it is unset.
  static int64_t Hold(const v1::ThetaConfig& config, RunLength length);

 private:
  double PlateauValue() const;

  v1::ThetaConfig config_;
  const ThetaScheduleTraits* traits_;  // of its schedule; CONSTANT's for other policies
  int64_t hold_ = 0;
  int64_t span_ = 1;
  v1::PlateauPosition plateau_;
};

}  // namespace anneal::config

#endif  // ANNEAL_COMMON_CONFIG_THETA_SCHEDULE_H_
