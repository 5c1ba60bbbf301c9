// Counts and logs every call that reaches a handler, and gives it an id.

#ifndef ANNEAL_SERVER_TRANSPORT_CALL_OBSERVER_H_
#define ANNEAL_SERVER_TRANSPORT_CALL_OBSERVER_H_

#include <grpcpp/support/server_interceptor.h>

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "server/telemetry/metrics.h"

namespace anneal::transport {

// In the initial metadata of calls and of their answers. A caller may choose one, of 1 to 64
// letters, digits, and . _ -; others are given one.
inline constexpr char kRequestId[] = "x-request-id";

// Changes go to the log at info, failures that are the daemon's own at error, the rest at debug.
// `metrics` outlives the server.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> ObserveCalls(
    telemetry::Metrics* metrics);

}  // namespace anneal::transport

#endif  // ANNEAL_SERVER_TRANSPORT_CALL_OBSERVER_H_
