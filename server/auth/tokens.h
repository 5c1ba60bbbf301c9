// `Tokens` authenticates callers by the tokens of a file; CreateToken and RevokeToken edit the
// file.

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
#include "common/mutex.h"
#include "server/auth/tokens.pb.h"

namespace anneal::auth {

// Returns the path of the token file of a daemon with this data directory.
std::string TokensPath(const std::string& data_dir);

using server::Role;

// An authenticated caller: the owner of a token, with the token's role.
struct Caller {
  std::string name;
  Role role = Role::ROLE_UNSPECIFIED;
};

// Reads the file again whenever it has changed, so that revoking a token takes effect with the next
// call. If the file is damaged or readable by others, every caller is rejected. Thread-safe; blocks
// on the disk.
class Tokens {
 public:
  using Clock = std::function<absl::Time()>;
  explicit Tokens(std::string path, Clock clock);

  // Returns the owner of the token. UNAUTHENTICATED (TOKEN_UNKNOWN, TOKEN_EXPIRED).
  absl::StatusOr<Caller> Check(absl::string_view token) ABSL_LOCKS_EXCLUDED(mutex_);
  // Returns the token owner of this name, which a client certificate has proved. Errors of Check.
  absl::StatusOr<Caller> Named(absl::string_view name) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // Returns the entry of this name.
  absl::StatusOr<server::Token> Find(absl::string_view name) ABSL_LOCKS_EXCLUDED(mutex_);
  void ReadIfChanged() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string path_;  // absolute, or below a directory
  const Clock clock_;
  Mutex mutex_;
  std::map<std::string, server::Token, std::less<>> tokens_ ABSL_GUARDED_BY(mutex_);
  // Of the file that was read last; unset if there was none.
  std::optional<struct stat> read_ ABSL_GUARDED_BY(mutex_);
};

// Returns the contents of the token file; empty without a file. FAILED_PRECONDITION: it cannot be
// read, is damaged, or is readable by others.
absl::StatusOr<server::TokenFile> ReadTokens(const std::string& path);

// Adds a token and returns it; only its salted hash is stored. `expires` unset: never.
// INVALID_ARGUMENT: the name is malformed. ALREADY_EXISTS: it has a token. Errors of ReadTokens and
// of writing the file.
absl::StatusOr<std::string> CreateToken(const std::string& path, const std::string& name, Role role,
                                        absl::Time now, std::optional<absl::Time> expires);
// Removes the token of this name. NOT_FOUND; otherwise errors of CreateToken.
absl::Status RevokeToken(const std::string& path, const std::string& name);

}  // namespace anneal::auth

#endif  // ANNEAL_SERVER_AUTH_TOKENS_H_
