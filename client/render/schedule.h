// `ScheduleChart` previews a config's schedules before training. Pure.

#ifndef ANNEAL_CLIENT_RENDER_SCHEDULE_H_
#define ANNEAL_CLIENT_RENDER_SCHEDULE_H_

#include <cstdint>
#include <string>

#include "anneal/v1/config.pb.h"

namespace anneal::client::render {

// Returns one line per epoch (about 20 of a long run, including the first and last): theta at its
// first step, with a bar from 0 to pi/4, and the learning rate. `config` is resolved and valid.
// PLATEAU, which depends on the loss, and trainable thetas are described in words.
std::string ScheduleChart(const v1::TrainingConfig& config, int64_t steps_per_epoch);

}  // namespace anneal::client::render

#endif  // ANNEAL_CLIENT_RENDER_SCHEDULE_H_
