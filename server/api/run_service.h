// `RunService` implements anneal.v1.RunService.

#ifndef ANNEAL_SERVER_API_RUN_SERVICE_H_
#define ANNEAL_SERVER_API_RUN_SERVICE_H_

#include <string>
#include <vector>

#include "anneal/v1/services.grpc.pb.h"
#include "common/metric.h"
#include "common/wall_clock.h"
#include "server/api/download_reactor.h"
#include "server/api/unary_runner.h"
#include "server/experiments/editor.h"
#include "server/experiments/looks.h"
#include "server/experiments/split_images.h"
#include "server/experiments/submission.h"
#include "server/scheduling/dispatcher.h"
#include "server/store/store.h"

namespace anneal::api {

// Thread-safe. Methods return at once; their handlers run on the blocking pool.
class RunService final : public v1::RunService::CallbackService {
 public:
  // All borrowed.
  struct Dependencies {
    const UnaryRunner* runner = nullptr;
    store::Store* store = nullptr;
    experiments::Submission* submission = nullptr;
    experiments::Editor* editor = nullptr;
    experiments::Looks* looks = nullptr;
    experiments::SplitImages* split_images = nullptr;
    scheduling::Dispatcher* dispatcher = nullptr;
    WallClock clock;
    DownloadReactor::Dependencies download;
  };

  explicit RunService(const Dependencies& dependencies) : dependencies_(dependencies) {}

  grpc::ServerUnaryReactor* GetRun(grpc::CallbackServerContext* context,
                                   const v1::GetRunRequest* request, v1::Run* response) override;
  grpc::ServerUnaryReactor* UpdateRun(grpc::CallbackServerContext* context,
                                      const v1::UpdateRunRequest* request,
                                      v1::Run* response) override;
  grpc::ServerUnaryReactor* ListRuns(grpc::CallbackServerContext* context,
                                     const v1::ListRunsRequest* request,
                                     v1::ListRunsResponse* response) override;
  grpc::ServerUnaryReactor* ListQueue(grpc::CallbackServerContext* context,
                                      const v1::ListQueueRequest* request,
                                      v1::ListQueueResponse* response) override;
  grpc::ServerUnaryReactor* CancelRun(grpc::CallbackServerContext* context,
                                      const v1::CancelRunRequest* request,
                                      v1::Run* response) override;
  grpc::ServerUnaryReactor* PauseRun(grpc::CallbackServerContext* context,
                                     const v1::PauseRunRequest* request,
                                     v1::Run* response) override;
  grpc::ServerUnaryReactor* ResumeRun(grpc::CallbackServerContext* context,
                                      const v1::ResumeRunRequest* request,
                                      v1::Run* response) override;
  grpc::ServerUnaryReactor* RetryRun(grpc::CallbackServerContext* context,
                                     const v1::RetryRunRequest* request,
                                     v1::Run* response) override;
  grpc::ServerUnaryReactor* ExtendRun(grpc::CallbackServerContext* context,
                                      const v1::ExtendRunRequest* request,
                                      v1::Run* response) override;
  grpc::ServerUnaryReactor* ListEpochs(grpc::CallbackServerContext* context,
                                       const v1::ListEpochsRequest* request,
                                       v1::ListEpochsResponse* response) override;
  grpc::ServerUnaryReactor* ListSplitImages(grpc::CallbackServerContext* context,
                                            const v1::ListSplitImagesRequest* request,
                                            v1::ListSplitImagesResponse* response) override;
  grpc::ServerUnaryReactor* ListThetas(grpc::CallbackServerContext* context,
                                       const v1::ListThetasRequest* request,
                                       v1::ListThetasResponse* response) override;
  grpc::ServerUnaryReactor* ListCheckpoints(grpc::CallbackServerContext* context,
                                            const v1::ListCheckpointsRequest* request,
                                            v1::ListCheckpointsResponse* response) override;
  grpc::ServerWriteReactor<v1::DownloadCheckpointResponse>* DownloadCheckpoint(
      grpc::CallbackServerContext* context, const v1::DownloadCheckpointRequest* request) override;

 private:
  absl::StatusOr<v1::Run> Get(const std::string& name, v1::RunView view,
                              const std::vector<Metric>& metrics = {});
  absl::StatusOr<v1::Run> Update(const v1::UpdateRunRequest& request);
  absl::StatusOr<v1::ListRunsResponse> Runs(const OptionalCaller& caller,
                                            const v1::ListRunsRequest& request);
  absl::StatusOr<v1::ListQueueResponse> Queue(const v1::ListQueueRequest& request);
  absl::StatusOr<v1::Run> Change(const std::string& name, scheduling::Command command);
  absl::StatusOr<v1::Run> Extend(const v1::ExtendRunRequest& request);
  absl::StatusOr<v1::ListEpochsResponse> Epochs(const v1::ListEpochsRequest& request);
  absl::StatusOr<v1::ListSplitImagesResponse> Split(const v1::ListSplitImagesRequest& request);
  absl::StatusOr<v1::ListThetasResponse> Thetas(const v1::ListThetasRequest& request);

  const Dependencies dependencies_;
};

}  // namespace anneal::api

#endif  // ANNEAL_SERVER_API_RUN_SERVICE_H_
