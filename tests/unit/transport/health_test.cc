// Tests the health service of a server without a daemon.

#include "server/transport/health.h"

#include <grpcpp/grpcpp.h>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "anneal/v1/services.grpc.pb.h"
#include "gmock/gmock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "gtest/gtest.h"
#include "server/telemetry/metrics.h"
#include "server/transport/server.h"
#include "tests/fixtures/watch.h"

namespace anneal::transport {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using ::testing::HasSubstr;
using ::testing::Not;

HealthCheckRequest Request(const std::string& service) {
  HealthCheckRequest request;
  request.set_service(service);
  return request;
}

class HealthTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = Server::Start(
        {.addresses = {.local = {"127.0.0.1:0"}},
         .make_services =
             [] {
               std::vector<std::unique_ptr<grpc::Service>> services;
               services.push_back(std::make_unique<v1::PresetService::CallbackService>());
               services.push_back(std::make_unique<v1::RunService::CallbackService>());
               return services;
             },
         .finish_streams = [] {},
         .metrics = &metrics_});
    ASSERT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
    stub_ = grpc::health::v1::Health::NewStub(server_->NewConnection());
  }

  HealthCheckResponse::ServingStatus StatusOf(const std::string& service) {
    Context context;
    HealthCheckResponse response;
    const grpc::Status status = stub_->Check(&context, Request(service), &response);
    EXPECT_TRUE(status.ok()) << service << ": " << status.error_message();
    return response.status();
  }
  void ExpectAll(HealthCheckResponse::ServingStatus status) {
    for (const std::string& service : names_) EXPECT_EQ(StatusOf(service), status) << service;
  }

  const std::vector<std::string> names_ = {"", "anneal.v1.PresetService", "anneal.v1.RunService",
                                           "grpc.health.v1.Health"};
  telemetry::Metrics metrics_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<grpc::health::v1::Health::Stub> stub_;
};

// A stream of Watch.
class HealthWatch {
 public:
  HealthWatch(grpc::health::v1::Health::Stub* stub, const std::string& service)
      : reader_(stub->Watch(&context_, Request(service))) {}
  ~HealthWatch() {
    context_.TryCancel();
    if (!is_finished_) (void)reader_->Finish();
  }

  // UNKNOWN at the end of the stream.
  HealthCheckResponse::ServingStatus Next() {
    HealthCheckResponse response;
    return reader_->Read(&response) ? response.status() : HealthCheckResponse::UNKNOWN;
  }
  grpc::Status Finish() {
    is_finished_ = true;
    return reader_->Finish();
  }

 private:
  Context context_;
  const std::unique_ptr<grpc::ClientReader<HealthCheckResponse>> reader_;
  bool is_finished_ = false;
};

TEST_F(HealthTest, NoNameIsServingBeforeTheServerIs) {
  ExpectAll(HealthCheckResponse::NOT_SERVING);
}

TEST_F(HealthTest, EveryServiceIsServingWhileTheServerIs) {
  server_->SetServing(true);
  ExpectAll(HealthCheckResponse::SERVING);
  server_->SetServing(false);
  ExpectAll(HealthCheckResponse::NOT_SERVING);
}

TEST_F(HealthTest, OtherNamesAreNotFound) {
  server_->SetServing(true);
  for (const std::string service : {"anneal.v1.ServerService", "anneal.v1", "PresetService"}) {
    Context context;
    HealthCheckResponse response;
    EXPECT_EQ(stub_->Check(&context, Request(service), &response).error_code(),
              grpc::StatusCode::NOT_FOUND)
        << service;
  }
}

TEST_F(HealthTest, WatchersAreNotifiedOfEachChange) {
  for (const std::string& service : names_) {
    HealthWatch watch(stub_.get(), service);
    EXPECT_EQ(watch.Next(), HealthCheckResponse::NOT_SERVING) << service;
    server_->SetServing(true);
    EXPECT_EQ(watch.Next(), HealthCheckResponse::SERVING) << service;
    server_->SetServing(false);
    EXPECT_EQ(watch.Next(), HealthCheckResponse::NOT_SERVING) << service;
  }
}

