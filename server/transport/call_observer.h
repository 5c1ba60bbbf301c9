// `ObserveCalls` makes interceptors that count and log every call that reaches a handler, and
// assign its request id.

#ifndef ANNEAL_SERVER_TRANSPORT_CALL_OBSERVER_H_
#define ANNEAL_SERVER_TRANSPORT_CALL_OBSERVER_H_

#include <grpcpp/support/server_interceptor.h>

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "server/telemetry/metrics.h"

namespace anneal::transport {

// Key of the request id in the initial metadata of calls and responses. A client may choose the id:
// 1 to 64 letters, digits, and . _ -; any other call gets a new one.
inline constexpr char kRequestId[] = "x-request-id";

// Returns the factory of the interceptors. They log calls that change something at info, the
// daemon's own failures at error, and all others at debug. `metrics` must outlive the server.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> ObserveCalls(
    telemetry::Metrics* metrics);

}  // namespace anneal::transport

#endif  // ANNEAL_SERVER_TRANSPORT_CALL_OBSERVER_H_
