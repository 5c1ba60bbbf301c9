// These constants define the size limits of gRPC messages, in bytes, and the relations between
// them.
//
// A request is small. A response holds one resource, a page of them or a piece of a file. A page
// closes with the resource that exceeds its budget, so it can be as large as the budget and one
// resource. A resource is at most about as large as the request that created it, and the daemon's
// additions are smaller than that.

#ifndef ANNEAL_COMMON_MESSAGE_LIMITS_H_
#define ANNEAL_COMMON_MESSAGE_LIMITS_H_

#include <cstddef>
#include <cstdint>

namespace anneal {

// The largest request that the daemon accepts.
inline constexpr int kMaxRequestBytes = 1 << 20;

// The largest response that the daemon sends.
inline constexpr int kMaxResponseBytes = 4 << 20;

// The largest response that the client accepts, with room for daemons that send more.
inline constexpr int kMaxAcceptedResponseBytes = 8 << 20;

// The budget of a page of resources. Its first resource may exceed it.
inline constexpr size_t kMaxPageBytes = 2 << 20;

// The budget of a page of θ vectors, in values: packed floats.
inline constexpr int64_t kMaxPageThetas = kMaxPageBytes / sizeof(float);

// The piece of a checkpoint or backup that one response carries: small enough that slow clients
// hold little memory in the daemon.
inline constexpr int64_t kFilePieceBytes = 256 << 10;

static_assert(kMaxPageBytes + 2 * size_t{kMaxRequestBytes} <= size_t{kMaxResponseBytes},
              "a page and the resource that closes it must fit in a response");
static_assert(kMaxResponseBytes < kMaxAcceptedResponseBytes,
              "the client must accept what the daemon sends");
static_assert(2 * kFilePieceBytes <= kMaxRequestBytes,
              "a piece and its frame must fit in the smallest message limit");

}  // namespace anneal

#endif  // ANNEAL_COMMON_MESSAGE_LIMITS_H_
