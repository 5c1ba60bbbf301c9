// `AccessTo` defines the role that each gRPC method requires. Pure; thread-safe.

#ifndef ANNEAL_SERVER_AUTH_RULES_H_
#define ANNEAL_SERVER_AUTH_RULES_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/auth/tokens.h"

namespace anneal::auth {

enum class Access {
  kOpen,    // no token
  kRead,    // any role
  kSubmit,  // submitters and admins
  kOwn,     // submitters for their own experiments, and admins
  kAdmin,   // admins
};

// Returns the access that `/package.Service/Method` requires; nullopt without a rule: then all
// callers over TLS are denied.
std::optional<Access> AccessTo(absl::string_view method);

// Checks that the caller has the role that a method requires; for kOwn, CheckOwner must follow.
// PERMISSION_DENIED, naming the required role, or that the method has no rule.
absl::Status CheckMayCall(const Caller& caller, absl::string_view method);

// Checks that the caller may change `what`, such as experiments/first, which `owner` submitted.
// PERMISSION_DENIED.
absl::Status CheckOwner(const Caller& caller, absl::string_view owner, absl::string_view what);

}  // namespace anneal::auth

#endif  // ANNEAL_SERVER_AUTH_RULES_H_
