// Tokens: who calls, and what they may do.

#ifndef ANNEAL_SERVER_AUTH_TOKENS_H_
#define ANNEAL_SERVER_AUTH_TOKENS_H_

#include <sys/stat.h>

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "anneal/server/tokens.pb.h"
#include "common/mutex.h"

namespace anneal::auth {

// Returns the path of the tokens' file of a daemon with this data directory.
std::string TokensPath(const std::string& data_dir);

using server::Role;

struct Caller {
  std::string name;
  Role role = Role::ROLE_UNSPECIFIED;
};

// The tokens of a file, as it is now: whoever is revoked there is turned away with their next call.
// Thread-safe.
class Tokens {
 public:
  using Clock = std::function<absl::Time()>;
  explicit Tokens(std::string path, Clock clock);

  // Whose token it is. UNAUTHENTICATED: it is nobody's, or has expired.
  absl::StatusOr<Caller> Check(absl::string_view token) ABSL_LOCKS_EXCLUDED(mutex_);
  // Who has this name, which a certificate has proved. Errors likewise.
  absl::StatusOr<Caller> Named(absl::string_view name) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // The entry of this name, unless it has expired.
  absl::StatusOr<server::Token> Find(absl::string_view name) ABSL_LOCKS_EXCLUDED(mutex_);
  void ReadIfChanged() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string path_;  // absolute, or below a directory
  const Clock clock_;
  Mutex mutex_;
  std::map<std::string, server::Token, std::less<>> tokens_ ABSL_GUARDED_BY(mutex_);
  // Of the file that was read; nothing where there was none.
  std::optional<struct stat> read_ ABSL_GUARDED_BY(mutex_);
};

// The file's contents; empty where there is none. FAILED_PRECONDITION: it cannot be read, is
// damaged, or others may read it.
absl::StatusOr<server::TokenFile> ReadTokens(const std::string& path);

// Adds a token and returns it: the only time that anybody sees it. `expires`: unset for never.
// INVALID_ARGUMENT: the name. ALREADY_EXISTS. Errors of ReadTokens, and what the system says.
absl::StatusOr<std::string> CreateToken(const std::string& path, const std::string& name, Role role,
                                        absl::Time now, std::optional<absl::Time> expires);
// NOT_FOUND; otherwise as CreateToken.
absl::Status RevokeToken(const std::string& path, const std::string& name);

}  // namespace anneal::auth

#endif  // ANNEAL_SERVER_AUTH_TOKENS_H_
