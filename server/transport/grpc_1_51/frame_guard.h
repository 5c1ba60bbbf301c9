// What gRPC 1.51 takes from anybody without end, and must not: header lists that never end or are
// sent before the settings that limit them are acknowledged (CVE-2023-33953 and its like), and
// calls that are reset at once, each of which lives on for a while (CVE-2023-44487). Looks at the
// frames of HTTP/2 (RFC 9113, section 4.1) before gRPC does; what is inside them is gRPC's.

#ifndef ANNEAL_SERVER_TRANSPORT_GRPC_1_51_FRAME_GUARD_H_
#define ANNEAL_SERVER_TRANSPORT_GRPC_1_51_FRAME_GUARD_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace anneal::transport::grpc_1_51 {

// Of one connection, from its client's first byte. Not thread-safe. Allocates nothing.
class FrameGuard {
 public:
  using Clock = std::chrono::steady_clock;

  // Of the frames of one header list, with their frames' headers. What is more than gRPC's 8 KiB
  // and less than this gRPC refuses with RESOURCE_EXHAUSTED.
  static constexpr size_t kMostHeaderBytes = size_t{64} << 10;
  // Clients acknowledge the server's settings as soon as they have them. Until then gRPC has no
  // limits for them.
  static constexpr size_t kMostHeaderBytesBefore = size_t{4} << 10;
  static constexpr int kMostCallsBefore = 100;
  // Of resets at once, and a second: who watches much may give up all of it.
  static constexpr double kMostResets = 300;
  static constexpr double kResetsPerSecond = 100;

  explicit FrameGuard(Clock::time_point now) : filled_(now) {}

  // What comes next, cut anywhere. RESOURCE_EXHAUSTED: the client takes too much; from then on the
  // connection is of no use.
  absl::Status Read(absl::string_view bytes, Clock::time_point now);

 private:
  absl::Status BeginFrame(Clock::time_point now);
  absl::Status TakeReset(Clock::time_point now);

  size_t skip_ = 24;  // bytes still to come of the preface, or of a frame's payload
  std::array<uint8_t, 9> header_{};
  size_t header_size_ = 0;  // bytes of it that have come
  size_t header_bytes_ = 0;
  bool acknowledged_ = false;
  int calls_before_ = 0;
  double resets_left_ = kMostResets;
  Clock::time_point filled_;
};

// Whether all servers of this process are guarded: gRPC must be a version whose functions this
// replaces (frame_guard_hook.cc).
bool FramesAreGuarded();

}  // namespace anneal::transport::grpc_1_51

#endif  // ANNEAL_SERVER_TRANSPORT_GRPC_1_51_FRAME_GUARD_H_
