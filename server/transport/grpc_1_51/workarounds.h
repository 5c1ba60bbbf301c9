// `MakeAdmission` installs the workarounds for gRPC 1.51, the version of Debian 12.
//
// Expiry: with gRPC >= 1.60 delete this folder and the CMake option ANNEAL_GRPC_1_51, which is off
// there already.

#ifndef ANNEAL_SERVER_TRANSPORT_GRPC_1_51_WORKAROUNDS_H_
#define ANNEAL_SERVER_TRANSPORT_GRPC_1_51_WORKAROUNDS_H_

#include "server/transport/listener.h"

namespace anneal::transport::grpc_1_51 {

// Returns an admission that keeps a reserve of descriptors. Logs a warning if the linked gRPC is
// another version, whose frames are not guarded.
Listener::Admission MakeAdmission();

}  // namespace anneal::transport::grpc_1_51

#endif  // ANNEAL_SERVER_TRANSPORT_GRPC_1_51_WORKAROUNDS_H_
