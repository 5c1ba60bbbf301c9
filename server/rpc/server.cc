#include "server/rpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/status.h"
#include "server/rpc/call_observer.h"
#include "server/rpc/gate.h"

namespace anneal::rpc {
namespace {

constexpr absl::string_view kUnix = "unix:";
constexpr std::chrono::seconds kAnswerDeadline(5);
// What a path in a sockaddr_un has room for.
constexpr size_t kLongestSocketPath = 107;

bool IsLoopback(absl::string_view host) {
  return host == "localhost" || host == "[::1]" || host == "127.0.0.1";
}

absl::Status CheckLocal(const std::string& address) {
  absl::string_view path = address;
  if (absl::ConsumePrefix(&path, kUnix)) {
    if (!path.empty() && path.size() <= kLongestSocketPath) return absl::OkStatus();
    return InvalidField("--listen", absl::StrCat("is ", address, "; the path of a socket has 1 to ",
                                                 kLongestSocketPath, " bytes"));
  }
  const size_t colon = address.rfind(':');
  if (colon != std::string::npos && IsLoopback(absl::string_view(address).substr(0, colon))) {
    return absl::OkStatus();
  }
  return InvalidField(
      "--listen",
      absl::StrCat("is ", address,
                   "; without tokens only 127.0.0.1:PORT, [::1]:PORT, localhost:PORT and unix:PATH "
                   "are served. Others can be with --tls-listen, or, if everybody who reaches it "
                   "may do everything, with --insecure-listen"));
}

absl::Status CheckHost(absl::string_view option, const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon != std::string::npos && colon > 0) return absl::OkStatus();
  return InvalidField(option, absl::StrCat("is ", address, "; expected HOST:PORT"));
}

absl::Status CheckListening(const Listening& listening) {
  for (const std::string& address : listening.local) ANNEAL_RETURN_IF_ERROR(CheckLocal(address));
  for (const std::string& address : listening.insecure) {
    ANNEAL_RETURN_IF_ERROR(CheckHost("--insecure-listen", address));
  }
  for (const std::string& address : listening.tls) {
    ANNEAL_RETURN_IF_ERROR(CheckHost("--tls-listen", address));
  }
  if (listening.tls.empty()) {
    const auth::TlsFiles& files = listening.tls_files;
    if ((files.certificate + files.key + files.client_ca).empty()) return absl::OkStatus();
    return InvalidField("--tls-listen", "is missing: --tls-cert and the like are of it only");
  }
  if (listening.tls_files.certificate.empty() || listening.tls_files.key.empty()) {
    return InvalidField("--tls-listen", "needs --tls-cert and --tls-key");
  }
  return auth::CheckTlsFiles(listening.tls_files);
}

void Configure(grpc::ServerBuilder* builder) {
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

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const Listening& listening,
                                                      const Services& services) {
  ANNEAL_RETURN_IF_ERROR(CheckListening(listening));
  grpc::EnableDefaultHealthCheckService(true);
  // For those who may do everything: over TLS no rule lets anybody call it.
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  std::unique_ptr<Server> server(new Server(services));
  std::vector<std::string> plain = listening.local;
  plain.insert(plain.end(), listening.insecure.begin(), listening.insecure.end());
  ANNEAL_ASSIGN_OR_RETURN(server->acceptor_, Acceptor::Listen(plain));
  grpc::ServerBuilder builder;
  Configure(&builder);
  constexpr auto kByDescriptor =
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD;
  auto entrance = builder.experimental().AddExternalConnectionAcceptor(
      kByDescriptor, grpc::InsecureServerCredentials());
  std::unique_ptr<Acceptor::Entrance> tls_entrance;
  if (!listening.tls.empty()) {
    ANNEAL_ASSIGN_OR_RETURN(server->tls_acceptor_, Acceptor::Listen(listening.tls));
    tls_entrance = builder.experimental().AddExternalConnectionAcceptor(
        kByDescriptor, TlsCredentials(listening.tls_files, services));
  }
  builder.RegisterService(&server->experiments_);
  builder.RegisterService(&server->runs_);
  builder.RegisterService(&server->presets_);
  builder.RegisterService(&server->server_info_);
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> observers;
  observers.push_back(ObserveCalls(services.metrics));
  builder.experimental().SetInterceptorCreators(std::move(observers));
  server->server_ = builder.BuildAndStart();
  if (server->server_ == nullptr) return absl::InternalError("gRPC does not start");
  server->SetServing(false);
  if (!listening.local.empty()) server->local_address_ = server->acceptor_->addresses().front();
  server->acceptor_->Begin(std::move(entrance));
  if (server->tls_acceptor_ != nullptr) server->tls_acceptor_->Begin(std::move(tls_entrance));
  return server;
}

std::vector<std::string> Server::addresses() const {
  std::vector<std::string> all = acceptor_->addresses();
  if (tls_acceptor_ != nullptr) {
    all.insert(all.end(), tls_acceptor_->addresses().begin(), tls_acceptor_->addresses().end());
  }
  return all;
}

std::shared_ptr<grpc::Channel> Server::InProcessChannel() {
  return server_->InProcessChannel(grpc::ChannelArguments());
}

absl::Status Server::CheckAnswers() {
  grpc::ChannelArguments arguments;
  // A connection of its own.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto channel = local_address_.empty()
                           ? InProcessChannel()
                           : grpc::CreateCustomChannel(
                                 local_address_, grpc::InsecureChannelCredentials(), arguments);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kAnswerDeadline);
  // The least that looks at the store.
  v1::ListExperimentsRequest request;
  request.set_page_size(1);
  v1::ListExperimentsResponse response;
  const grpc::Status status =
      v1::ExperimentService::NewStub(channel)->ListExperiments(&context, request, &response);
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

void Server::SetServing(bool serving) {
  server_->GetHealthCheckService()->SetServingStatus(serving);
}

void Server::Shutdown(std::chrono::milliseconds deadline) {
  acceptor_->Stop();
  if (tls_acceptor_ != nullptr) tls_acceptor_->Stop();
  SetServing(false);
  // Shutdown waits for every reactor: streams must be told to finish first.
  hub_->Shutdown();
  server_->Shutdown(std::chrono::system_clock::now() + deadline);
}

}  // namespace anneal::rpc
