#include "client/endpoint.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/config/text.h"
#include "common/paths.h"
#include "common/private_file.h"
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
          ? "add one with `anneal context add`"
          : absl::StrCat("known contexts: ",
                         absl::StrJoin(sorted, ", ", [](std::string* out, const auto& c) {
                           out->append(c.first);
                         }))));
}

absl::StatusOr<ClientConfig> ReadClientConfig() {
  const std::string path = ClientConfigPath();
  ANNEAL_ASSIGN_OR_RETURN(const auto text, ReadPrivateFile(path));
  ClientConfig config;
  if (!text.has_value()) return config;
  const absl::Status status = config::ParseTextFormat(*text, &config);
  if (status.ok()) return config;
  return absl::FailedPreconditionError(
      absl::StrCat(path, " cannot be parsed: ", status.message(),
                   "; correct the file, or remove it and add the contexts again"));
}

absl::Status WriteClientConfig(const ClientConfig& config) {
  const std::string path = ClientConfigPath();
  std::error_code error;  // writing the file reports the error
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  return WritePrivateFile(path, config::ToTextFormat(config));
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
                        "requires --ca: without TLS the token would be sent in plain text");
  }
  return absl::OkStatus();
}

}  // namespace anneal::client
