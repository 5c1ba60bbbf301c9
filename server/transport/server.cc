#include "server/transport/server.h"

#include <grpcpp/health_check_service_interface.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/status.h"
#include "server/transport/grpc_1_51/frame_guard.h"
#include "server/api/authorization.h"

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

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const Listening& listening,
                                                      const Services& services) {
  ANNEAL_RETURN_IF_ERROR(CheckListening(listening));
  grpc::EnableDefaultHealthCheckService(true);
  if (!FramesAreGuarded()) {
    spdlog::warn(
        "this gRPC is of another version than 1.51: what strangers send is not limited by anneald");
  }
  std::unique_ptr<Server> server(new Server(services.hub));
  Front::Options plain = {.addresses = listening.local,
                          .credentials = grpc::InsecureServerCredentials(),
                          .has_reflection = true};
  plain.addresses.insert(plain.addresses.end(), listening.insecure.begin(),
                         listening.insecure.end());
  ANNEAL_ASSIGN_OR_RETURN(server->plain_, Front::Start(plain, services));
  if (!listening.local.empty()) server->local_address_ = server->plain_->addresses().front();
  if (!listening.tls.empty()) {
    const Front::Options tls = {.addresses = listening.tls,
                                .credentials = TlsCredentials(listening.tls_files)};
    ANNEAL_ASSIGN_OR_RETURN(server->tls_, Front::Start(tls, services));
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
  plain_->SetServing(serving);
  if (tls_ != nullptr) tls_->SetServing(serving);
}

void Server::Shutdown(std::chrono::milliseconds patience) {
  plain_->StopAccepting();
  if (tls_ != nullptr) tls_->StopAccepting();
  SetServing(false);
  // Shutdown waits for every reactor: streams must be told to finish first.
  hub_->Shutdown();
  const auto deadline = std::chrono::system_clock::now() + patience;
  plain_->Shutdown(deadline);
  if (tls_ != nullptr) tls_->Shutdown(deadline);
}

}  // namespace anneal::rpc
