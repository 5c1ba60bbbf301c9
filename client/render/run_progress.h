// `Progress` is the state of the runs that are watched. Plain values.

#ifndef ANNEAL_CLIENT_RENDER_RUN_PROGRESS_H_
#define ANNEAL_CLIENT_RENDER_RUN_PROGRESS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "anneal/v1/resources.pb.h"

namespace anneal::client::render {

// The state of a run, from the events seen so far.
struct RunProgress {
  std::string name;  // short name, such as first/0
  int32_t epochs_total = 0;
  v1::RunState state = v1::RUN_STATE_PENDING;
  v1::Failure failure;
  v1::Epoch last;
  absl::Time last_time;  // recording time, by the daemon's clock
  std::vector<double> validation_losses;
};

// The position of the watched runs in the daemon's queue.
struct QueueProgress {
  int length = 0;                   // runs of all users; 0: too many to count
  int position = 0;                 // of the first watched run, from 1; 0: none is queued
  std::optional<absl::Time> start;  // its estimated start
};

struct Progress {
  std::vector<RunProgress> runs;  // all watched runs, in order
  QueueProgress queue;
};

}  // namespace anneal::client::render

#endif  // ANNEAL_CLIENT_RENDER_RUN_PROGRESS_H_
