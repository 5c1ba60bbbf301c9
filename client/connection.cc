#include "client/connection.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/paths.h"
#include "common/resource_name.h"
#include "common/status.h"

namespace anneal::client {
namespace {

constexpr std::chrono::seconds kCallDeadline(30);
constexpr int kPageSize = 1000;
constexpr int kMaxMessage = 8 << 20;

std::string ChooseServer(std::string server) {
  if (!server.empty()) return server;
  if (const char* variable = std::getenv("ANNEAL_SERVER");
      variable != nullptr && variable[0] != '\0') {
    return variable;
  }
  const std::string socket = SocketPath(DefaultDataDirectory());
  struct stat info {};
  if (::stat(socket.c_str(), &info) == 0 && S_ISSOCK(info.st_mode)) {
    return absl::StrCat("unix:", socket);
  }
  return absl::StrCat("127.0.0.1:", kDefaultPort);
}

std::shared_ptr<grpc::Channel> Dial(const std::string& server) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessage);
  // Finds out about a frozen or vanished daemon while a stream is silent.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  // Quick to find a daemon that has restarted.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2'000);
  return grpc::CreateCustomChannel(server, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

Connection::Connection(std::string server)
    : server_(ChooseServer(std::move(server))),
      channel_(Dial(server_)),
      experiments_(v1::ExperimentService::NewStub(channel_)),
      runs_(v1::RunService::NewStub(channel_)),
      presets_(v1::PresetService::NewStub(channel_)),
      server_info_(v1::ServerService::NewStub(channel_)) {}

absl::Status Connection::FromGrpc(const grpc::Status& status) const {
  if (status.ok()) return absl::OkStatus();
  std::string message = status.error_message();
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
    message = absl::StrCat("cannot reach anneald at ", server_, " (", message,
                           "); start it with `anneald`, or name another with --server or "
                           "ANNEAL_SERVER");
  } else if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) {
    message = absl::StrCat("the server at ", server_,
                           " does not know this call; is it an anneald of this version?");
  }
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), message);
}

template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> Connection::Call(Stub* stub,
                                          grpc::Status (Stub::*method)(grpc::ClientContext*,
                                                                       const Request&, Response*),
                                          const Request& request) const {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kCallDeadline);
  Response response;
  ANNEAL_RETURN_IF_ERROR(FromGrpc((stub->*method)(&context, request, &response)));
  return response;
}

// `fetch` makes one call and moves its items to the end of a vector.
template <typename Item, typename Request, typename Fetch>
absl::StatusOr<std::vector<Item>> Connection::AllPages(Request request, int limit,
                                                       Fetch fetch) const {
  std::vector<Item> items;
  do {
    const int left = limit == 0 ? kPageSize : limit - static_cast<int>(items.size());
    request.set_page_size(std::min(left, kPageSize));
    ANNEAL_ASSIGN_OR_RETURN(const std::string next, fetch(request, &items));
    request.set_page_token(next);
  } while (!request.page_token().empty() && (limit == 0 || static_cast<int>(items.size()) < limit));
  return items;
}

namespace {

template <typename Repeated, typename Item>
void MoveTo(Repeated* from, std::vector<Item>* to) {
  to->insert(to->end(), std::make_move_iterator(from->begin()),
             std::make_move_iterator(from->end()));
}

}  // namespace

absl::StatusOr<v1::Experiment> Connection::Create(const v1::CreateExperimentRequest& request) {
  return Call(experiments_.get(), &v1::ExperimentService::Stub::CreateExperiment, request);
}

absl::StatusOr<v1::Experiment> Connection::GetExperiment(const std::string& name) {
  v1::GetExperimentRequest request;
  request.set_name(name);
  return Call(experiments_.get(), &v1::ExperimentService::Stub::GetExperiment, request);
}

absl::StatusOr<v1::Run> Connection::GetRun(const std::string& name) {
  v1::GetRunRequest request;
  request.set_name(name);
  request.set_view(v1::RUN_VIEW_FULL);
  return Call(runs_.get(), &v1::RunService::Stub::GetRun, request);
}

