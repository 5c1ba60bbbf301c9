#include "server/api/run_service.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/message_limits.h"
#include "common/resource_name.h"
#include "common/status.h"
#include "common/wall_clock.h"
#include "server/api/list_request.h"
#include "server/api/look_log.h"
#include "server/api/page.h"
#include "server/scheduling/estimate.h"
#include "server/store/epoch_store.h"
#include "server/store/experiment_store.h"
#include "server/store/queue_store.h"
#include "server/store/run_store.h"
#include "server/store/start_over.h"

namespace anneal::api {
namespace {

using scheduling::Command;

// Later starts are not estimated: timestamps end in the year 9999.
constexpr double kMaxStartSeconds = 100 * 365.25 * 86400;

v1::RunView ViewOr(v1::RunView view, v1::RunView otherwise) {
  return view == v1::RUN_VIEW_BASIC || view == v1::RUN_VIEW_FULL ? view : otherwise;
}

// A requested page of a list below a run: the run, and the page's position.
struct RunPage {
  RunName run;
  NumberedPage place;
};

template <typename Request>
absl::StatusOr<RunPage> ParseRunPage(const Request& request, const std::vector<int64_t>& first) {
  auto run = ParseRunName("parent", request.parent());
  auto place = ParseNumberedPage(request, first);
  FieldViolations violations;
  violations.AddUnder("", run.status());
  violations.AddUnder("", place.status());
  ANNEAL_RETURN_IF_ERROR(violations.ToStatus());
  return RunPage{*std::move(run), *std::move(place)};
}

// The images of a page of a split take at most 4 bytes each.
constexpr size_t kMaxSplitImages = 500'000;
static_assert(4 * kMaxSplitImages <= kMaxPageBytes);

constexpr int kMaxMetrics = 64;

// Returns the metrics that a request for runs names.
absl::StatusOr<std::vector<Metric>> MetricsNamed(
    const google::protobuf::RepeatedPtrField<std::string>& names) {
  if (names.size() == 1 && names[0] == "*") return AllEpochMetrics();
  if (names.size() > kMaxMetrics) {
    return InvalidField(
        "metrics", absl::StrCat("has ", names.size(), " entries; allowed is 0..", kMaxMetrics));
  }
  std::vector<Metric> metrics;
  FieldViolations violations;
  for (const std::string& name : names) {
    const auto metric = FindRunMetric("metrics", name);
    violations.AddUnder("", metric.status());
    if (!metric.ok()) continue;
    metrics.push_back(*metric);
    if (metric->pick == Metric::Pick::kMean || metric->source == Metric::Source::kLogLossArea) {
      violations.Add("metrics", absl::StrCat("has ", Quoted(name),
                                             ", which takes all epochs; compare has it"));
    }
  }
  ANNEAL_RETURN_IF_ERROR(violations.ToStatus());
  return metrics;
}

}  // namespace

grpc::ServerUnaryReactor* RunService::GetRun(grpc::CallbackServerContext* context,
                                             const v1::GetRunRequest* request, v1::Run* response) {
  return dependencies_.runner->Run(
      context, request, response, [this, request]() -> absl::StatusOr<v1::Run> {
        ANNEAL_ASSIGN_OR_RETURN(const std::vector<Metric> metrics,
                                MetricsNamed(request->metrics()));
        return Get(request->name(), ViewOr(request->view(), v1::RUN_VIEW_FULL), metrics);
      });
}

grpc::ServerUnaryReactor* RunService::UpdateRun(grpc::CallbackServerContext* context,
                                                const v1::UpdateRunRequest* request,
                                                v1::Run* response) {
  return dependencies_.runner->RunForOwner(context, request, request->run().name(), response,
                                           [this, request] { return Update(*request); });
}

grpc::ServerUnaryReactor* RunService::ListRuns(grpc::CallbackServerContext* context,
                                               const v1::ListRunsRequest* request,
                                               v1::ListRunsResponse* response) {
  return dependencies_.runner->RunForCaller(
      context, request, response,
      [this, request](const OptionalCaller& caller) { return Runs(caller, *request); });
}

grpc::ServerUnaryReactor* RunService::ListQueue(grpc::CallbackServerContext* context,
                                                const v1::ListQueueRequest* request,
                                                v1::ListQueueResponse* response) {
  return dependencies_.runner->Run(context, request, response,
                                   [this, request] { return Queue(*request); });
}

grpc::ServerUnaryReactor* RunService::CancelRun(grpc::CallbackServerContext* context,
                                                const v1::CancelRunRequest* request,
                                                v1::Run* response) {
  return dependencies_.runner->RunForOwner(
      context, request, request->name(), response,
      [this, request] { return Change(request->name(), Command::kCancel); });
}

grpc::ServerUnaryReactor* RunService::PauseRun(grpc::CallbackServerContext* context,
                                               const v1::PauseRunRequest* request,
                                               v1::Run* response) {
  return dependencies_.runner->RunForOwner(
      context, request, request->name(), response,
      [this, request] { return Change(request->name(), Command::kPause); });
}

grpc::ServerUnaryReactor* RunService::ResumeRun(grpc::CallbackServerContext* context,
                                                const v1::ResumeRunRequest* request,
                                                v1::Run* response) {
  return dependencies_.runner->RunForOwner(
      context, request, request->name(), response,
      [this, request] { return Change(request->name(), Command::kResume); });
}

grpc::ServerUnaryReactor* RunService::RetryRun(grpc::CallbackServerContext* context,
                                               const v1::RetryRunRequest* request,
                                               v1::Run* response) {
  return dependencies_.runner->RunForOwner(
      context, request, request->name(), response,
      [this, request] { return Change(request->name(), Command::kRetry); });
}

grpc::ServerUnaryReactor* RunService::ExtendRun(grpc::CallbackServerContext* context,
                                                const v1::ExtendRunRequest* request,
                                                v1::Run* response) {
  return dependencies_.runner->RunForOwner(context, request, request->name(), response,
                                           [this, request] { return Extend(*request); });
}

grpc::ServerUnaryReactor* RunService::ListEpochs(grpc::CallbackServerContext* context,
                                                 const v1::ListEpochsRequest* request,
                                                 v1::ListEpochsResponse* response) {
  return dependencies_.runner->Run(context, request, response,
                                   [this, request] { return Epochs(*request); });
}

grpc::ServerUnaryReactor* RunService::ListSplitImages(grpc::CallbackServerContext* context,
                                                      const v1::ListSplitImagesRequest* request,
                                                      v1::ListSplitImagesResponse* response) {
  return dependencies_.runner->Run(context, request, response,
                                   [this, request] { return Split(*request); });
}

grpc::ServerUnaryReactor* RunService::ListThetas(grpc::CallbackServerContext* context,
                                                 const v1::ListThetasRequest* request,
                                                 v1::ListThetasResponse* response) {
  return dependencies_.runner->Run(context, request, response,
                                   [this, request] { return Thetas(*request); });
}

grpc::ServerUnaryReactor* RunService::ListCheckpoints(grpc::CallbackServerContext* context,
                                                      const v1::ListCheckpointsRequest* request,
                                                      v1::ListCheckpointsResponse* response) {
  return dependencies_.runner->Run(context, request, response, [this, request] {
    return CheckpointsOf(dependencies_.store, *request);
  });
}

grpc::ServerWriteReactor<v1::DownloadCheckpointResponse>* RunService::DownloadCheckpoint(
    grpc::CallbackServerContext* context, const v1::DownloadCheckpointRequest* request) {
  return DownloadReactor::Start(context, *request, dependencies_.download);
}

absl::StatusOr<v1::Run> RunService::Get(const std::string& name, v1::RunView view,
                                        const std::vector<Metric>& metrics) {
  ANNEAL_ASSIGN_OR_RETURN(const RunName run_name, ParseRunName("name", name));
  return dependencies_.store->Read(
      [&](store::Connection& db) { return store::GetRun(db, run_name, view, metrics); });
}

absl::StatusOr<v1::Run> RunService::Update(const v1::UpdateRunRequest& request) {
  ANNEAL_RETURN_IF_ERROR(dependencies_.editor->UpdateRun(request));
  return Get(request.run().name(), v1::RUN_VIEW_FULL);
}

absl::StatusOr<v1::ListRunsResponse> RunService::Runs(const OptionalCaller& caller,
                                                      const v1::ListRunsRequest& request) {
  const bool all = request.parent() == kAllExperiments;
  const absl::StatusOr<std::string> id =
      all ? std::string() : ParseExperimentName("parent", request.parent());
  FieldViolations violations;
  violations.AddUnder("", id.status());
  const auto metrics = MetricsNamed(request.metrics());
  violations.AddUnder("", metrics.status());
  ANNEAL_ASSIGN_OR_RETURN(ListRequest list, ParseListRequest(request, store::Listed::kRuns,
                                                             /*default_terms=*/2, violations));
  store::RunQuery query = {.list = std::move(list.query),
                           .view = ViewOr(request.view(), v1::RUN_VIEW_BASIC),
                           .metrics = *metrics};
  const auto read = [&](store::Connection& db) -> absl::StatusOr<std::vector<store::ListedRun>> {
    if (!all) {
      ANNEAL_ASSIGN_OR_RETURN(query.experiment_key, store::ExperimentKey(db, *id));
    }
    return store::ListRuns(db, query);
  };
  ANNEAL_ASSIGN_OR_RETURN(std::vector<store::ListedRun> runs, dependencies_.store->Read(read));
  v1::ListRunsResponse response;
  response.set_next_page_token(FillPage(request, list.page_size, &store::ListedRun::run,
                                        std::move(runs), response.mutable_runs()));
  const std::string test_metric = TestMetricIn(request.filter(), request.order_by());
  if (test_metric.empty()) return response;
  std::set<std::string> shown;
  for (const v1::Run& run : response.runs()) {
    const auto name = ParseRunName("name", run.name());
    if (name.ok()) shown.insert(ExperimentName(name->experiment_id));
  }
  LogLook(dependencies_.looks, caller, v1::Look::KIND_LIST, test_metric, shown)
      .IgnoreError();  // it is logged
  return response;
}

absl::StatusOr<v1::ListQueueResponse> RunService::Queue(const v1::ListQueueRequest& request) {
  ANNEAL_ASSIGN_OR_RETURN(const NumberedPage page, ParseNumberedPage(request, {0}));
  ANNEAL_ASSIGN_OR_RETURN(store::Queue queue, dependencies_.store->Read(&store::ReadQueue));
  const std::vector<PendingRun> order = QueueOrder(std::move(queue.snapshot));
  std::vector<scheduling::Seconds> durations;
  for (const PendingRun& run : order) {
    const store::WaitingRun& waiting = queue.waiting.at(run.key);
    durations.push_back(waiting.epoch_seconds);
    if (durations.back().has_value()) *durations.back() *= waiting.epochs_left;
  }
  const auto starts = scheduling::StartSeconds(dependencies_.dispatcher->workers(),
                                               queue.running_seconds, durations);
  v1::ListQueueResponse response;
  response.set_total_size(static_cast<int32_t>(order.size()));
  const auto begin = static_cast<size_t>(std::max<int64_t>(page.begin[0], 0));
  const size_t end = std::min(order.size(), begin + static_cast<size_t>(page.size));
  for (size_t i = begin; i < end; ++i) {
    v1::QueuedRun* run = response.add_runs();
    run->set_name(queue.waiting.at(order[i].key).name);
    run->set_position(static_cast<int32_t>(i));
    run->set_priority(order[i].priority);
    run->set_user(order[i].user);
    if (!starts[i].has_value() || *starts[i] > kMaxStartSeconds) continue;
    *run->mutable_estimated_start_time() =
        ToTimestamp(dependencies_.clock() + static_cast<int64_t>(*starts[i] * 1e6));
  }
  if (end < order.size()) {
    response.set_next_page_token(MakePageToken(request, {static_cast<int64_t>(end)}));
  }
  return response;
}

absl::StatusOr<v1::Run> RunService::Change(const std::string& name, Command command) {
  ANNEAL_ASSIGN_OR_RETURN(const RunName run, ParseRunName("name", name));
  ANNEAL_RETURN_IF_ERROR(dependencies_.dispatcher->ChangeRun(run, command));
  return Get(name, v1::RUN_VIEW_FULL);
}

absl::StatusOr<v1::Run> RunService::Extend(const v1::ExtendRunRequest& request) {
  ANNEAL_ASSIGN_OR_RETURN(const RunName run, ParseRunName("name", request.name()));
  ANNEAL_RETURN_IF_ERROR(dependencies_.submission->Extend(run, request.epochs()));
  return Get(request.name(), v1::RUN_VIEW_FULL);
}

absl::StatusOr<v1::ListEpochsResponse> RunService::Epochs(const v1::ListEpochsRequest& request) {
  ANNEAL_ASSIGN_OR_RETURN(const RunPage page, ParseRunPage(request, {0}));
  const auto read = [&](store::Connection& db) -> absl::StatusOr<std::vector<v1::Epoch>> {
    ANNEAL_ASSIGN_OR_RETURN(const int64_t run, store::RunKey(db, page.run));
    const auto after = static_cast<int32_t>(page.place.begin[0]);
    if (request.attempt() != 0) {
      return store::ListEarlierEpochs(db, run, request.attempt(), after, page.place.size + 1);
    }
    return store::ListEpochs(db, run, after, page.place.size + 1);
  };
  ANNEAL_ASSIGN_OR_RETURN(std::vector<v1::Epoch> epochs, dependencies_.store->Read(read));
  v1::ListEpochsResponse response;
  const size_t shown = std::min(epochs.size(), static_cast<size_t>(page.place.size));
  for (size_t i = 0; i < shown; ++i) *response.add_epochs() = std::move(epochs[i]);
  if (epochs.size() > shown) {
    response.set_next_page_token(
        MakePageToken(request, {int64_t{response.epochs(response.epochs_size() - 1).epoch()}}));
  }
  return response;
}

absl::StatusOr<v1::ListSplitImagesResponse> RunService::Split(
    const v1::ListSplitImagesRequest& request) {
  ANNEAL_ASSIGN_OR_RETURN(const RunPage page, ParseRunPage(request, {0}));
  ANNEAL_ASSIGN_OR_RETURN(
      const std::vector<int32_t> images,
      dependencies_.split_images->List(page.run, request.part(), request.epoch()));
  const size_t size = request.page_size() == 0
                          ? kMaxSplitImages
                          : std::min(kMaxSplitImages, static_cast<size_t>(request.page_size()));
  const size_t begin =
      std::min(images.size(), static_cast<size_t>(std::max<int64_t>(page.place.begin[0], 0)));
  const size_t end = std::min(images.size(), begin + size);
  v1::ListSplitImagesResponse response;
  response.set_total_size(static_cast<int32_t>(images.size()));
  response.mutable_images()->Add(images.begin() + static_cast<std::ptrdiff_t>(begin),
                                 images.begin() + static_cast<std::ptrdiff_t>(end));
  if (end < images.size()) {
    response.set_next_page_token(MakePageToken(request, {static_cast<int64_t>(end)}));
  }
  return response;
}

absl::StatusOr<v1::ListThetasResponse> RunService::Thetas(const v1::ListThetasRequest& request) {
  // The epoch and layer after which the page begins; layers count from -1.
  ANNEAL_ASSIGN_OR_RETURN(const RunPage page, ParseRunPage(request, {0, -2}));
  store::ThetaQuery query{.after_epoch = static_cast<int32_t>(page.place.begin[0]),
                          .after_layer = static_cast<int32_t>(page.place.begin[1]),
                          .limit = page.place.size,
                          .max_values = kMaxPageThetas};
  if (request.has_epoch()) query.epoch = request.epoch();
  if (request.has_layer()) query.layer = request.layer();
  return dependencies_.store->Read(
      [&](store::Connection& db) -> absl::StatusOr<v1::ListThetasResponse> {
        ANNEAL_ASSIGN_OR_RETURN(const int64_t run, store::RunKey(db, page.run));
        ANNEAL_ASSIGN_OR_RETURN(auto thetas, store::ListThetas(db, run, query));
        v1::ListThetasResponse response;
        if (thetas.empty()) return response;
        query.after_epoch = thetas.back().epoch();
        query.after_layer = thetas.back().layer();
        query.limit = 1;
        for (v1::ThetaVector& theta : thetas) *response.add_thetas() = std::move(theta);
        ANNEAL_ASSIGN_OR_RETURN(const auto next, store::ListThetas(db, run, query));
        if (next.empty()) return response;
        response.set_next_page_token(
            MakePageToken(request, {int64_t{query.after_epoch}, int64_t{query.after_layer}}));
        return response;
      });
}

}  // namespace anneal::api
