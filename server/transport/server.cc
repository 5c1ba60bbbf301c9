#include "server/transport/server.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/status.h"
#include "server/transport/tls_credentials.h"

namespace anneal::transport {
namespace {

constexpr absl::string_view kUnix = "unix:";
// The longest path that fits into a sockaddr_un.
constexpr size_t kLongestSocketPath = 107;

bool IsLoopback(absl::string_view host) {
  return host == "localhost" || host == "[::1]" || host == "127.0.0.1";
}

absl::Status CheckLocal(const std::string& address) {
  absl::string_view path = address;
  if (absl::ConsumePrefix(&path, kUnix)) {
    if (!path.empty() && path.size() <= kLongestSocketPath) return absl::OkStatus();
    return InvalidField("--listen", absl::StrCat("is ", address, "; a socket path has 1 to ",
                                                 kLongestSocketPath, " bytes"));
  }
  const size_t colon = address.rfind(':');
  if (colon != std::string::npos && IsLoopback(absl::string_view(address).substr(0, colon))) {
    return absl::OkStatus();
  }
  return InvalidField(
      "--listen",
      absl::StrCat("is ", address,
                   "; must be 127.0.0.1:PORT, [::1]:PORT, localhost:PORT or unix:PATH, because its "
                   "callers need no token. Use --tls-listen for other hosts, or --insecure-listen "
                   "if every caller may do everything"));
}

absl::Status CheckHost(absl::string_view option, const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon != std::string::npos && colon > 0) return absl::OkStatus();
  return InvalidField(option, absl::StrCat("is ", address, "; must be HOST:PORT"));
}

absl::Status CheckAddresses(const ListenAddresses& addresses) {
  for (const std::string& address : addresses.local) ANNEAL_RETURN_IF_ERROR(CheckLocal(address));
  for (const std::string& address : addresses.insecure) {
    ANNEAL_RETURN_IF_ERROR(CheckHost("--insecure-listen", address));
  }
  for (const std::string& address : addresses.tls) {
    ANNEAL_RETURN_IF_ERROR(CheckHost("--tls-listen", address));
  }
  if (addresses.tls.empty()) {
    const auth::TlsFiles& files = addresses.tls_files;
    if ((files.certificate + files.key + files.client_ca).empty()) return absl::OkStatus();
    return InvalidField("--tls-listen",
                        "is missing; --tls-cert, --tls-key and --tls-client-ca need it");
  }
  if (addresses.tls_files.certificate.empty() || addresses.tls_files.key.empty()) {
    return InvalidField("--tls-listen", "needs --tls-cert and --tls-key");
  }
  return auth::CheckTlsFiles(addresses.tls_files);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(Options options) {
  const ListenAddresses& addresses = options.addresses;
  ANNEAL_RETURN_IF_ERROR(CheckAddresses(addresses));
  std::unique_ptr<Server> server(new Server(std::move(options.finish_streams)));
  const auto start = [&options](std::vector<std::string> at,
                                std::shared_ptr<grpc::ServerCredentials> credentials,
                                bool has_reflection) {
    return GrpcServer::Start({.addresses = std::move(at),
                              .credentials = std::move(credentials),
                              .has_reflection = has_reflection,
                              .services = options.make_services(),
                              .metrics = options.metrics,
                              .admission = options.admission});
  };
  std::vector<std::string> plain = addresses.local;
  plain.insert(plain.end(), addresses.insecure.begin(), addresses.insecure.end());
  ANNEAL_ASSIGN_OR_RETURN(server->plain_, start(std::move(plain), grpc::InsecureServerCredentials(),
                                                /*has_reflection=*/true));
  if (!addresses.local.empty()) server->local_address_ = server->plain_->addresses().front();
  if (!addresses.tls.empty()) {
    ANNEAL_ASSIGN_OR_RETURN(server->tls_, start(addresses.tls, TlsCredentials(addresses.tls_files),
                                                /*has_reflection=*/false));
  }
  return server;
}

std::vector<std::string> Server::addresses() const {
  std::vector<std::string> all = plain_->addresses();
  if (tls_ != nullptr) all.insert(all.end(), tls_->addresses().begin(), tls_->addresses().end());
  return all;
}

std::shared_ptr<grpc::Channel> Server::InProcessChannel() {
  return plain_->server().InProcessChannel(grpc::ChannelArguments());
}

std::shared_ptr<grpc::Channel> Server::NewConnection() {
  if (local_address_.empty()) return InProcessChannel();
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // shares no connection
  return grpc::CreateCustomChannel(local_address_, grpc::InsecureChannelCredentials(), arguments);
}

void Server::SetServing(bool serving) {
  plain_->SetServing(serving);
  if (tls_ != nullptr) tls_->SetServing(serving);
}

void Server::Shutdown(std::chrono::milliseconds patience) {
  plain_->StopAccepting();
  if (tls_ != nullptr) tls_->StopAccepting();
  SetServing(false);
  // Shutdown waits for every reactor: streams must be told to finish first.
  finish_streams_();
  const auto deadline = std::chrono::system_clock::now() + patience;
  plain_->Shutdown(deadline);
  if (tls_ != nullptr) tls_->Shutdown(deadline);
}

}  // namespace anneal::transport
