#include "server/api/experiment_service.h"

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/resource_name.h"
#include "common/status.h"
#include "server/analysis/comparison.h"
#include "server/analysis/question.h"
#include "server/api/list_request.h"
#include "server/api/look_log.h"
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
  return dependencies_.runner->RunForCaller(
      context, request, response,
      [this, request](const OptionalCaller& caller) { return List(caller, *request); });
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
  return dependencies_.runner->RunForCaller(
      context, request, response,
      [this, request](const OptionalCaller& caller) { return Compare(caller, *request); });
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
    const OptionalCaller& caller, const v1::ListExperimentsRequest& request) {
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
  const std::string test_metric = TestMetricIn(request.filter(), request.order_by());
  if (test_metric.empty()) return response;
  std::set<std::string> shown;
  for (const v1::Experiment& experiment : response.experiments()) shown.insert(experiment.name());
  LogLook(dependencies_.looks, caller, v1::Look::KIND_LIST, test_metric, shown)
      .IgnoreError();  // it is logged
  return response;
}

absl::StatusOr<v1::CompareExperimentsResponse> ExperimentService::Compare(
    const OptionalCaller& caller, const v1::CompareExperimentsRequest& request) {
  ANNEAL_ASSIGN_OR_RETURN(v1::CompareExperimentsResponse response,
                          analysis::Compare(dependencies_.store, request));
  const std::optional<std::string> metric = analysis::TestMetricOf(request);
  if (!metric.has_value()) return response;
  const v1::Look::Kind kind =
      request.look() == v1::Look::KIND_UNSPECIFIED ? v1::Look::KIND_COMPARE : request.look();
  const std::set<std::string> compared(request.names().begin(), request.names().end());
  const absl::StatusOr<int> looks = LogLook(dependencies_.looks, caller, kind, *metric, compared);
  if (looks.ok()) {
    response.set_looks(response.looks() + *looks);
  } else {
    response.add_notes(
        absl::StrCat("This look at test results could not be logged: ", looks.status().message()));
  }
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
