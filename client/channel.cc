#include "client/channel.h"

#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "client/endpoint.h"
#include "common/message_limits.h"
#include "common/status.h"

namespace anneal::client {
namespace {

absl::StatusOr<std::string> Contents(absl::string_view kind, const std::string& path) {
  std::ifstream file(path);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file && !text.empty()) return text;
  return absl::FailedPreconditionError(absl::StrCat(
      "the ", kind, " file ", path, " cannot be read or is empty; check its path and permissions"));
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> Credentials(const Context& context) {
  if (context.ca_file().empty()) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions options;
  ANNEAL_ASSIGN_OR_RETURN(options.pem_root_certs, Contents("certificate", context.ca_file()));
  auto channel = grpc::SslCredentials(options);
  if (context.token_file().empty()) return channel;
  ANNEAL_ASSIGN_OR_RETURN(std::string token, Contents("token", context.token_file()));
  absl::StripAsciiWhitespace(&token);
  return grpc::CompositeChannelCredentials(channel, grpc::AccessTokenCredentials(token));
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(const Context& context) {
  ANNEAL_RETURN_IF_ERROR(CheckContext(context));
  ANNEAL_ASSIGN_OR_RETURN(const auto credentials, Credentials(context));
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxAcceptedResponseBytes);
  // Detects a frozen or vanished daemon while a stream is silent.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  // Reconnects soon to a daemon that has restarted.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2'000);
  return grpc::CreateCustomChannel(context.server(), credentials, arguments);
}

}  // namespace anneal::client
