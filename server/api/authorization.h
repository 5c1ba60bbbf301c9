// Who comes in: tokens and certificates of calls over TLS.

#ifndef ANNEAL_SERVER_API_AUTHORIZATION_H_
#define ANNEAL_SERVER_API_AUTHORIZATION_H_

#include <grpcpp/grpcpp.h>

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "server/api/services.h"
#include "server/auth/rules.h"
#include "server/auth/tokens.h"

namespace anneal::api {

// Not gRPC's AuthMetadataProcessor, though that is made for it: once there is one, version 1.51
// calls abort() for a call with some kinds of metadata (grpclb_client_stats is one), whoever sends
// it. So handlers ask, each on the pool and before anything else (unary.h).

// Who makes a call: whose token it shows, else whose name its verified certificate has. Nothing:
// somebody who came by a loopback address, the socket or --insecure-listen, and may do everything.
// UNAUTHENTICATED. Looks at a file: not on a gRPC thread.
absl::StatusOr<std::optional<auth::Caller>> CallerOf(const grpc::CallbackServerContext& context,
                                                     auth::Tokens* tokens);

// What a call comes to that is not looked at, because so many wait already.
absl::Status Busy();

// Whether who makes the call has the role that its method asks for (auth/rules.h), and has not made
// too many lately. PERMISSION_DENIED, RESOURCE_EXHAUSTED (RATE_LIMITED); otherwise as CallerOf.
absl::Status CheckMayCall(const grpc::CallbackServerContext& context, const Services& services,
                          const google::protobuf::Message& request);

// Whether who makes the call may change an experiment or run, by its name. PERMISSION_DENIED, or
// the errors of looking at it. Reads the store: not on a gRPC thread.
absl::Status CheckMayChange(const grpc::CallbackServerContext& context, const Services& services,
                            const std::string& name);

}  // namespace anneal::api

#endif  // ANNEAL_SERVER_API_AUTHORIZATION_H_
