#include "tests/e2e/generic_call.h"

#include <grpcpp/generic/generic_stub.h>

#include <chrono>
#include <vector>

namespace anneal {

CallResult CallByPath(const std::shared_ptr<grpc::Channel>& channel, const std::string& path,
                      const std::string& token, const std::string& request_id) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
  if (!request_id.empty()) context.AddMetadata("x-request-id", request_id);
  grpc::CompletionQueue queue;
  const auto call = stub.PrepareCall(&context, path, &queue);
  const auto wait = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    return ok;
  };
  call->StartCall(nullptr);
  wait();
  const grpc::Slice nothing("");
  const grpc::ByteBuffer empty(&nothing, 1);
  call->WriteLast(empty, {}, nullptr);
  wait();
  CallResult result;
  while (true) {
    grpc::ByteBuffer message;
    call->Read(&message, nullptr);
    if (!wait()) break;
    std::vector<grpc::Slice> slices;
    (void)message.Dump(&slices);
    result.answer.clear();
    for (const grpc::Slice& slice : slices) {
      result.answer.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    }
  }
  grpc::Status status;
  call->Finish(&status, nullptr);
  wait();
  result.code = status.error_code();
  result.message = status.error_message();
  const auto& metadata = context.GetServerInitialMetadata();
  if (const auto found = metadata.find("x-request-id"); found != metadata.end()) {
    result.request_id.assign(found->second.data(), found->second.size());
  }
  return result;
}

int HealthOf(const std::string& address) {
  const auto channel = grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
  // HealthCheckResponse has an enum as its field 1: a byte of tag, one of value.
  const std::string answer = CallByPath(channel, "/grpc.health.v1.Health/Check").answer;
  return answer.size() == 2 ? answer[1] : 0;
}

}  // namespace anneal
