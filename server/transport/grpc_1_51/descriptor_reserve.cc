#include "server/transport/grpc_1_51/descriptor_reserve.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <utility>

namespace anneal::transport::grpc_1_51 {
namespace {

constexpr int kReservedDescriptors = 64;

// Returns the first descriptor that no connection may have.
int MostConnections() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024 - kReservedDescriptors;
  const auto all = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 1 << 30));
  return all - std::min(kReservedDescriptors, all / 4);
}

}  // namespace

bool DescriptorReserve::Admits(int descriptor) {
  const int most = MostConnections();
  if (descriptor < most) {
    if (descriptor < most / 2) told_ = false;
    return true;
  }
  if (!std::exchange(told_, true)) {
    spdlog::warn("too many connections for {} descriptors; new ones are refused", most);
  }
  return false;
}

}  // namespace anneal::transport::grpc_1_51
