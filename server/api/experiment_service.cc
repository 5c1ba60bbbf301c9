#include "server/api/experiment_service.h"

#include <string>
#include <utility>
#include <vector>

#include "common/resource_name.h"
#include "common/status.h"
#include "server/analysis/comparison.h"
#include "server/api/list_request.h"
#include "server/store/experiment_store.h"

namespace anneal::api {

using scheduling::Command;

grpc::ServerUnaryReactor* ExperimentService::CreateExperiment(
    grpc::CallbackServerContext* context, const v1::CreateExperimentRequest* request,
    v1::Experiment* response) {
  return dependencies_.runner->RunForCaller(
      context, request, response,
      [this, request](const OptionalCaller& caller) { return Create(caller, *request); });
}

grpc::ServerUnaryReactor* ExperimentService::GetExperiment(grpc::CallbackServerContext* context,
                                                           const v1::GetExperimentRequest* request,
                                                           v1::Experiment* response) {
  return dependencies_.runner->Run(context, request, response,
                                   [this, request] { return Get(request->name()); });
}

grpc::ServerUnaryReactor* ExperimentService::ListExperiments(
    grpc::CallbackServerContext* context, const v1::ListExperimentsRequest* request,
    v1::ListExperimentsResponse* response) {
  return dependencies_.runner->Run(context, request, response,
                                   [this, request] { return List(*request); });
}

grpc::ServerUnaryReactor* ExperimentService::UpdateExperiment(
    grpc::CallbackServerContext* context, const v1::UpdateExperimentRequest* request,
    v1::Experiment* response) {
  return dependencies_.runner->RunForOwner(context, request, request->experiment().name(), response,
                                           [this, request] { return Update(*request); });
}

grpc::ServerUnaryReactor* ExperimentService::DeleteExperiment(
    grpc::CallbackServerContext* context, const v1::DeleteExperimentRequest* request,
    v1::Experiment* response) {
  return dependencies_.runner->RunForOwner(context, request, request->name(), response,
                                           [this, request] { return Delete(*request); });
}

grpc::ServerUnaryReactor* ExperimentService::UndeleteExperiment(
    grpc::CallbackServerContext* context, const v1::UndeleteExperimentRequest* request,
    v1::Experiment* response) {
  return dependencies_.runner->RunForOwner(context, request, request->name(), response,
                                           [this, request] { return Undelete(*request); });
}

grpc::ServerUnaryReactor* ExperimentService::PurgeExperiment(
    grpc::CallbackServerContext* context, const v1::PurgeExperimentRequest* request,
    v1::PurgeExperimentResponse* response) {
  return dependencies_.runner->RunForOwner(context, request, request->name(), response,
                                           [this, request] { return Purge(*request); });
}

grpc::ServerUnaryReactor* ExperimentService::CancelExperiment(
    grpc::CallbackServerContext* context, const v1::CancelExperimentRequest* request,
    v1::Experiment* response) {
  return dependencies_.runner->RunForOwner(
      context, request, request->name(), response,
      [this, request] { return Change(request->name(), Command::kCancel); });
}

grpc::ServerUnaryReactor* ExperimentService::PauseExperiment(
    grpc::CallbackServerContext* context, const v1::PauseExperimentRequest* request,
    v1::Experiment* response) {
  return dependencies_.runner->RunForOwner(
      context, request, request->name(), response,
      [this, request] { return Change(request->name(), Command::kPause); });
}

grpc::ServerUnaryReactor* ExperimentService::ResumeExperiment(
    grpc::CallbackServerContext* context, const v1::ResumeExperimentRequest* request,
    v1::Experiment* response) {
  return dependencies_.runner->RunForOwner(
      context, request, request->name(), response,
      [this, request] { return Change(request->name(), Command::kResume); });
}

grpc::ServerUnaryReactor* ExperimentService::RetryExperiment(
    grpc::CallbackServerContext* context, const v1::RetryExperimentRequest* request,
    v1::Experiment* response) {
  return dependencies_.runner->RunForOwner(
      context, request, request->name(), response,
      [this, request] { return Change(request->name(), Command::kRetry); });
}

grpc::ServerUnaryReactor* ExperimentService::CompareExperiments(
    grpc::CallbackServerContext* context, const v1::CompareExperimentsRequest* request,
    v1::CompareExperimentsResponse* response) {
  return dependencies_.runner->Run(context, request, response, [this, request] {
    return analysis::Compare(dependencies_.store, *request);
  });
}

grpc::ServerWriteReactor<v1::Event>* ExperimentService::WatchExperiment(
    grpc::CallbackServerContext* context, const v1::WatchExperimentRequest* request) {
  return WatchReactor::Start(context, *request, dependencies_.watch);
}

absl::StatusOr<v1::Experiment> ExperimentService::Create(
    const OptionalCaller& caller, const v1::CreateExperimentRequest& request) {
  if (!caller.has_value()) return dependencies_.submission->Create(request);
  // Over TLS the user is the token's owner; locally, the name the client sends.
  v1::CreateExperimentRequest own = request;
  own.mutable_experiment()->set_user(caller->name);
  return dependencies_.submission->Create(own);
}

absl::StatusOr<v1::Experiment> ExperimentService::Get(const std::string& name) {
  ANNEAL_ASSIGN_OR_RETURN(const std::string id, ParseExperimentName("name", name));
  return dependencies_.store->Read(
      [&](store::Connection& db) { return store::GetExperiment(db, id); });
}

absl::StatusOr<v1::ListExperimentsResponse> ExperimentService::List(
    const v1::ListExperimentsRequest& request) {
  ANNEAL_ASSIGN_OR_RETURN(
      const ListRequest list,
      ParseListRequest(request, store::Listed::kExperiments, /*default_terms=*/1));
  ANNEAL_ASSIGN_OR_RETURN(std::vector<store::ListedExperiment> listed,
                          dependencies_.store->Read([&](store::Connection& db) {
                            return store::ListExperiments(db, list.query, request.show_deleted());
                          }));
  v1::ListExperimentsResponse response;
  response.set_next_page_token(FillPage(request, list.page_size,
                                        &store::ListedExperiment::experiment, std::move(listed),
                                        response.mutable_experiments()));
  return response;
}

absl::StatusOr<v1::Experiment> ExperimentService::Update(
    const v1::UpdateExperimentRequest& request) {
  ANNEAL_RETURN_IF_ERROR(dependencies_.editor->Update(request));
  return Get(request.experiment().name());
}

absl::StatusOr<v1::Experiment> ExperimentService::Delete(
    const v1::DeleteExperimentRequest& request) {
  ANNEAL_ASSIGN_OR_RETURN(const std::string id, ParseExperimentName("name", request.name()));
  ANNEAL_RETURN_IF_ERROR(dependencies_.editor->Delete(id, request.force()));
  return Get(request.name());
}

absl::StatusOr<v1::Experiment> ExperimentService::Undelete(
    const v1::UndeleteExperimentRequest& request) {
  ANNEAL_ASSIGN_OR_RETURN(const std::string id, ParseExperimentName("name", request.name()));
  ANNEAL_RETURN_IF_ERROR(dependencies_.editor->Undelete(id));
  return Get(request.name());
}

absl::StatusOr<v1::PurgeExperimentResponse> ExperimentService::Purge(
    const v1::PurgeExperimentRequest& request) {
  ANNEAL_ASSIGN_OR_RETURN(const std::string id, ParseExperimentName("name", request.name()));
  ANNEAL_RETURN_IF_ERROR(dependencies_.editor->Purge(id));
  return v1::PurgeExperimentResponse();
}

absl::StatusOr<v1::Experiment> ExperimentService::Change(const std::string& name, Command command) {
  ANNEAL_ASSIGN_OR_RETURN(const std::string id, ParseExperimentName("name", name));
  ANNEAL_RETURN_IF_ERROR(dependencies_.dispatcher->ChangeExperiment(id, command));
  return Get(name);
}

}  // namespace anneal::api