template <typename ForExperiment, typename ForRun, typename ExperimentMethod, typename RunMethod>
absl::Status Connection::Change(const std::string& name, ExperimentMethod experiment_method,
                                RunMethod run_method) const {
  if (IsRunName(name)) {
    ForRun request;
    request.set_name(name);
    return Call(runs_.get(), run_method, request).status();
  }
  ForExperiment request;
  request.set_name(name);
  return Call(experiments_.get(), experiment_method, request).status();
}

absl::Status Connection::Cancel(const std::string& name) {
  return Change<v1::CancelExperimentRequest, v1::CancelRunRequest>(
      name, &v1::ExperimentService::Stub::CancelExperiment, &v1::RunService::Stub::CancelRun);
}

absl::Status Connection::Pause(const std::string& name) {
  return Change<v1::PauseExperimentRequest, v1::PauseRunRequest>(
      name, &v1::ExperimentService::Stub::PauseExperiment, &v1::RunService::Stub::PauseRun);
}

absl::Status Connection::Resume(const std::string& name) {
  return Change<v1::ResumeExperimentRequest, v1::ResumeRunRequest>(
      name, &v1::ExperimentService::Stub::ResumeExperiment, &v1::RunService::Stub::ResumeRun);
}

absl::Status Connection::Retry(const std::string& name) {
  return Change<v1::RetryExperimentRequest, v1::RetryRunRequest>(
      name, &v1::ExperimentService::Stub::RetryExperiment, &v1::RunService::Stub::RetryRun);
}

absl::StatusOr<v1::Experiment> Connection::Update(const v1::UpdateExperimentRequest& request) {
  return Call(experiments_.get(), &v1::ExperimentService::Stub::UpdateExperiment, request);
}

absl::Status Connection::Delete(const std::string& name, bool force) {
  v1::DeleteExperimentRequest request;
  request.set_name(name);
  request.set_force(force);
  return Call(experiments_.get(), &v1::ExperimentService::Stub::DeleteExperiment, request).status();
}

absl::Status Connection::Undelete(const std::string& name) {
  v1::UndeleteExperimentRequest request;
  request.set_name(name);
  return Call(experiments_.get(), &v1::ExperimentService::Stub::UndeleteExperiment, request)
      .status();
}

absl::Status Connection::Purge(const std::string& name) {
  v1::PurgeExperimentRequest request;
  request.set_name(name);
  return Call(experiments_.get(), &v1::ExperimentService::Stub::PurgeExperiment, request).status();
}

absl::StatusOr<v1::Run> Connection::Extend(const std::string& run, int epochs) {
  v1::ExtendRunRequest request;
  request.set_name(run);
  request.set_epochs(epochs);
  return Call(runs_.get(), &v1::RunService::Stub::ExtendRun, request);
}

absl::StatusOr<v1::ListCheckpointsResponse> Connection::ListCheckpoints(const std::string& run) {
  v1::ListCheckpointsRequest request;
  request.set_parent(run);
  return Call(runs_.get(), &v1::RunService::Stub::ListCheckpoints, request);
}

absl::StatusOr<v1::CheckpointInfo> Connection::DownloadCheckpoint(
    const v1::DownloadCheckpointRequest& request,
    const std::function<absl::Status(const std::string&)>& on_contents) {
  grpc::ClientContext context;
  const auto reader = runs_->DownloadCheckpoint(&context, request);
  v1::CheckpointInfo info;
  v1::DownloadCheckpointResponse response;
  absl::Status status;
  while (status.ok() && reader->Read(&response)) {
    if (response.has_checkpoint()) info = response.checkpoint();
    if (!response.contents().empty()) status = on_contents(response.contents());
  }
  if (!status.ok()) context.TryCancel();
  const grpc::Status finished = reader->Finish();
  if (!status.ok()) return status;
  if (!finished.ok()) return FromGrpc(finished);
  return info;
}

absl::StatusOr<v1::CompareExperimentsResponse> Connection::Compare(
    const v1::CompareExperimentsRequest& request) {
  return Call(experiments_.get(), &v1::ExperimentService::Stub::CompareExperiments, request);
}

