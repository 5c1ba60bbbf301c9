// `ThetaSchedule` computes the path of a scheduled theta; `TraitsOf` returns the traits and the
// formula of each schedule in config.proto. Pure arithmetic; not thread-safe, because PLATEAU
// depends on the observed losses.

#ifndef ANNEAL_COMMON_CONFIG_THETA_SCHEDULE_H_
#define ANNEAL_COMMON_CONFIG_THETA_SCHEDULE_H_

#include <cstdint>
#include <optional>

#include "anneal/v1/config.pb.h"
#include "anneal/v1/worker.pb.h"

namespace anneal::config {

// The length of a run.
struct RunLength {
  int64_t epochs = 0;
  int64_t steps_per_epoch = 0;
};

// The traits of a schedule, on which all code that handles schedules depends. A new schedule is a
// value in config.proto and a row of the table in theta_schedule.cc.
struct ThetaScheduleTraits {
  v1::ThetaSchedule schedule;
  // Leaves theta.start, for which a run needs two units.
  bool moves = false;
  // Follows the training loss instead of the units done: checkpoints include its position, and its
  // only unit is EPOCH.
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

  // Returns true if Value is the schedule's last value, `end`, at this step. Always true where
  // theta does not move.
  bool AtEnd(int64_t epoch, int64_t step) const;
  // Returns the first of the epochs 0..epochs-1 at the last step of which the schedule is at its
  // end; nothing if none is, and for PLATEAU, whose past is not known.
  std::optional<int64_t> FirstEpochAtEnd(int64_t epochs) const;

  // Passes PLATEAU the training loss of the epoch that just ended; other schedules ignore it. Must
  // be called once an epoch, in order.
  void ObserveEpoch(double train_loss);

  // Returns the state of PLATEAU, from which another object of the same config continues.
  const v1::PlateauPosition& plateau_position() const { return plateau_; }
  void RestorePlateau(const v1::PlateauPosition& position) { plateau_ = position; }

  // The largest hold + span that reaches `end` inside the run: one less than the units in it.
  static int64_t LastUnit(const v1::ThetaConfig& config, RunLength length);
  // Returns theta.hold, or its default if unset.
  static int64_t Hold(const v1::ThetaConfig& config, RunLength length);

 private:
  double PlateauValue() const;
  double PlateauShare() const {
    return static_cast<double>(plateau_.notches()) * config_.plateau().notch();
  }

  v1::ThetaConfig config_;
  const ThetaScheduleTraits* traits_;  // of its schedule; CONSTANT's for other policies
  RunLength length_;
  int64_t hold_ = 0;
  int64_t span_ = 1;
  v1::PlateauPosition plateau_;
};

}  // namespace anneal::config

#endif  // ANNEAL_COMMON_CONFIG_THETA_SCHEDULE_H_