TEST_F(HealthTest, WatchingAnUnknownNameDoesNotMakeItAService) {
  HealthWatch unknown(stub_.get(), "no.such.Service");
  EXPECT_EQ(unknown.Next(), HealthCheckResponse::SERVICE_UNKNOWN);
  server_->SetServing(true);
  HealthWatch again(stub_.get(), "no.such.Service");
  EXPECT_EQ(again.Next(), HealthCheckResponse::SERVICE_UNKNOWN);
}

TEST_F(HealthTest, UnchangedStatusIsNotSentAgain) {
  server_->SetServing(true);
  HealthWatch watch(stub_.get(), "");
  ASSERT_EQ(watch.Next(), HealthCheckResponse::SERVING);
  server_->SetServing(true);
  server_->SetServing(false);
  EXPECT_EQ(watch.Next(), HealthCheckResponse::NOT_SERVING);
}

TEST_F(HealthTest, WatchersAreNotifiedOfShutdownAndDoNotDelayIt) {
  server_->SetServing(true);
  HealthWatch watch(stub_.get(), "anneal.v1.RunService");
  HealthWatch unknown(stub_.get(), "no.such.Service");
  ASSERT_EQ(watch.Next(), HealthCheckResponse::SERVING);
  ASSERT_EQ(unknown.Next(), HealthCheckResponse::SERVICE_UNKNOWN);
  // Returns when the last stream has ended; its timeout exceeds the test's.
  server_->Shutdown(2 * kLongestCall);
  EXPECT_EQ(watch.Next(), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(watch.Next(), HealthCheckResponse::UNKNOWN) << "the end of the stream";
  EXPECT_EQ(watch.Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(unknown.Next(), HealthCheckResponse::UNKNOWN) << "the end of the stream";
  EXPECT_EQ(unknown.Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(HealthTest, CancelledWatchIsNotLoggedAsAnError) {
  const auto sink = std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(100);
  const auto logger = std::make_shared<spdlog::logger>("test", sink);
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(logger);
  logger->set_level(spdlog::level::debug);
  const auto log = [&sink] { return absl::StrJoin(sink->last_formatted(), ""); };
  {
    HealthWatch watch(stub_.get(), "");
    ASSERT_EQ(watch.Next(), HealthCheckResponse::NOT_SERVING);
  }
  // The server notices shortly after the client has left.
  const auto deadline = std::chrono::steady_clock::now() + kLongestCall;
  while (!absl::StrContains(log(), "Health/Watch") && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  server_->Shutdown(kLongestCall);
  spdlog::set_default_logger(before);
  EXPECT_THAT(log(), HasSubstr("Health/Watch: CANCELLED"));
  EXPECT_THAT(log(), Not(HasSubstr("error")));
}

// Under ThreadSanitizer too.
TEST_F(HealthTest, WatchersMayComeAndGoWhileTheStatusChanges) {
  std::vector<std::thread> watchers;
  for (int i = 0; i < 8; ++i) {
    watchers.emplace_back([this, name = names_[i % names_.size()]] {
      for (int k = 0; k < 20; ++k) HealthWatch(stub_.get(), name).Next();
      HealthWatch watch(stub_.get(), name);
      HealthCheckResponse::ServingStatus status = watch.Next();
      while (status == HealthCheckResponse::NOT_SERVING) status = watch.Next();
      EXPECT_EQ(status, HealthCheckResponse::SERVING);
    });
  }
  for (int k = 0; k < 200; ++k) server_->SetServing(k % 2 == 0);
  server_->SetServing(true);
  for (std::thread& watcher : watchers) watcher.join();
}

}  // namespace
}  // namespace anneal::transport
