#include "server/transport/health.h"

#include <grpcpp/impl/server_builder_option.h>
#include <grpcpp/impl/server_builder_plugin.h>
#include <grpcpp/impl/server_initializer.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace anneal::transport {
namespace {

// Finds the list of services that gRPC keeps in a server, which has no accessor.
class ServiceNames final : public grpc::ServerBuilderPlugin {
 public:
  explicit ServiceNames(const std::vector<std::string>** names) : names_(names) {}

  std::string name() override { return "service_names"; }
  void InitServer(grpc::ServerInitializer* /*initializer*/) override {}
  void Finish(grpc::ServerInitializer* initializer) override {
    *names_ = initializer->GetServiceList();
  }
  void ChangeArguments(const std::string& /*name*/, void* /*value*/) override {}

 private:
  const std::vector<std::string>** const names_;
};

class WithServiceNames final : public grpc::ServerBuilderOption {
 public:
  explicit WithServiceNames(const std::vector<std::string>** names) : names_(names) {}

  void UpdateArguments(grpc::ChannelArguments* /*arguments*/) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    plugins->push_back(std::make_unique<ServiceNames>(names_));
  }

 private:
  const std::vector<std::string>** const names_;
};

}  // namespace

// One stream. The service's mutex guards its state; gRPC is called without it, because it may call
// back before it returns.
class HealthService::Watcher final : public grpc::ServerWriteReactor<Response> {
 public:
  Watcher(HealthService* health, std::string service)
      : health_(health), service_(std::move(service)) {}

  // Writes the status if it is not the last one sent, or finishes. Does nothing while a write is in
  // flight, after which it is called again.
  void Advance() ABSL_LOCKS_EXCLUDED(health_->mutex_) {
    std::optional<grpc::Status> end;
    {
      MutexLock lock(&health_->mutex_);
      if (is_writing_ || is_finished_) return;
      const Response::ServingStatus status = health_->StatusOf(service_);
      if (is_gone_) {
        end = grpc::Status::CANCELLED;
      } else if (status != sent_) {
        is_writing_ = true;
        sent_ = status;
        message_.set_status(status);
      } else if (health_->stopping_) {
        end = grpc::Status(grpc::StatusCode::UNAVAILABLE, "the server is stopping");
      } else {
        return;
      }
      is_finished_ = end.has_value();
    }
    end.has_value() ? Finish(*end) : StartWrite(&message_);
  }

  void OnWriteDone(bool ok) override ABSL_LOCKS_EXCLUDED(health_->mutex_) {
    {
      MutexLock lock(&health_->mutex_);
      is_writing_ = false;
      if (!ok) is_gone_ = true;
    }
    Advance();
  }

  void OnCancel() override ABSL_LOCKS_EXCLUDED(health_->mutex_) {
    {
      MutexLock lock(&health_->mutex_);
      is_gone_ = true;
    }
    Advance();
  }

  void OnDone() override ABSL_LOCKS_EXCLUDED(health_->mutex_) {
    std::shared_ptr<Watcher> self;  // destroyed without the lock
    MutexLock lock(&health_->mutex_);
    self = std::move(health_->watchers_.extract(this).mapped());
  }

 private:
  HealthService* const health_;
  const std::string service_;
  Response message_;  // belongs to gRPC while is_writing_

  Response::ServingStatus sent_ ABSL_GUARDED_BY(health_->mutex_) = Response::UNKNOWN;
  bool is_writing_ ABSL_GUARDED_BY(health_->mutex_) = false;
  bool is_gone_ ABSL_GUARDED_BY(health_->mutex_) = false;
  bool is_finished_ ABSL_GUARDED_BY(health_->mutex_) = false;
};

void HealthService::AddTo(grpc::ServerBuilder* builder) {
  builder->SetOption(std::make_unique<WithServiceNames>(&services_));
  builder->RegisterService(this);
}

void HealthService::SetServing(bool serving) {
  {
    MutexLock lock(&mutex_);
    serving_ = serving;
  }
  Notify();
}

void HealthService::Stop() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
  }
  Notify();
}

grpc::ServerUnaryReactor* HealthService::Check(grpc::CallbackServerContext* context,
                                               const Request* request, Response* response) {
  {
    MutexLock lock(&mutex_);
    response->set_status(StatusOf(request->service()));
  }
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(response->status() != Response::SERVICE_UNKNOWN
                      ? grpc::Status::OK
                      : grpc::Status(grpc::StatusCode::NOT_FOUND, "there is no such service"));
  return reactor;
}

grpc::ServerWriteReactor<HealthService::Response>* HealthService::Watch(
    grpc::CallbackServerContext* /*context*/, const Request* request) {
  const auto watcher = std::make_shared<Watcher>(this, request->service());
  {
    MutexLock lock(&mutex_);
    watchers_.emplace(watcher.get(), watcher);
  }
  watcher->Advance();
  return watcher.get();
}

HealthService::Response::ServingStatus HealthService::StatusOf(const std::string& service) const {
  const bool is_known = service.empty() || std::find(services_->begin(), services_->end(),
                                                     service) != services_->end();
  if (!is_known) return Response::SERVICE_UNKNOWN;
  return serving_ && !stopping_ ? Response::SERVING : Response::NOT_SERVING;
}

void HealthService::Notify() {
  std::vector<std::shared_ptr<Watcher>> watchers;
  {
    MutexLock lock(&mutex_);
    for (const auto& [key, watcher] : watchers_) watchers.push_back(watcher);
  }
  for (const auto& watcher : watchers) watcher->Advance();
}

}  // namespace anneal::transport
