// Which method asks for which role. Pure; thread-safe.

#ifndef ANNEAL_SERVER_AUTH_RULES_H_
#define ANNEAL_SERVER_AUTH_RULES_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/auth/tokens.h"

namespace anneal::auth {

enum class Access {
  kOpen,    // nobody has to say who they are
  kRead,    // any role
  kSubmit,  // submitters and admins
  kOwn,     // admins, and submitters for what they submitted
  kAdmin,   // admins
};

// What `/package.Service/Method` asks for. Nothing where no rule is: then nobody may call it.
std::optional<Access> AccessTo(absl::string_view method);

// Whether the caller has the role. PERMISSION_DENIED, naming the one that is needed, or that there
// is no rule. Whose it is, for kOwn, is not looked at.
absl::Status CheckMayCall(const Caller& caller, absl::string_view method);

// Of somebody who submitted under the name of `owner`. PERMISSION_DENIED.
absl::Status CheckOwner(const Caller& caller, absl::string_view owner, absl::string_view what);

}  // namespace anneal::auth

#endif  // ANNEAL_SERVER_AUTH_RULES_H_
