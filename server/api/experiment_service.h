// `ExperimentService` implements anneal.v1.ExperimentService.

#ifndef ANNEAL_SERVER_API_EXPERIMENT_SERVICE_H_
#define ANNEAL_SERVER_API_EXPERIMENT_SERVICE_H_

#include "anneal/v1/services.grpc.pb.h"
#include "server/api/unary_runner.h"
#include "server/api/watch_reactor.h"
#include "server/experiments/editor.h"
#include "server/experiments/looks.h"
#include "server/experiments/submission.h"
#include "server/scheduling/dispatcher.h"
#include "server/store/store.h"

namespace anneal::api {

// Thread-safe. Methods return at once; their handlers run on the blocking pool.
class ExperimentService final : public v1::ExperimentService::CallbackService {
 public:
  // All borrowed.
  struct Dependencies {
    const UnaryRunner* runner = nullptr;
    store::Store* store = nullptr;
    experiments::Submission* submission = nullptr;
    experiments::Editor* editor = nullptr;
    experiments::Looks* looks = nullptr;
    scheduling::Dispatcher* dispatcher = nullptr;
    WatchReactor::Dependencies watch;
  };

  explicit ExperimentService(const Dependencies& dependencies) : dependencies_(dependencies) {}

  grpc::ServerUnaryReactor* CreateExperiment(grpc::CallbackServerContext* context,
                                             const v1::CreateExperimentRequest* request,
                                             v1::Experiment* response) override;
  grpc::ServerUnaryReactor* GetExperiment(grpc::CallbackServerContext* context,
                                          const v1::GetExperimentRequest* request,
                                          v1::Experiment* response) override;
  grpc::ServerUnaryReactor* ListExperiments(grpc::CallbackServerContext* context,
                                            const v1::ListExperimentsRequest* request,
                                            v1::ListExperimentsResponse* response) override;
  grpc::ServerUnaryReactor* UpdateExperiment(grpc::CallbackServerContext* context,
                                             const v1::UpdateExperimentRequest* request,
                                             v1::Experiment* response) override;
  grpc::ServerUnaryReactor* DeleteExperiment(grpc::CallbackServerContext* context,
                                             const v1::DeleteExperimentRequest* request,
                                             v1::Experiment* response) override;
  grpc::ServerUnaryReactor* UndeleteExperiment(grpc::CallbackServerContext* context,
                                               const v1::UndeleteExperimentRequest* request,
                                               v1::Experiment* response) override;
  grpc::ServerUnaryReactor* PurgeExperiment(grpc::CallbackServerContext* context,
                                            const v1::PurgeExperimentRequest* request,
                                            v1::PurgeExperimentResponse* response) override;
  grpc::ServerUnaryReactor* CancelExperiment(grpc::CallbackServerContext* context,
                                             const v1::CancelExperimentRequest* request,
                                             v1::Experiment* response) override;
  grpc::ServerUnaryReactor* PauseExperiment(grpc::CallbackServerContext* context,
                                            const v1::PauseExperimentRequest* request,
                                            v1::Experiment* response) override;
  grpc::ServerUnaryReactor* ResumeExperiment(grpc::CallbackServerContext* context,
                                             const v1::ResumeExperimentRequest* request,
                                             v1::Experiment* response) override;
  grpc::ServerUnaryReactor* RetryExperiment(grpc::CallbackServerContext* context,
                                            const v1::RetryExperimentRequest* request,
                                            v1::Experiment* response) override;
  grpc::ServerUnaryReactor* CompareExperiments(grpc::CallbackServerContext* context,
                                               const v1::CompareExperimentsRequest* request,
                                               v1::CompareExperimentsResponse* response) override;
  grpc::ServerWriteReactor<v1::Event>* WatchExperiment(
      grpc::CallbackServerContext* context, const v1::WatchExperimentRequest* request) override;

 private:
  absl::StatusOr<v1::Experiment> Create(const OptionalCaller& caller,
                                        const v1::CreateExperimentRequest& request);
  absl::StatusOr<v1::Experiment> Get(const std::string& name);
  absl::StatusOr<v1::ListExperimentsResponse> List(const OptionalCaller& caller,
                                                   const v1::ListExperimentsRequest& request);
  absl::StatusOr<v1::CompareExperimentsResponse> Compare(
      const OptionalCaller& caller, const v1::CompareExperimentsRequest& request);
  absl::StatusOr<v1::Experiment> Update(const v1::UpdateExperimentRequest& request);
  absl::StatusOr<v1::Experiment> Delete(const v1::DeleteExperimentRequest& request);
  absl::StatusOr<v1::Experiment> Undelete(const v1::UndeleteExperimentRequest& request);
  absl::StatusOr<v1::PurgeExperimentResponse> Purge(const v1::PurgeExperimentRequest& request);
  absl::StatusOr<v1::Experiment> Change(const std::string& name, scheduling::Command command);

  const Dependencies dependencies_;
};

}  // namespace anneal::api

#endif  // ANNEAL_SERVER_API_EXPERIMENT_SERVICE_H_
