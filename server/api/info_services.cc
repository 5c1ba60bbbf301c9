#include "server/api/info_services.h"

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/config/presets.h"
#include "common/status.h"
#include "common/version.h"
#include "google/protobuf/util/time_util.h"
#include "server/api/backup_reactor.h"
#include "server/api/unary.h"
#include "server/store/queue_store.h"

namespace anneal::api {

grpc::ServerUnaryReactor* PresetService::ListPresets(grpc::CallbackServerContext* context,
                                                     const v1::ListPresetsRequest* request,
                                                     v1::ListPresetsResponse* response) {
  return Answer(context, services_, request, response,
                []() -> absl::StatusOr<v1::ListPresetsResponse> {
                  v1::ListPresetsResponse all;
                  all.mutable_presets()->Assign(config::Presets().begin(), config::Presets().end());
                  return all;
                });
}

grpc::ServerUnaryReactor* PresetService::GetPreset(grpc::CallbackServerContext* context,
                                                   const v1::GetPresetRequest* request,
                                                   v1::Preset* response) {
  return Answer(context, services_, request, response,
                [request] { return config::FindPreset(request->name()); });
}

grpc::ServerUnaryReactor* ServerService::GetServerInfo(grpc::CallbackServerContext* context,
                                                       const v1::GetServerInfoRequest* request,
                                                       v1::ServerInfo* response) {
  return Answer(context, services_, request, response, [this] { return Info(); });
}

grpc::ServerWriteReactor<v1::BackUpDatabaseResponse>* ServerService::BackUpDatabase(
    grpc::CallbackServerContext* context, const v1::BackUpDatabaseRequest* request) {
  return BackupReactor::Start(context, *request, services_);
}

absl::StatusOr<v1::ServerInfo> ServerService::Info() {
  v1::ServerInfo info;
  info.set_version(std::string(kVersion));
  *info.mutable_start_time() =
      google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(services_.start_micros);
  info.set_workers(services_.dispatcher->workers());
  info.set_workers_busy(info.workers() - services_.dispatcher->idle_workers());
  for (const std::string& name : services_.datasets->Names()) {
    v1::DatasetInfo* dataset = info.add_datasets();
    dataset->set_name(name);
    const auto loaded = services_.datasets->Get(name);
    if (!loaded.ok()) dataset->set_problem(std::string(loaded.status().message()));
  }
  const absl::Status status = services_.store->Read([&](store::Connection& db) -> absl::Status {
    ANNEAL_ASSIGN_OR_RETURN(const int64_t pending, store::CountPendingRuns(db));
    info.set_runs_pending(pending);
    return absl::OkStatus();
  });
  ANNEAL_RETURN_IF_ERROR(status);
  // Last: loading a data set takes its time.
  *info.mutable_time() =
      google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(absl::ToUnixMicros(absl::Now()));
  return info;
}

}  // namespace anneal::api
