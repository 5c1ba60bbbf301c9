// Unary calls: a plain function on the blocking pool, finished as gRPC wants it.

#ifndef ANNEAL_SERVER_API_UNARY_H_
#define ANNEAL_SERVER_API_UNARY_H_

#include <grpcpp/grpcpp.h>

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "common/status.h"
#include "server/api/authorization.h"
#include "server/api/status.h"

namespace anneal::api {

// Runs `function`, which returns a StatusOr of the response, on the blocking pool, and finishes the
// call with what it returns; or with what stands against the caller (CheckMayCall, Busy). Requests,
// responses and services live until then.
template <typename Response, typename Function>
grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context, const Services& services,
                                 const google::protobuf::Message* request, Response* response,
                                 Function function) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const bool waits = services.pool->TryRun(
      [context, &services, request, reactor, response, function = std::move(function)] {
        // Nobody waits for the answer any more.
        if (context->IsCancelled()) return reactor->Finish(grpc::Status::CANCELLED);
        absl::Status status = CheckMayCall(*context, services, *request);
        if (status.ok()) {
          absl::StatusOr<Response> result = function();
          if (result.ok()) *response = std::move(*result);
          status = result.status();
        }
        reactor->Finish(ToGrpc(status));
      });
  if (!waits) reactor->Finish(ToGrpc(Busy()));
  return reactor;
}

// The same for calls that change the experiment or run of this name, which not everybody may.
template <typename Response, typename Function>
grpc::ServerUnaryReactor* AnswerOwner(grpc::CallbackServerContext* context,
                                      const Services& services,
                                      const google::protobuf::Message* request,
                                      const std::string& name, Response* response,
                                      Function function) {
  return Answer(
      context, services, request, response,
      [context, &services, &name, function = std::move(function)]() -> absl::StatusOr<Response> {
        ANNEAL_RETURN_IF_ERROR(CheckMayChange(*context, services, name));
        return function();
      });
}

}  // namespace anneal::api

#endif  // ANNEAL_SERVER_API_UNARY_H_
