#include "server/rpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/status.h"

namespace anneal::rpc {
namespace {

constexpr absl::string_view kUnix = "unix:";
// What a path in a sockaddr_un has room for.
constexpr size_t kLongestSocketPath = 107;

bool IsLoopback(absl::string_view host) {
  return host == "localhost" || host == "[::1]" || host == "127.0.0.1";
}

absl::Status InUse(absl::string_view addresses) {
  return absl::FailedPreconditionError(absl::StrCat(
      "cannot listen on ", addresses, "; is another anneald running? Choose another --listen"));
}

// Whether somebody answers at a socket. gRPC would take it from them.
bool IsServed(absl::string_view path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return false;
  path.copy(address.sun_path, path.size());
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool served =
      ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  ::close(descriptor);
  return served;
}

absl::Status CheckAddress(const std::string& address) {
  absl::string_view path = address;
  if (absl::ConsumePrefix(&path, kUnix)) {
    if (IsServed(path)) return InUse(address);
    if (!path.empty() && path.size() <= kLongestSocketPath) return absl::OkStatus();
    return InvalidField("--listen", absl::StrCat("is ", address, "; the path of a socket has 1 to ",
                                                 kLongestSocketPath, " bytes"));
  }
  const size_t colon = address.rfind(':');
  if (colon != std::string::npos && IsLoopback(absl::string_view(address).substr(0, colon))) {
    return absl::OkStatus();
  }
  return InvalidField(
      "--listen", absl::StrCat("is ", address,
                               "; without TLS and tokens, which this version does not have, only "
                               "127.0.0.1:PORT, [::1]:PORT, localhost:PORT and unix:PATH are "
                               "allowed (reach them from afar through ssh -L)"));
}

void Configure(grpc::ServerBuilder* builder) {
  // On by default, it lets a second server take over half of the connections, silently.
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder->SetMaxReceiveMessageSize(1 << 20);
  builder->SetMaxSendMessageSize(4 << 20);
  builder->AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 8 << 10);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 128);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 20'000);
  builder->AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 10'000);
  builder->SetResourceQuota(grpc::ResourceQuota("anneald").Resize(256 << 20));
}

}  // namespace

Server::Server(const Services& services)
    : hub_(services.hub), experiments_(services), runs_(services), server_info_(services) {}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const std::vector<std::string>& addresses,
                                                      const Services& services) {
  for (const std::string& address : addresses) ANNEAL_RETURN_IF_ERROR(CheckAddress(address));
  grpc::EnableDefaultHealthCheckService(true);
  // All addresses are loopback or a socket of the user's: reflection gives nothing away.
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  std::unique_ptr<Server> server(new Server(services));
  grpc::ServerBuilder builder;
  Configure(&builder);
  std::vector<int> ports(addresses.size(), 0);
  for (size_t i = 0; i < addresses.size(); ++i) {
    builder.AddListeningPort(addresses[i], grpc::InsecureServerCredentials(), &ports[i]);
  }
  builder.RegisterService(&server->experiments_);
  builder.RegisterService(&server->runs_);
  builder.RegisterService(&server->presets_);
  builder.RegisterService(&server->server_info_);
  server->server_ = builder.BuildAndStart();
  for (size_t i = 0; i < addresses.size(); ++i) {
    if (server->server_ == nullptr || ports[i] == 0) {
      return InUse(absl::StrJoin(addresses, ", "));
    }
    const bool is_unix = absl::StartsWith(addresses[i], kUnix);
    // The umask of main.cc keeps others out until here.
    if (is_unix) ::chmod(addresses[i].substr(kUnix.size()).c_str(), 0600);
    const std::string host = addresses[i].substr(0, addresses[i].rfind(':'));
    server->addresses_.push_back(is_unix ? addresses[i] : absl::StrCat(host, ":", ports[i]));
  }
  return server;
}

std::shared_ptr<grpc::Channel> Server::InProcessChannel() {
  return server_->InProcessChannel(grpc::ChannelArguments());
}

void Server::Shutdown(std::chrono::milliseconds deadline) {
  server_->GetHealthCheckService()->SetServingStatus(false);
  // Shutdown waits for every reactor: streams must be told to finish first.
  hub_->Shutdown();
  server_->Shutdown(std::chrono::system_clock::now() + deadline);
}

}  // namespace anneal::rpc
