// `DescriptorReserve` keeps file descriptors that connections cannot take.

#ifndef ANNEAL_SERVER_TRANSPORT_GRPC_1_51_DESCRIPTOR_RESERVE_H_
#define ANNEAL_SERVER_TRANSPORT_GRPC_1_51_DESCRIPTOR_RESERVE_H_

namespace anneal::transport::grpc_1_51 {

// Refuses connections while few descriptors are left: once gRPC 1.51 has run out of them, it never
// serves a new client again (CVE-2023-4785). Not thread-safe.
class DescriptorReserve {
 public:
  // Returns whether a new connection may keep its descriptor.
  bool Admits(int descriptor);

 private:
  bool has_warned_ = false;
};

}  // namespace anneal::transport::grpc_1_51

#endif  // ANNEAL_SERVER_TRANSPORT_GRPC_1_51_DESCRIPTOR_RESERVE_H_
