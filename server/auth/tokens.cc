#include "server/auth/tokens.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/config/text.h"
#include "common/private_file.h"
#include "common/resource_name.h"
#include "common/sha256.h"
#include "common/status.h"

namespace anneal::auth {
namespace {

constexpr size_t kSecretBytes = 32;
constexpr size_t kSaltBytes = 16;
// Separates the name and the secret of a token; names cannot contain it.
constexpr char kSeparator = '.';

absl::StatusOr<std::string> RandomHex(size_t bytes) {
  std::string random(bytes, '\0');
  if (::getrandom(random.data(), bytes, 0) != static_cast<ssize_t>(bytes)) {
    return absl::ErrnoToStatus(errno, "cannot get random numbers");
  }
  return absl::BytesToHexString(random);
}

std::string HashOf(absl::string_view salt, absl::string_view secret) {
  Sha256 hash;
  hash.Update(salt);
  hash.Update(secret);
  return hash.HexDigest();
}

// Compares in constant time.
bool IsSame(const std::string& a, const std::string& b) {
  return a.size() == b.size() && ::CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

absl::Time ToTime(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds());
}

absl::Status Unknown() {
  return WithReason(
      absl::UnauthenticatedError("the token is unknown or was revoked; ask the daemon's owner "
                                 "for a new one (`anneald token create`)"),
      v1::ERROR_REASON_TOKEN_UNKNOWN);
}

bool IsSameFile(const struct stat& a, const struct stat& b) {
  return a.st_ino == b.st_ino && a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec && a.st_mode == b.st_mode;
}

// Locks the token file against other writers while it lives. It locks the directory, because the
// file is replaced.
class Lock {
 public:
  explicit Lock(const std::string& path)
      : descriptor_(
            ::open(path.substr(0, path.rfind('/')).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (descriptor_ >= 0) ::flock(descriptor_, LOCK_EX);
  }
  ~Lock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  const int descriptor_;  // negative without a directory: then writing fails
};

}  // namespace

std::string TokensPath(const std::string& data_dir) { return data_dir + "/tokens.textproto"; }

Tokens::Tokens(std::string path, Clock clock) : path_(std::move(path)), clock_(std::move(clock)) {}

void Tokens::ReadIfChanged() {
  struct stat info {};
  const bool is_there = ::stat(path_.c_str(), &info) == 0;
  if (is_there == read_.has_value() && (!is_there || IsSameFile(info, *read_))) return;
  read_ = is_there ? std::optional(info) : std::nullopt;
  tokens_.clear();
  const auto file = ReadTokens(path_);
  if (!file.ok()) {
    // Fail closed: the file may have revoked a token.
    spdlog::error(
        absl::StrCat(file.status().message(), "; rejecting all tokens until it is repaired"));
    return;
  }
  for (const server::Token& token : file->tokens()) tokens_[token.name()] = token;
  spdlog::info(absl::StrCat("loaded ", tokens_.size(), " tokens"));
}

absl::StatusOr<server::Token> Tokens::Find(absl::string_view name) {
  MutexLock lock(&mutex_);
  ReadIfChanged();
  const auto found = tokens_.find(name);
  if (found == tokens_.end()) return Unknown();
  return found->second;
}

absl::StatusOr<Caller> Tokens::Named(absl::string_view name) {
  ANNEAL_ASSIGN_OR_RETURN(const server::Token entry, Find(name));
  if (entry.has_expire_time() && ToTime(entry.expire_time()) <= clock_()) {
    return WithReason(
        absl::UnauthenticatedError(absl::StrCat("the token of ", entry.name(),
                                                " has expired; ask the daemon's owner for a new "
                                                "one (`anneald token create`)")),
        v1::ERROR_REASON_TOKEN_EXPIRED);
  }
  return Caller{.name = entry.name(), .role = entry.role()};
}

absl::StatusOr<Caller> Tokens::Check(absl::string_view token) {
  const size_t at = token.find(kSeparator);
  if (at == absl::string_view::npos) return Unknown();
  const absl::string_view name = token.substr(0, at);
  ANNEAL_ASSIGN_OR_RETURN(const server::Token entry, Find(name));
  if (!IsSame(HashOf(entry.salt(), token.substr(at + 1)), entry.sha256())) return Unknown();
  return Named(name);
}

absl::StatusOr<server::TokenFile> ReadTokens(const std::string& path) {
  ANNEAL_ASSIGN_OR_RETURN(const auto text, ReadPrivateFile(path));
  server::TokenFile tokens;
  if (!text.has_value()) return tokens;
  const absl::Status status = config::ParseTextFormat(*text, &tokens);
  if (status.ok()) return tokens;
  return absl::FailedPreconditionError(absl::StrCat(path, " cannot be parsed: ", status.message()));
}

absl::StatusOr<std::string> CreateToken(const std::string& path, const std::string& name, Role role,
                                        absl::Time now, std::optional<absl::Time> expires) {
  ANNEAL_RETURN_IF_ERROR(CheckExperimentId("--name", name));
  const Lock lock(path);
  ANNEAL_ASSIGN_OR_RETURN(server::TokenFile tokens, ReadTokens(path));
  for (const server::Token& token : tokens.tokens()) {
    if (token.name() != name) continue;
    return absl::AlreadyExistsError(
        absl::StrCat(name,
                     " has a token already; remove it with `anneald token "
                     "revoke ",
                     name, "`"));
  }
  ANNEAL_ASSIGN_OR_RETURN(const std::string secret, RandomHex(kSecretBytes));
  server::Token* token = tokens.add_tokens();
  token->set_name(name);
  token->set_role(role);
  ANNEAL_ASSIGN_OR_RETURN(*token->mutable_salt(), RandomHex(kSaltBytes));
  token->set_sha256(HashOf(token->salt(), secret));
  token->mutable_create_time()->set_seconds(absl::ToUnixSeconds(now));
  if (expires.has_value()) {
    token->mutable_expire_time()->set_seconds(absl::ToUnixSeconds(*expires));
  }
  ANNEAL_RETURN_IF_ERROR(WritePrivateFile(path, config::ToTextFormat(tokens)));
  return absl::StrCat(name, std::string(1, kSeparator), secret);
}

absl::Status RevokeToken(const std::string& path, const std::string& name) {
  const Lock lock(path);
  ANNEAL_ASSIGN_OR_RETURN(server::TokenFile tokens, ReadTokens(path));
  server::TokenFile others;
  for (const server::Token& token : tokens.tokens()) {
    if (token.name() != name) *others.add_tokens() = token;
  }
  if (others.tokens_size() == tokens.tokens_size()) {
    return absl::NotFoundError(
        absl::StrCat(Quoted(name), " has no token; `anneald token list` shows those there are"));
  }
  return WritePrivateFile(path, config::ToTextFormat(others));
}

}  // namespace anneal::auth
