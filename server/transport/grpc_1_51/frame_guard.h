// `FrameGuard` limits what gRPC 1.51 accepts without limit from any client: header lists that never
// end or that precede the acknowledgement of the settings that limit them (CVE-2023-33953 and
// related), and calls that are reset at once, each of which stays allocated for a while
// (CVE-2023-44487). It reads HTTP/2 frame headers (RFC 9113, section 4.1) before gRPC does, and
// ignores payloads.

#ifndef ANNEAL_SERVER_TRANSPORT_GRPC_1_51_FRAME_GUARD_H_
#define ANNEAL_SERVER_TRANSPORT_GRPC_1_51_FRAME_GUARD_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace anneal::transport::grpc_1_51 {

// The guard of one connection, from the client's first byte. Not thread-safe. Allocates only for
// errors.
class FrameGuard {
 public:
  using Clock = std::chrono::steady_clock;

  // Bytes of one header list, including frame headers. gRPC refuses lists between its own limit of
  // 8 KiB and this one with RESOURCE_EXHAUSTED.
  static constexpr size_t kMaxHeaderBytes = size_t{64} << 10;
  // The limits before the client acknowledges the server's settings: until then gRPC enforces none.
  static constexpr size_t kMaxHeaderBytesBefore = size_t{4} << 10;
  static constexpr int kMaxCallsBefore = 100;
  // A token bucket of resets: its size, and its refill per second. A client that watches many runs
  // may cancel all of its calls at once.
  static constexpr double kMaxResets = 300;
  static constexpr double kResetsPerSecond = 100;

  explicit FrameGuard(Clock::time_point now) : filled_(now) {}

  // Reads the next bytes, split anywhere. RESOURCE_EXHAUSTED: the client exceeds a limit; the
  // connection must be closed.
  absl::Status Read(absl::string_view bytes, Clock::time_point now);

 private:
  absl::Status BeginFrame(Clock::time_point now);
  absl::Status TakeReset(Clock::time_point now);

  size_t skip_ = 24;  // bytes left of the preface or of a frame's payload
  std::array<uint8_t, 9> header_{};
  size_t header_size_ = 0;  // bytes of it that were read
  size_t header_bytes_ = 0;
  bool acknowledged_ = false;
  int calls_before_ = 0;
  double resets_left_ = kMaxResets;
  Clock::time_point filled_;
};

// Returns whether all servers of this process are guarded, which requires a gRPC with the functions
// that frame_guard_hook.cc replaces.
bool FramesAreGuarded();

}  // namespace anneal::transport::grpc_1_51

#endif  // ANNEAL_SERVER_TRANSPORT_GRPC_1_51_FRAME_GUARD_H_
