// Unary calls: a plain function on the blocking pool, finished as gRPC wants it.

#ifndef ANNEAL_SERVER_RPC_UNARY_H_
#define ANNEAL_SERVER_RPC_UNARY_H_

#include <grpcpp/grpcpp.h>

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "common/status.h"
#include "server/rpc/blocking_pool.h"
#include "server/rpc/gate.h"
#include "server/rpc/status.h"

namespace anneal::rpc {

// Runs `function`, which returns a StatusOr of the response, on `pool`, and finishes the call with
// what it returns. Requests and responses live until then.
template <typename Response, typename Function>
grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context, BlockingPool* pool,
                                 Response* response, Function function) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  pool->Run([reactor, response, function = std::move(function)] {
    absl::StatusOr<Response> result = function();
    if (result.ok()) *response = std::move(*result);
    reactor->Finish(ToGrpc(result.status()));
  });
  return reactor;
}

// The same for calls that change the experiment or run of this name, which not everybody may.
template <typename Response, typename Function>
grpc::ServerUnaryReactor* AnswerOwner(grpc::CallbackServerContext* context,
                                      const Services& services, const std::string& name,
                                      Response* response, Function function) {
  return Answer(
      context, services.pool, response,
      [context, &services, &name, function = std::move(function)]() -> absl::StatusOr<Response> {
        ANNEAL_RETURN_IF_ERROR(CheckMayChange(*context, services, name));
        return function();
      });
}

}  // namespace anneal::rpc

#endif  // ANNEAL_SERVER_RPC_UNARY_H_
