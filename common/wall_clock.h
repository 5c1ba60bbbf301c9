// `WallClock` is the wall clock as a function, injected so that tests can set it.

#ifndef ANNEAL_COMMON_WALL_CLOCK_H_
#define ANNEAL_COMMON_WALL_CLOCK_H_

#include <cstdint>
#include <functional>

#include "google/protobuf/timestamp.pb.h"

namespace anneal {

// Returns microseconds since 1970, UTC. It may be set back: order by sequence numbers, and measure
// durations with a monotonic clock.
using WallClock = std::function<int64_t()>;

int64_t SystemWallClock();

// Converts microseconds since 1970, UTC.
google::protobuf::Timestamp ToTimestamp(int64_t micros);

}  // namespace anneal

#endif  // ANNEAL_COMMON_WALL_CLOCK_H_
