#include "common/wall_clock.h"

#include <chrono>

namespace anneal {

int64_t SystemWallClock() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace anneal
