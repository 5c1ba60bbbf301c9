#include "common/wall_clock.h"

#include <chrono>

#include "google/protobuf/util/time_util.h"

namespace anneal {

int64_t SystemWallClock() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

google::protobuf::Timestamp ToTimestamp(int64_t micros) {
  return google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(micros);
}

}  // namespace anneal
