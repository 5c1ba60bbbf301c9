// A reserve of file descriptors that connections cannot take.

#ifndef ANNEAL_SERVER_TRANSPORT_GRPC_1_51_DESCRIPTOR_RESERVE_H_
#define ANNEAL_SERVER_TRANSPORT_GRPC_1_51_DESCRIPTOR_RESERVE_H_

namespace anneal::transport::grpc_1_51 {

// Refuses connections while few descriptors are left. gRPC 1.51 itself never serves a new client
// again once it has run out of them (CVE-2023-4785). Not thread-safe.
class DescriptorReserve {
 public:
  // Whether a connection may keep the descriptor that it was given.
  bool Admits(int descriptor);

 private:
  bool told_ = false;
};

}  // namespace anneal::transport::grpc_1_51

#endif  // ANNEAL_SERVER_TRANSPORT_GRPC_1_51_DESCRIPTOR_RESERVE_H_
