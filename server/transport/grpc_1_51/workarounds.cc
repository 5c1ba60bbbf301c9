#include "server/transport/grpc_1_51/workarounds.h"

#include <spdlog/spdlog.h>

#include <memory>

#include "server/transport/grpc_1_51/descriptor_reserve.h"
#include "server/transport/grpc_1_51/frame_guard.h"

namespace anneal::transport::grpc_1_51 {

Listener::Admission MakeAdmission() {
  if (!FramesAreGuarded()) {
    spdlog::warn(
        "this gRPC is of another version than 1.51: what strangers send is not limited by anneald");
  }
  const auto reserve = std::make_shared<DescriptorReserve>();
  return [reserve](int descriptor) { return reserve->Admits(descriptor); };
}

}  // namespace anneal::transport::grpc_1_51
