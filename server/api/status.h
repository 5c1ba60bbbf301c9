// `ToGrpc` converts our errors to gRPC's. Pure; thread-safe.

#ifndef ANNEAL_SERVER_API_STATUS_H_
#define ANNEAL_SERVER_API_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace anneal::api {

// Returns a status with the same code and message, truncated to fit HTTP/2 trailers. Payloads
// become the details of a google.rpc.Status; an error without an ErrorInfo gets one whose reason is
// the code's name.
grpc::Status ToGrpc(const absl::Status& status);

// Returns the error of a call that is shed because too many are waiting: UNAVAILABLE (BUSY).
absl::Status OverloadError();

}  // namespace anneal::api

#endif  // ANNEAL_SERVER_API_STATUS_H_
