#include "client/endpoint.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <system_error>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/config_text.h"
#include "common/paths.h"
#include "common/status.h"

namespace anneal::client {
namespace {

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Endpoint At(std::string server, std::string source) {
  Endpoint endpoint;
  endpoint.context.set_server(std::move(server));
  endpoint.source = std::move(source);
  return endpoint;
}

absl::StatusOr<Endpoint> OfContext(const ClientConfig& config, const std::string& name) {
  ANNEAL_ASSIGN_OR_RETURN(Context context, FindContext(config, name));
  return Endpoint{.context = std::move(context), .source = absl::StrCat("context ", name)};
}

// Writes all of it; false with errno set if that fails.
bool WriteAll(int descriptor, absl::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0) return false;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

}  // namespace

absl::StatusOr<Endpoint> ChooseEndpoint(const std::string& server, const std::string& context) {
  if (!server.empty()) return At(server, "--server");
  const std::string variable = Variable("ANNEAL_SERVER");
  if (context.empty() && !variable.empty()) return At(variable, "ANNEAL_SERVER");
  ANNEAL_ASSIGN_OR_RETURN(const ClientConfig config, ReadClientConfig());
  if (!context.empty()) return OfContext(config, context);
  if (!config.current().empty()) return OfContext(config, config.current());
  const std::string socket = SocketPath(DefaultDataDirectory());
  struct stat info {};
  if (::stat(socket.c_str(), &info) == 0 && S_ISSOCK(info.st_mode)) {
    return At(absl::StrCat("unix:", socket), "the local daemon's socket");
  }
  return At(absl::StrCat("127.0.0.1:", kDefaultPort), "the default");
}

absl::StatusOr<Context> FindContext(const ClientConfig& config, const std::string& name) {
  const auto found = config.contexts().find(name);
  if (found != config.contexts().end()) return found->second;
  std::map<std::string, Context> sorted(config.contexts().begin(), config.contexts().end());
  return absl::NotFoundError(absl::StrCat(
      "there is no context ", Quoted(name), "; ",
      sorted.empty()
          ? "make one with `anneal context add`"
          : absl::StrCat("there are ",
                         absl::StrJoin(sorted, ", ", [](std::string* out, const auto& c) {
                           out->append(c.first);
                         }))));
}

absl::StatusOr<ClientConfig> ReadClientConfig() {
  const std::string path = ClientConfigPath();
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return ClientConfig();
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot read ", path));
  }
  if ((info.st_mode & 077) != 0 || info.st_uid != ::geteuid()) {
    return absl::FailedPreconditionError(
        absl::StrCat("others may read or change ", path, "; make it yours: chmod 600 ", path));
  }
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  ClientConfig config;
  const absl::Status status = ParseTextFormat(text, &config);
  if (status.ok()) return config;
  return absl::FailedPreconditionError(absl::StrCat(
      path, " ", status.message(), "; mend it, or remove it and add the contexts again"));
}

absl::Status WriteClientConfig(const ClientConfig& config) {
  const std::string path = ClientConfigPath();
  const auto failed = [&path] {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", path));
  };
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  std::string temporary = absl::StrCat(path, ".XXXXXX");
  const int descriptor = ::mkostemp(temporary.data(), O_CLOEXEC);  // with mode 0600
  if (descriptor < 0) return failed();
  const absl::Cleanup remove = [&temporary] { ::unlink(temporary.c_str()); };
  const bool written = WriteAll(descriptor, ToTextFormat(config)) && ::fsync(descriptor) == 0;
  const absl::Status status = written ? absl::OkStatus() : failed();
  ::close(descriptor);
  ANNEAL_RETURN_IF_ERROR(status);
  return ::rename(temporary.c_str(), path.c_str()) == 0 ? absl::OkStatus() : failed();
}

absl::Status CheckContext(const Context& context) {
  const std::string& server = context.server();
  const size_t colon = server.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == server.size()) {
    return InvalidField("--server",
                        absl::StrCat("is ", Quoted(server), "; expected HOST:PORT or unix:PATH"));
  }
  if (!context.token_file().empty() && context.ca_file().empty()) {
    return InvalidField("--token-file",
                        "needs --ca: without TLS everybody on the way could read the token");
  }
  return absl::OkStatus();
}

}  // namespace anneal::client
