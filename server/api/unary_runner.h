// `UnaryRunner` runs the handlers of unary calls: on the blocking pool, after authorization.

#ifndef ANNEAL_SERVER_API_UNARY_RUNNER_H_
#define ANNEAL_SERVER_API_UNARY_RUNNER_H_

#include <grpcpp/grpcpp.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/status.h"
#include "server/api/authorization.h"
#include "server/api/blocking_pool.h"
#include "server/api/status.h"

namespace anneal::api {

// Thread-safe; blocks nothing. Borrows its parts. Requests, responses and handlers' captures must
// live until the call is finished.
class UnaryRunner {
 public:
  UnaryRunner(BlockingPool* pool, const Authorization* authorization)
      : pool_(*pool), authorization_(*authorization) {}

  // Runs `handler()`, which returns a StatusOr<Response>, and finishes the call with its result, or
  // with the error of Authorization::Authorize or OverloadError.
  template <typename Response, typename Handler>
  grpc::ServerUnaryReactor* Run(grpc::CallbackServerContext* context,
                                const google::protobuf::Message* request, Response* response,
                                Handler handler) const {
    return RunForCaller(
        context, request, response,
        [handler = std::move(handler)](const OptionalCaller&) { return handler(); });
  }

  // As Run, with `handler(caller)`.
  template <typename Response, typename Handler>
  grpc::ServerUnaryReactor* RunForCaller(grpc::CallbackServerContext* context,
                                         const google::protobuf::Message* request,
                                         Response* response, Handler handler) const {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    const bool accepted =
        pool_.TryRun([this, context, request, reactor, response, handler = std::move(handler)] {
          // The client no longer waits for the response.
          if (context->IsCancelled()) return reactor->Finish(grpc::Status::CANCELLED);
          reactor->Finish(ToGrpc(Handle(*context, *request, response, handler)));
        });
    if (!accepted) reactor->Finish(ToGrpc(OverloadError()));
    return reactor;
  }

  // As Run, for a call that changes the experiment or run of this name: also finishes with the
  // error of Authorization::CheckOwner.
  template <typename Response, typename Handler>
  grpc::ServerUnaryReactor* RunForOwner(grpc::CallbackServerContext* context,
                                        const google::protobuf::Message* request,
                                        const std::string& name, Response* response,
                                        Handler handler) const {
    return RunForCaller(context, request, response,
                        [this, &name, handler = std::move(handler)](
                            const OptionalCaller& caller) -> absl::StatusOr<Response> {
                          ANNEAL_RETURN_IF_ERROR(authorization_.CheckOwner(caller, name));
                          return handler();
                        });
  }

 private:
  template <typename Response, typename Handler>
  absl::Status Handle(const grpc::CallbackServerContext& context,
                      const google::protobuf::Message& request, Response* response,
                      const Handler& handler) const {
    ANNEAL_ASSIGN_OR_RETURN(const OptionalCaller caller,
                            authorization_.Authorize(CredentialsOf(context), request));
    ANNEAL_ASSIGN_OR_RETURN(*response, handler(caller));
    return absl::OkStatus();
  }

  BlockingPool& pool_;
  const Authorization& authorization_;
};

}  // namespace anneal::api

#endif  // ANNEAL_SERVER_API_UNARY_RUNNER_H_
