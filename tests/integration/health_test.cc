// Tests the daemon's health service and server reflection, as used by probes and tools without our
// protos.

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor_database.h>
#include <google/protobuf/message.h>
#include <google/protobuf/text_format.h>
#include <grpcpp/generic/generic_stub.h>

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "gtest/gtest.h"
#include "tests/integration/daemon_test.h"

namespace anneal {
namespace {

using google::protobuf::Message;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using ::testing::IsSupersetOf;

// A message of server reflection. gRPC's library registers them but installs no headers.
std::unique_ptr<Message> NewMessage(const std::string& name) {
  const auto* type = google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(
      "grpc.reflection.v1alpha." + name);
  if (type == nullptr) return nullptr;
  return std::unique_ptr<Message>(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
}

const Message& Part(const Message& message, const std::string& field) {
  return message.GetReflection()->GetMessage(message,
                                             message.GetDescriptor()->FindFieldByName(field));
}

class HealthTest : public DaemonTest {
 protected:
  grpc::Status Check(const std::string& service, HealthCheckResponse* response) {
    Context context;
    HealthCheckRequest request;
    request.set_service(service);
    return grpc::health::v1::Health::NewStub(channel_)->Check(&context, request, response);
  }

  // Sends one request, in text format, and returns the response.
  std::unique_ptr<Message> Reflect(const std::string& text) {
    const std::unique_ptr<Message> request = NewMessage("ServerReflectionRequest");
    std::unique_ptr<Message> response = NewMessage("ServerReflectionResponse");
    if (request == nullptr || response == nullptr) return nullptr;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, request.get()));
    grpc::GenericStub stub(channel_);
    Context context;
    grpc::CompletionQueue queue;
    const auto wait = [&queue] {
      void* tag = nullptr;
      bool ok = false;
      return queue.Next(&tag, &ok) && ok;
    };
    const auto call = stub.PrepareCall(
        &context, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
    call->StartCall(nullptr);
    EXPECT_TRUE(wait());
    const grpc::Slice slice(request->SerializeAsString());
    call->WriteLast(grpc::ByteBuffer(&slice, 1), {}, nullptr);
    EXPECT_TRUE(wait());
    grpc::ByteBuffer answer;
    call->Read(&answer, nullptr);
    EXPECT_TRUE(wait());
    grpc::Slice bytes;
    EXPECT_TRUE(answer.DumpToSingleSlice(&bytes).ok());
    EXPECT_TRUE(response->ParseFromArray(bytes.begin(), static_cast<int>(bytes.size())));
    grpc::Status status;
    call->Finish(&status, nullptr);
    EXPECT_TRUE(wait());
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  std::vector<std::string> ListServices() {
    const auto response = Reflect("list_services: ''");
    if (response == nullptr) return {};
    std::vector<std::string> names;
    const Message& list = Part(*response, "list_services_response");
    const auto* field = list.GetDescriptor()->FindFieldByName("service");
    for (int i = 0; i < list.GetReflection()->FieldSize(list, field); ++i) {
      const Message& service = list.GetReflection()->GetRepeatedMessage(list, field, i);
      names.push_back(service.GetReflection()->GetString(
          service, service.GetDescriptor()->FindFieldByName("name")));
    }
    return names;
  }

  // Adds the files that a client would need for calls of `service`.
  void FindFiles(const std::string& service, google::protobuf::SimpleDescriptorDatabase* database) {
    const auto response = Reflect("file_containing_symbol: '" + service + "'");
    ASSERT_NE(response, nullptr);
    const Message& files = Part(*response, "file_descriptor_response");
    const auto* field = files.GetDescriptor()->FindFieldByName("file_descriptor_proto");
    for (int i = 0; i < files.GetReflection()->FieldSize(files, field); ++i) {
      google::protobuf::FileDescriptorProto file;
      ASSERT_TRUE(file.ParseFromString(files.GetReflection()->GetRepeatedString(files, field, i)));
      database->Add(file);
    }
  }
};

TEST_F(HealthTest, ServerAndServicesAreServing) {
  for (const std::string service : {"", "anneal.v1.ExperimentService", "anneal.v1.RunService",
                                    "anneal.v1.PresetService", "anneal.v1.ServerService"}) {
    HealthCheckResponse response;
    const grpc::Status status = Check(service, &response);
    EXPECT_TRUE(status.ok()) << service << ": " << status.error_message();
    EXPECT_EQ(response.status(), HealthCheckResponse::SERVING) << service;
  }
}

TEST_F(HealthTest, UnknownServiceIsNotFound) {
  HealthCheckResponse response;
  EXPECT_EQ(Check("no.such.Service", &response).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(HealthTest, EveryListedServiceHasADescriptorAndIsServing) {
  const std::vector<std::string> services = ListServices();
  EXPECT_THAT(services, IsSupersetOf({"grpc.health.v1.Health", "anneal.v1.ExperimentService",
                                      "anneal.v1.RunService", "anneal.v1.PresetService",
                                      "anneal.v1.ServerService"}));
  for (const std::string& service : services) {
    google::protobuf::SimpleDescriptorDatabase database;
    ASSERT_NO_FATAL_FAILURE(FindFiles(service, &database)) << service;
    const google::protobuf::DescriptorPool pool(&database);
    EXPECT_NE(pool.FindServiceByName(service), nullptr) << service;
    HealthCheckResponse response;
    EXPECT_TRUE(Check(service, &response).ok()) << service;
    EXPECT_EQ(response.status(), HealthCheckResponse::SERVING) << service;
  }
}

// `grpcurl -plaintext ADDRESS grpc.health.v1.Health/Check` finds all that it needs.
TEST_F(HealthTest, ReflectionDescribesTheHealthServiceAsPublished) {
  google::protobuf::SimpleDescriptorDatabase database;
  ASSERT_NO_FATAL_FAILURE(FindFiles("grpc.health.v1.Health", &database));
  const google::protobuf::DescriptorPool pool(&database);
  EXPECT_NE(pool.FindFileByName("grpc/health/v1/health.proto"), nullptr);
  const auto* check = pool.FindMethodByName("grpc.health.v1.Health.Check");
  const auto* watch = pool.FindMethodByName("grpc.health.v1.Health.Watch");
  ASSERT_NE(check, nullptr);
  ASSERT_NE(watch, nullptr);
  EXPECT_FALSE(check->server_streaming());
  EXPECT_TRUE(watch->server_streaming());
  EXPECT_EQ(check->input_type()->FindFieldByName("service")->number(), 1);
  EXPECT_EQ(check->output_type()->FindFieldByName("status")->number(), 1);
}

}  // namespace
}  // namespace anneal
