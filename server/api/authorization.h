// `Authorization` decides whether a call may proceed: it identifies the caller by token or client
// certificate, applies the rate limit, and checks role and ownership.

#ifndef ANNEAL_SERVER_API_AUTHORIZATION_H_
#define ANNEAL_SERVER_API_AUTHORIZATION_H_

#include <grpcpp/grpcpp.h>

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "server/auth/rate_limit.h"
#include "server/auth/rules.h"
#include "server/auth/tokens.h"
#include "server/store/store.h"

namespace anneal::api {

// The credentials of one call.
struct Credentials {
  bool is_tls = false;
  std::string authorization;               // value of the `authorization` metadata; empty: none
  std::optional<std::string> common_name;  // of the client certificate, which gRPC has verified
};

// Returns the credentials of a call with this metadata on this connection (null: in-process).
Credentials CredentialsOf(const grpc::AuthContext* connection, absl::string_view authorization);
Credentials CredentialsOf(const grpc::CallbackServerContext& context);

// The caller over TLS; none for a local or insecure address, whose callers may do everything.
using OptionalCaller = std::optional<auth::Caller>;

// Handlers call it on the blocking pool before anything else, instead of gRPC calling an
// AuthMetadataProcessor: with one, gRPC 1.51 aborts the process for a call with certain metadata
// (such as grpclb_client_stats), from any sender (CVE-2023-1428).
//
// Thread-safe. Borrows its parts. Blocks on the disk: not for gRPC's callback threads.
class Authorization {
 public:
  Authorization(auth::Tokens* tokens, auth::RateLimit* rate_limit, store::Store* store)
      : tokens_(*tokens), rate_limit_(*rate_limit), store_(*store) {}

  // Returns the caller: the owner of the token, else the name of the client certificate.
  // UNAUTHENTICATED (TOKEN_MISSING, TOKEN_UNKNOWN, TOKEN_EXPIRED).
  absl::StatusOr<OptionalCaller> Identify(const Credentials& credentials) const;

  // Identifies the caller, takes one request from their rate limit, and checks their role against
  // the method of `request`. Errors of Identify; RESOURCE_EXHAUSTED (RATE_LIMITED);
  // PERMISSION_DENIED.
  absl::StatusOr<OptionalCaller> Authorize(const Credentials& credentials,
                                           const google::protobuf::Message& request) const;

  // Checks that the caller may change the experiment or run of this name. PERMISSION_DENIED, or the
  // errors of reading it.
  absl::Status CheckOwner(const OptionalCaller& caller, const std::string& name) const;

 private:
  auth::Tokens& tokens_;
  auth::RateLimit& rate_limit_;
  store::Store& store_;
};

}  // namespace anneal::api

#endif  // ANNEAL_SERVER_API_AUTHORIZATION_H_
