// Installs a FrameGuard on every connection of gRPC's servers. gRPC has no extension point for it:
// data is decrypted inside of it. But gRPC 1.51 calls two of its own functions through the dynamic
// linker, which prefers the program's definitions; those below do their part and call gRPC's. In a
// version without these functions nothing here is called, and FramesAreGuarded() returns false.

#include <dlfcn.h>
#include <grpc/slice.h>
#include <spdlog/spdlog.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/mutex.h"
#include "server/transport/grpc_1_51/frame_guard.h"

struct grpc_chttp2_transport;
struct grpc_endpoint;
struct grpc_transport;
namespace grpc_core {
class ChannelArgs;
}

// As gRPC 1.51 declares them (src/core/ext/transport/chttp2/transport).
absl::Status grpc_chttp2_perform_read(grpc_chttp2_transport* transport, const grpc_slice& slice);
grpc_transport* grpc_create_chttp2_transport(const grpc_core::ChannelArgs& arguments,
                                             grpc_endpoint* endpoint, bool is_client);

namespace anneal::transport::grpc_1_51 {
namespace {

using ReadFunction = decltype(&grpc_chttp2_perform_read);
using CreateFunction = decltype(&grpc_create_chttp2_transport);

template <typename Function>
Function Next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

ReadFunction GrpcsRead() {
  static const auto function =
      Next<ReadFunction>("_Z24grpc_chttp2_perform_readP21grpc_chttp2_transportRK10grpc_slice");
  return function;
}

CreateFunction GrpcsCreate() {
  static const auto function = Next<CreateFunction>(
      "_Z28grpc_create_chttp2_transportRKN9grpc_core11ChannelArgsEP13grpc_endpointb");
  return function;
}

// The guards of all connections, by the address of gRPC's object. A guard outlives its connection
// until a new connection gets the same address. Thread-safe.
class Guards {
 public:
  // Forgets the previous connection at this address. Connections of clients in this process are not
  // guarded. The address may be that of a base class, a few bytes off the one that Read gets.
  void Begin(const void* connection, bool is_client) ABSL_LOCKS_EXCLUDED(mutex_) {
    const auto at = reinterpret_cast<uintptr_t>(connection);
    MutexLock lock(&mutex_);
    guards_.erase(guards_.lower_bound(at - kNear), guards_.upper_bound(at + kNear));
    clients_.erase(clients_.lower_bound(at - kNear), clients_.upper_bound(at + kNear));
    if (is_client) clients_.insert(at);
  }

  absl::Status Read(const void* connection, absl::string_view bytes) ABSL_LOCKS_EXCLUDED(mutex_) {
    const auto now = FrameGuard::Clock::now();
    const auto at = reinterpret_cast<uintptr_t>(connection);
    MutexLock lock(&mutex_);
    auto found = guards_.find(at);
    if (found == guards_.end()) {
      const auto client = clients_.lower_bound(at - kNear);
      if (client != clients_.end() && *client <= at + kNear) return absl::OkStatus();
      // gRPC refuses a connection that does not begin with the preface.
      if (!absl::StartsWith(bytes, "P")) return absl::OkStatus();
      found = guards_.emplace(at, FrameGuard(now)).first;
    }
    // Reading takes less than a microsecond, so it may hold the lock.
    return found->second.Read(bytes, now);
  }

 private:
  static constexpr uintptr_t kNear = 64;  // less than the size of a connection

  Mutex mutex_;
  std::map<uintptr_t, FrameGuard> guards_ ABSL_GUARDED_BY(mutex_);
  std::set<uintptr_t> clients_ ABSL_GUARDED_BY(mutex_);
};

Guards& AllGuards() {
  static auto& guards = *new Guards();
  return guards;
}

}  // namespace

bool FramesAreGuarded() { return GrpcsRead() != nullptr && GrpcsCreate() != nullptr; }

}  // namespace anneal::transport::grpc_1_51

absl::Status grpc_chttp2_perform_read(grpc_chttp2_transport* transport, const grpc_slice& slice) {
  const absl::string_view bytes(reinterpret_cast<const char*>(GRPC_SLICE_START_PTR(slice)),
                                GRPC_SLICE_LENGTH(slice));
  absl::Status status = anneal::transport::grpc_1_51::AllGuards().Read(transport, bytes);
  if (status.ok()) return anneal::transport::grpc_1_51::GrpcsRead()(transport, slice);
  spdlog::debug(absl::StrCat("closing a connection: ", status.message()));
  return status;
}

grpc_transport* grpc_create_chttp2_transport(const grpc_core::ChannelArgs& arguments,
                                             grpc_endpoint* endpoint, bool is_client) {
  grpc_transport* transport =
      anneal::transport::grpc_1_51::GrpcsCreate()(arguments, endpoint, is_client);
  anneal::transport::grpc_1_51::AllGuards().Begin(transport, is_client);
  return transport;
}
