// anneal.v1.PresetService and anneal.v1.ServerService. Thread-safe.

#ifndef ANNEAL_SERVER_API_INFO_SERVICES_H_
#define ANNEAL_SERVER_API_INFO_SERVICES_H_

#include "anneal/v1/services.grpc.pb.h"
#include "server/api/services.h"

namespace anneal::api {

class PresetService final : public v1::PresetService::CallbackService {
 public:
  explicit PresetService(const Services& services) : services_(services) {}

  grpc::ServerUnaryReactor* ListPresets(grpc::CallbackServerContext* context,
                                        const v1::ListPresetsRequest* request,
                                        v1::ListPresetsResponse* response) override;
  grpc::ServerUnaryReactor* GetPreset(grpc::CallbackServerContext* context,
                                      const v1::GetPresetRequest* request,
                                      v1::Preset* response) override;

 private:
  const Services services_;
};

class ServerService final : public v1::ServerService::CallbackService {
 public:
  explicit ServerService(const Services& services) : services_(services) {}

  grpc::ServerUnaryReactor* GetServerInfo(grpc::CallbackServerContext* context,
                                          const v1::GetServerInfoRequest* request,
                                          v1::ServerInfo* response) override;
  grpc::ServerWriteReactor<v1::BackUpDatabaseResponse>* BackUpDatabase(
      grpc::CallbackServerContext* context, const v1::BackUpDatabaseRequest* request) override;

 private:
  absl::StatusOr<v1::ServerInfo> Info();

  const Services services_;
};

}  // namespace anneal::api

#endif  // ANNEAL_SERVER_API_INFO_SERVICES_H_
