// Who comes in: tokens and certificates of calls over TLS.

#ifndef ANNEAL_SERVER_RPC_GATE_H_
#define ANNEAL_SERVER_RPC_GATE_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/auth/certificate.h"
#include "server/auth/rules.h"
#include "server/auth/tokens.h"
#include "server/rpc/services.h"

namespace anneal::rpc {

// Credentials of connections over TLS (1.2 or newer) on which every call needs a token, or a
// client's certificate whose common name has one, and the role that auth/rules.h asks for. New
// connections get what the files hold, at most seconds after they change. What it refuses is
// counted.
std::shared_ptr<grpc::ServerCredentials> TlsCredentials(const auth::TlsFiles& files,
                                                        const Services& services);

// Who makes a call. Nothing: somebody who came by a loopback address, the socket or
// --insecure-listen, and may do everything. UNAUTHENTICATED: revoked since the gate.
absl::StatusOr<std::optional<auth::Caller>> CallerOf(const grpc::CallbackServerContext& context,
                                                     auth::Tokens* tokens);

// Whether who makes the call has not made too many lately. RESOURCE_EXHAUSTED (RATE_LIMITED);
// otherwise as CallerOf. Looks at a file: not on a gRPC thread.
absl::Status CheckRate(const grpc::CallbackServerContext& context, const Services& services);

// Whether who makes the call may change an experiment or run, by its name. PERMISSION_DENIED, or
// the errors of looking at it. Reads the store: not on a gRPC thread.
absl::Status CheckMayChange(const grpc::CallbackServerContext& context, const Services& services,
                            const std::string& name);

}  // namespace anneal::rpc

#endif  // ANNEAL_SERVER_RPC_GATE_H_
