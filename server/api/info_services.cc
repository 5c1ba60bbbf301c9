#include "server/api/info_services.h"

#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/config/presets.h"
#include "common/status.h"
#include "common/version.h"
#include "google/protobuf/util/time_util.h"
#include "server/store/queue_store.h"

namespace anneal::api {

grpc::ServerUnaryReactor* PresetService::ListPresets(grpc::CallbackServerContext* context,
                                                     const v1::ListPresetsRequest* request,
                                                     v1::ListPresetsResponse* response) {
  return runner_.Run(context, request, response, []() -> absl::StatusOr<v1::ListPresetsResponse> {
    v1::ListPresetsResponse all;
    all.mutable_presets()->Assign(config::Presets().begin(), config::Presets().end());
    return all;
  });
}

grpc::ServerUnaryReactor* PresetService::GetPreset(grpc::CallbackServerContext* context,
                                                   const v1::GetPresetRequest* request,
                                                   v1::Preset* response) {
  return runner_.Run(context, request, response,
                     [request] { return config::FindPreset(request->name()); });
}

grpc::ServerUnaryReactor* ServerService::GetServerInfo(grpc::CallbackServerContext* context,
                                                       const v1::GetServerInfoRequest* request,
                                                       v1::ServerInfo* response) {
  return dependencies_.runner->Run(context, request, response, [this] { return Info(); });
}

grpc::ServerWriteReactor<v1::BackUpDatabaseResponse>* ServerService::BackUpDatabase(
    grpc::CallbackServerContext* context, const v1::BackUpDatabaseRequest* request) {
  return BackupReactor::Start(context, *request, dependencies_.backup);
}

absl::StatusOr<v1::ServerInfo> ServerService::Info() {
  v1::ServerInfo info;
  info.set_version(std::string(kVersion));
  *info.mutable_start_time() =
      google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(dependencies_.start_micros);
  info.set_workers(dependencies_.dispatcher->workers());
  info.set_workers_busy(info.workers() - dependencies_.dispatcher->idle_workers());
  for (const std::string& name : dependencies_.datasets->Names()) {
    v1::DatasetInfo* dataset = info.add_datasets();
    dataset->set_name(name);
    const auto loaded = dependencies_.datasets->Get(name);
    if (!loaded.ok()) dataset->set_problem(std::string(loaded.status().message()));
  }
  ANNEAL_ASSIGN_OR_RETURN(const int64_t pending,
                          dependencies_.store->Read(&store::CountPendingRuns));
  info.set_runs_pending(pending);
  // Last, because loading a data set may take seconds.
  *info.mutable_time() =
      google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(absl::ToUnixMicros(absl::Now()));
  return info;
}

}  // namespace anneal::api
