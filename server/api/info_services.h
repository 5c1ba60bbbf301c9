// `PresetService` and `ServerService` implement the services of those names in anneal.v1.

#ifndef ANNEAL_SERVER_API_INFO_SERVICES_H_
#define ANNEAL_SERVER_API_INFO_SERVICES_H_

#include <cstdint>

#include "anneal/v1/services.grpc.pb.h"
#include "server/api/backup_reactor.h"
#include "server/api/unary_runner.h"
#include "server/scheduling/dispatcher.h"
#include "server/store/store.h"
#include "server/training/data/dataset_registry.h"

namespace anneal::api {

// Thread-safe.
class PresetService final : public v1::PresetService::CallbackService {
 public:
  explicit PresetService(const UnaryRunner* runner) : runner_(*runner) {}  // borrowed

  grpc::ServerUnaryReactor* ListPresets(grpc::CallbackServerContext* context,
                                        const v1::ListPresetsRequest* request,
                                        v1::ListPresetsResponse* response) override;
  grpc::ServerUnaryReactor* GetPreset(grpc::CallbackServerContext* context,
                                      const v1::GetPresetRequest* request,
                                      v1::Preset* response) override;

 private:
  const UnaryRunner& runner_;
};

// Thread-safe. Methods return at once; their handlers run on the blocking pool.
class ServerService final : public v1::ServerService::CallbackService {
 public:
  // All borrowed.
  struct Dependencies {
    const UnaryRunner* runner = nullptr;
    store::Store* store = nullptr;
    scheduling::Dispatcher* dispatcher = nullptr;
    training::data::DatasetRegistry* datasets = nullptr;
    int64_t start_micros = 0;  // wall-clock time at which the daemon started
    BackupReactor::Dependencies backup;
  };

  explicit ServerService(const Dependencies& dependencies) : dependencies_(dependencies) {}

  grpc::ServerUnaryReactor* GetServerInfo(grpc::CallbackServerContext* context,
                                          const v1::GetServerInfoRequest* request,
                                          v1::ServerInfo* response) override;
  grpc::ServerWriteReactor<v1::BackUpDatabaseResponse>* BackUpDatabase(
      grpc::CallbackServerContext* context, const v1::BackUpDatabaseRequest* request) override;

 private:
  absl::StatusOr<v1::ServerInfo> Info();

  const Dependencies dependencies_;
};

}  // namespace anneal::api

#endif  // ANNEAL_SERVER_API_INFO_SERVICES_H_
