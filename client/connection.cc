#include "client/connection.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <thread>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "client/channel.h"
#include "client/error_text.h"
#include "common/resource_name.h"
#include "common/sha256.h"
#include "common/status.h"
#include "common/version.h"
#include "google/rpc/error.pb.h"

namespace anneal::client {
namespace {

constexpr int kPageSize = 1000;
// Pause before a retry after RATE_LIMITED; quotas refill within a second.
constexpr std::chrono::milliseconds kRateLimitPause(200);

// Adds the daemon's error details to the status.
absl::Status WithDetails(absl::Status status, const grpc::Status& from) {
  google::rpc::Status details;
  if (!details.ParseFromString(from.error_details())) return status;
  for (const auto& detail : details.details()) {
    status.SetPayload(detail.type_url(), absl::Cord(detail.value()));
  }
  return status;
}

// Returns the request ID from the daemon's log; empty without a response.
std::string RequestIdOf(const grpc::ClientContext& context) {
  const auto& metadata = context.GetServerInitialMetadata();
  const auto found = metadata.find("x-request-id");
  if (found == metadata.end()) return "";
  return absl::StrCat(", request ", std::string(found->second.data(), found->second.size()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const Context& context,
                                                             ConnectionOptions options) {
  ANNEAL_ASSIGN_OR_RETURN(auto channel, OpenChannel(context));
  return std::unique_ptr<Connection>(
      new Connection(context, std::move(channel), std::move(options)));
}

Connection::Connection(const Context& context, std::shared_ptr<grpc::Channel> channel,
                       ConnectionOptions options)
    : server_(context.server()),
      options_(std::move(options)),
      channel_(std::move(channel)),
      experiments_(v1::ExperimentService::NewStub(channel_)),
      runs_(v1::RunService::NewStub(channel_)),
      presets_(v1::PresetService::NewStub(channel_)),
      server_info_(v1::ServerService::NewStub(channel_)) {}

std::string Connection::UnimplementedMessage(absl::string_view call) const {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + options_.deadline);
  v1::ServerInfo info;
  if (!server_info_->GetServerInfo(&context, v1::GetServerInfoRequest(), &info).ok()) {
    return absl::StrCat("the server at ", server_,
                        " is not anneald; set another address with --server or ANNEAL_SERVER");
  }
  return absl::StrCat("anneald ", info.version(), " at ", server_, " does not implement ", call,
                      ", which anneal ", kVersion, " calls; update the older of the two");
}

absl::Status Connection::FromGrpc(absl::string_view call, const grpc::ClientContext& context,
                                  const grpc::Status& status, absl::Time begin) const {
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  if (options_.trace) {
    const std::string reason = ReasonText(WithDetails(absl::Status(code, ""), status));
    options_.trace(absl::StrFormat("%s: %s%s%s in %.1f ms, from %s%s", call,
                                   absl::StatusCodeToString(code), reason.empty() ? "" : " ",
                                   reason, absl::ToDoubleMilliseconds(absl::Now() - begin),
                                   context.peer(), RequestIdOf(context)));
  }
  if (status.ok()) return absl::OkStatus();
  std::string message = status.error_message();
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
    const bool other = absl::StrContains(message, "HTTP/2") || absl::StrContains(message, "http1");
    message = absl::StrCat(other ? "the server at " : "cannot reach anneald at ", server_,
                           other ? " does not speak gRPC, so it is not anneald" : "", " (", message,
                           other ? "); set" : "); start it with `anneald`, or set",
                           " another address with --server or ANNEAL_SERVER");
  } else if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) {
    message = UnimplementedMessage(call);
  } else {
    message = ErrorText(WithDetails(absl::Status(code, message), status));
  }
  return WithDetails(absl::Status(code, message), status);
}

template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> Connection::Call(Stub* stub,
                                          grpc::Status (Stub::*method)(grpc::ClientContext*,
                                                                       const Request&, Response*),
                                          const Request& request) const {
  const auto deadline = std::chrono::system_clock::now() + options_.deadline;
  while (true) {
    grpc::ClientContext context;
    context.set_deadline(deadline);
    Response response;
    const absl::Time begin = absl::Now();
    const grpc::Status status = (stub->*method)(&context, request, &response);
    // Derives the method name from the request type.
    const absl::string_view call = absl::StripSuffix(Request::descriptor()->name(), "Request");
    const absl::Status result = FromGrpc(call, context, status, begin);
    if (result.ok()) return response;
    const bool in_time = std::chrono::system_clock::now() + kRateLimitPause < deadline;
    if (ReasonOf(result) != v1::ERROR_REASON_RATE_LIMITED || !in_time) return result;
    std::this_thread::sleep_for(kRateLimitPause);
  }
}

// `fetch` makes one call and appends its items to a vector.
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

absl::StatusOr<v1::Run> Connection::GetRun(const std::string& name,
                                           const std::vector<std::string>& metrics) {
  v1::GetRunRequest request;
  request.set_name(name);
  request.mutable_metrics()->Assign(metrics.begin(), metrics.end());
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

absl::StatusOr<v1::Run> Connection::UpdateRun(const v1::UpdateRunRequest& request) {
  return Call(runs_.get(), &v1::RunService::Stub::UpdateRun, request);
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
  const absl::Time begin = absl::Now();
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
  ANNEAL_RETURN_IF_ERROR(FromGrpc("DownloadCheckpoint", context, finished, begin));
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

absl::Status Connection::BackUpDatabase(
    const std::function<absl::Status(const std::string&)>& on_contents) {
  grpc::ClientContext context;
  const absl::Time begin = absl::Now();
  const auto reader = server_info_->BackUpDatabase(&context, v1::BackUpDatabaseRequest());
  v1::BackUpDatabaseResponse response;
  Sha256 hash;
  std::string sent;
  absl::Status status;
  while (status.ok() && reader->Read(&response)) {
    hash.Update(response.contents());
    if (!response.sha256().empty()) sent = response.sha256();
    status = on_contents(response.contents());
  }
  if (!status.ok()) context.TryCancel();
  const grpc::Status finished = reader->Finish();
  if (!status.ok()) return status;
  ANNEAL_RETURN_IF_ERROR(FromGrpc("BackUpDatabase", context, finished, begin));
  if (hash.HexDigest() == sent) return absl::OkStatus();
  return absl::DataLossError("the download does not match its SHA-256; try again");
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

absl::StatusOr<std::vector<v1::Epoch>> Connection::ListEpochs(const std::string& run, int limit,
                                                              int attempt) {
  v1::ListEpochsRequest first;
  first.set_parent(run);
  first.set_attempt(attempt);
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

absl::StatusOr<std::vector<int32_t>> Connection::ListSplitImages(
    v1::ListSplitImagesRequest request) {
  std::vector<int32_t> images;
  do {
    ANNEAL_ASSIGN_OR_RETURN(const v1::ListSplitImagesResponse page,
                            Call(runs_.get(), &v1::RunService::Stub::ListSplitImages, request));
    images.insert(images.end(), page.images().begin(), page.images().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return images;
}

absl::Status Connection::Watch(grpc::ClientContext* context,
                               const v1::WatchExperimentRequest& request,
                               const std::function<bool(const v1::Event&)>& on_event) {
  const absl::Time begin = absl::Now();
  const auto reader = experiments_->WatchExperiment(context, request);
  v1::Event event;
  bool wanted = true;
  while (wanted && reader->Read(&event)) wanted = on_event(event);
  if (!wanted) context->TryCancel();
  const grpc::Status status = reader->Finish();
  return wanted ? FromGrpc("WatchExperiment", *context, status, begin) : absl::OkStatus();
}

bool IsLostConnection(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsCancelled(status) || absl::IsUnknown(status);
}

}  // namespace anneal::client
