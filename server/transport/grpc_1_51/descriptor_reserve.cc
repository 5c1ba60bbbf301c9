#include "server/transport/grpc_1_51/descriptor_reserve.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace anneal::transport::grpc_1_51 {
namespace {

constexpr int kReservedDescriptors = 64;

// Returns the lowest descriptor of the reserve.
int FirstReserved() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024 - kReservedDescriptors;
  const auto all = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 1 << 30));
  return all - std::min(kReservedDescriptors, all / 4);
}

}  // namespace

bool DescriptorReserve::Admits(int descriptor) {
  const int reserved = FirstReserved();
  if (descriptor < reserved) {
    if (descriptor < reserved / 2) has_warned_ = false;
    return true;
  }
  if (!std::exchange(has_warned_, true)) {
    spdlog::warn(
        absl::StrCat("too many connections for ", reserved, " descriptors; refusing new ones"));
  }
  return false;
}

}  // namespace anneal::transport::grpc_1_51
