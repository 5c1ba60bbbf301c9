#include "server/transport/grpc_1_51/frame_guard.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace anneal::transport::grpc_1_51 {
namespace {

enum FrameType : uint8_t { kHeaders = 1, kResetStream = 3, kSettings = 4, kContinuation = 9 };
constexpr uint8_t kAcknowledges = 1;  // a flag of SETTINGS

absl::Status TooMany(absl::string_view what) {
  return absl::ResourceExhaustedError(absl::StrCat("too many ", what));
}

}  // namespace

absl::Status FrameGuard::Read(absl::string_view bytes, Clock::time_point now) {
  while (!bytes.empty()) {
    if (skip_ > 0) {
      const size_t skipped = std::min(skip_, bytes.size());
      skip_ -= skipped;
      bytes.remove_prefix(skipped);
      continue;
    }
    header_[header_size_++] = static_cast<uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    if (header_size_ < header_.size()) continue;
    header_size_ = 0;
    if (absl::Status status = BeginFrame(now); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status FrameGuard::BeginFrame(Clock::time_point now) {
  skip_ = size_t{header_[0]} << 16 | size_t{header_[1]} << 8 | header_[2];
  const uint8_t type = header_[3];
  if (type == kResetStream) return TakeReset(now);
  if (type == kSettings && (header_[4] & kAcknowledges) != 0) acknowledged_ = true;
  if (type == kHeaders) {
    header_bytes_ = 0;
    if (!acknowledged_ && ++calls_before_ > kMaxCallsBefore) {
      return TooMany("calls before the settings are acknowledged");
    }
  }
  if (type == kHeaders || type == kContinuation) {
    header_bytes_ += header_.size() + skip_;
    const size_t most = acknowledged_ ? kMaxHeaderBytes : kMaxHeaderBytesBefore;
    if (header_bytes_ > most) return TooMany("bytes of headers");
  }
  return absl::OkStatus();
}

absl::Status FrameGuard::TakeReset(Clock::time_point now) {
  const std::chrono::duration<double> passed = now - filled_;
  resets_left_ = std::min(kMaxResets, resets_left_ + kResetsPerSecond * passed.count());
  filled_ = now;
  if (resets_left_ < 1) return TooMany("reset calls");
  resets_left_ -= 1;
  return absl::OkStatus();
}

}  // namespace anneal::transport::grpc_1_51
