#include "server/transport/grpc_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/impl/server_builder_option.h>
#include <grpcpp/resource_quota.h>

#include <utility>

#include "common/status.h"
#include "server/transport/call_observer.h"

namespace anneal::rpc {
namespace {

// Whoever links gRPC's reflection has it in every server.
class WithoutReflection final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments* /*arguments*/) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    const std::string name = grpc::reflection::ProtoServerReflectionPlugin().name();
    std::erase_if(*plugins, [&name](const auto& plugin) { return plugin->name() == name; });
  }
};

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

Front::Front(const Services& services)
    : experiments_(services), runs_(services), presets_(services), server_info_(services) {}

absl::StatusOr<std::unique_ptr<Front>> Front::Start(const Options& options,
                                                    const Services& services) {
  std::unique_ptr<Front> front(new Front(services));
  ANNEAL_ASSIGN_OR_RETURN(front->acceptor_, Acceptor::Listen(options.addresses));
  grpc::ServerBuilder builder;
  Configure(&builder);
  if (!options.has_reflection) builder.SetOption(std::make_unique<WithoutReflection>());
  auto entrance = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, options.credentials);
  builder.RegisterService(&front->experiments_);
  builder.RegisterService(&front->runs_);
  builder.RegisterService(&front->presets_);
  builder.RegisterService(&front->server_info_);
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> observers;
  observers.push_back(ObserveCalls(services.metrics));
  builder.experimental().SetInterceptorCreators(std::move(observers));
  front->server_ = builder.BuildAndStart();
  if (front->server_ == nullptr) return absl::InternalError("gRPC does not start");
  front->SetServing(false);
  front->acceptor_->Begin(std::move(entrance));
  return front;
}

void Front::SetServing(bool serving) {
  server_->GetHealthCheckService()->SetServingStatus(serving);
}

}  // namespace anneal::rpc
