// What a config's schedules come to, before anything is trained. Pure.

#ifndef ANNEAL_CLIENT_RENDER_SCHEDULE_H_
#define ANNEAL_CLIENT_RENDER_SCHEDULE_H_

#include <cstdint>
#include <string>

#include "anneal/v1/config.pb.h"

namespace anneal::client::render {

// A line an epoch (of long runs, some 20 of them, the first and the last among them): theta in its
// first step with a bar from 0 to pi/4, and the learning rate. `config` is resolved and valid.
// PLATEAU, which follows the loss, and trainable thetas are told in words.
std::string ScheduleChart(const v1::TrainingConfig& config, int64_t steps_per_epoch);

}  // namespace anneal::client::render

#endif  // ANNEAL_CLIENT_RENDER_SCHEDULE_H_
