#include "server/api/self_check.h"

#include <chrono>

#include "anneal/v1/services.grpc.pb.h"

namespace anneal::api {
namespace {

constexpr std::chrono::seconds kAnswerDeadline(5);

}  // namespace

absl::Status CheckAnswers(const std::shared_ptr<grpc::Channel>& channel) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kAnswerDeadline);
  v1::ListExperimentsRequest request;
  request.set_page_size(1);
  v1::ListExperimentsResponse response;
  const grpc::Status status =
      v1::ExperimentService::NewStub(channel)->ListExperiments(&context, request, &response);
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

}  // namespace anneal::api
