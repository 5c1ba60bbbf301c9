// The one place where our errors become gRPC's. Pure; thread-safe.

#ifndef ANNEAL_SERVER_API_STATUS_H_
#define ANNEAL_SERVER_API_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace anneal::api {

// Same code and message, cut to what trailers have room for; payloads become the details of a
// google.rpc.Status. An error without an
// ErrorInfo gets one whose reason is the code's name.
grpc::Status ToGrpc(const absl::Status& status);

}  // namespace anneal::api

#endif  // ANNEAL_SERVER_API_STATUS_H_
