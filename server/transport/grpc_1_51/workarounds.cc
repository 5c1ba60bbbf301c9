#include "server/transport/grpc_1_51/workarounds.h"

#include <spdlog/spdlog.h>

#include <memory>

#include "server/transport/grpc_1_51/descriptor_reserve.h"
#include "server/transport/grpc_1_51/frame_guard.h"

namespace anneal::transport::grpc_1_51 {

Listener::Admission MakeAdmission() {
  if (!FramesAreGuarded()) {
    spdlog::warn(
        "gRPC is not version 1.51: anneald does not limit header lists and resets of its clients; "
        "build it with -DANNEAL_GRPC_1_51=OFF if this gRPC does");
  }
  const auto reserve = std::make_shared<DescriptorReserve>();
  return [reserve](int descriptor) { return reserve->Admits(descriptor); };
}

}  // namespace anneal::transport::grpc_1_51
