// `OpenChannel` makes the gRPC channel to the daemon of a context: its credentials, message limits
// and keep-alive. Thread-safe.

#ifndef ANNEAL_CLIENT_CHANNEL_H_
#define ANNEAL_CLIENT_CHANNEL_H_

#include <grpcpp/grpcpp.h>

#include <memory>

#include "absl/status/statusor.h"
#include "client/config.pb.h"

namespace anneal::client {

// Reads the context's certificate and token; does not connect yet. Errors: those of CheckContext,
// and FAILED_PRECONDITION naming a file that cannot be read.
absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(const Context& context);

}  // namespace anneal::client

#endif  // ANNEAL_CLIENT_CHANNEL_H_