absl::StatusOr<v1::ListPresetsResponse> Connection::ListPresets() {
  return Call(presets_.get(), &v1::PresetService::Stub::ListPresets, v1::ListPresetsRequest());
}

absl::StatusOr<v1::Preset> Connection::GetPreset(const std::string& name) {
  v1::GetPresetRequest request;
  request.set_name(name);
  return Call(presets_.get(), &v1::PresetService::Stub::GetPreset, request);
}

absl::StatusOr<v1::ServerInfo> Connection::GetServerInfo() {
  return Call(server_info_.get(), &v1::ServerService::Stub::GetServerInfo,
              v1::GetServerInfoRequest());
}

absl::StatusOr<std::vector<v1::Experiment>> Connection::ListExperiments(
    v1::ListExperimentsRequest request, int limit) {
  return AllPages<v1::Experiment>(
      std::move(request), limit,
      [this](const auto& next, auto* items) -> absl::StatusOr<std::string> {
        ANNEAL_ASSIGN_OR_RETURN(
            auto page,
            Call(experiments_.get(), &v1::ExperimentService::Stub::ListExperiments, next));
        MoveTo(page.mutable_experiments(), items);
        return page.next_page_token();
      });
}

absl::StatusOr<std::vector<v1::Run>> Connection::ListRuns(v1::ListRunsRequest request, int limit) {
  return AllPages<v1::Run>(std::move(request), limit,
                           [this](const auto& next, auto* items) -> absl::StatusOr<std::string> {
                             ANNEAL_ASSIGN_OR_RETURN(
                                 auto page,
                                 Call(runs_.get(), &v1::RunService::Stub::ListRuns, next));
                             MoveTo(page.mutable_runs(), items);
                             return page.next_page_token();
                           });
}

absl::StatusOr<std::vector<v1::QueuedRun>> Connection::ListQueue(int limit) {
  return AllPages<v1::QueuedRun>(
      v1::ListQueueRequest(), limit,
      [this](const auto& request, auto* items) -> absl::StatusOr<std::string> {
        ANNEAL_ASSIGN_OR_RETURN(auto page,
                                Call(runs_.get(), &v1::RunService::Stub::ListQueue, request));
        MoveTo(page.mutable_runs(), items);
        return page.next_page_token();
      });
}

absl::StatusOr<std::vector<v1::Epoch>> Connection::ListEpochs(const std::string& run, int limit) {
  v1::ListEpochsRequest first;
  first.set_parent(run);
  return AllPages<v1::Epoch>(
      first, limit, [this](const auto& request, auto* items) -> absl::StatusOr<std::string> {
        ANNEAL_ASSIGN_OR_RETURN(auto page,
                                Call(runs_.get(), &v1::RunService::Stub::ListEpochs, request));
        MoveTo(page.mutable_epochs(), items);
        return page.next_page_token();
      });
}

absl::StatusOr<std::vector<v1::ThetaVector>> Connection::ListThetas(v1::ListThetasRequest request,
                                                                    int limit) {
  return AllPages<v1::ThetaVector>(
      std::move(request), limit,
      [this](const auto& next, auto* items) -> absl::StatusOr<std::string> {
        ANNEAL_ASSIGN_OR_RETURN(auto page,
                                Call(runs_.get(), &v1::RunService::Stub::ListThetas, next));
        MoveTo(page.mutable_thetas(), items);
        return page.next_page_token();
      });
}

absl::Status Connection::Watch(grpc::ClientContext* context,
                               const v1::WatchExperimentRequest& request,
                               const std::function<bool(const v1::Event&)>& on_event) {
  const auto reader = experiments_->WatchExperiment(context, request);
  v1::Event event;
  bool wanted = true;
  while (wanted && reader->Read(&event)) wanted = on_event(event);
  if (!wanted) context->TryCancel();
  const grpc::Status status = reader->Finish();
  return wanted ? FromGrpc(status) : absl::OkStatus();
}

bool IsLostConnection(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsCancelled(status) || absl::IsUnknown(status);
}

}  // namespace anneal::client
