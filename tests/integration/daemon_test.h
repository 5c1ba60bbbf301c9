// `DaemonTest` runs a daemon in this process, with client stubs and a network that trains within
// moments.

#ifndef ANNEAL_TESTS_INTEGRATION_DAEMON_TEST_H_
#define ANNEAL_TESTS_INTEGRATION_DAEMON_TEST_H_

#include <grpcpp/grpcpp.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "anneal/v1/services.grpc.pb.h"
#include "common/status.h"
#include "google/rpc/error.pb.h"
#include "gtest/gtest.h"
#include "server/daemon.h"
#include "tests/fixtures/temp_directory.h"
#include "tests/fixtures/tiny_dataset.h"
#include "tests/fixtures/watch.h"
#include "tests/unit/common/test_util.h"

namespace anneal {

// Epochs that outlast any test: such a run ends only on request.
inline constexpr int kEndless = 100'000;

// Returns the reason in an error's ErrorInfo, after checking the details that every error has.
inline std::string ReasonOf(const grpc::Status& status) {
  google::rpc::Status rich;
  EXPECT_TRUE(rich.ParseFromString(status.error_details()));
  EXPECT_EQ(rich.code(), static_cast<int>(status.error_code())) << status.error_message();
  EXPECT_EQ(rich.message(), status.error_message());
  google::rpc::ErrorInfo info;
  for (const auto& detail : rich.details()) {
    if (!detail.UnpackTo(&info)) continue;
    EXPECT_EQ(info.domain(), "anneal");
    EXPECT_NE(info.reason(), "");
    EXPECT_EQ(info.reason().find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"),
              std::string::npos)
        << info.reason();
    return info.reason();
  }
  ADD_FAILURE() << "no ErrorInfo in: " << status.error_message();
  return "";
}

// Returns the violations in an error's BadRequest by field.
inline std::map<std::string, std::string> ViolationsOf(const grpc::Status& status) {
  std::map<std::string, std::string> violations;
  google::rpc::Status rich;
  EXPECT_TRUE(rich.ParseFromString(status.error_details()));
  google::rpc::BadRequest bad;
  for (const auto& detail : rich.details()) {
    if (!detail.UnpackTo(&bad)) continue;
    for (const auto& violation : bad.field_violations()) {
      EXPECT_NE(violation.description(), "");
      violations[violation.field()] = violation.description();
    }
    return violations;
  }
  ADD_FAILURE() << "no BadRequest in: " << status.error_message();
  return violations;
}

// One conv layer of 4 filters on 12x12 images, batches of 32.
inline v1::TrainingConfig TinyConfig(int epochs) {
  auto config = FromText<v1::TrainingConfig>(
      "dataset { name: 'tiny' } batch_size: 32"
      " network { layers { conv { filters: 4 kernel: 3 pool: POOL_MAX } } }");
  config.set_epochs(epochs);
  return config;
}

inline v1::CreateExperimentRequest TinyRequest(const std::string& id, int epochs = 2) {
  v1::CreateExperimentRequest request;
  request.set_experiment_id(id);
  *request.mutable_experiment()->mutable_config() = TinyConfig(epochs);
  return request;
}

// Returns an epoch without the fields that depend on the machine's speed.
inline v1::Epoch WithoutTimes(v1::Epoch epoch) {
  epoch.clear_elapsed_seconds();
  epoch.clear_epoch_seconds();
  epoch.clear_samples_per_second();
  return epoch;
}

// Compares bit patterns, unlike comparing doubles.
inline std::string BytesWithoutTimes(const std::vector<v1::Epoch>& epochs) {
  std::string bytes;
  for (const v1::Epoch& epoch : epochs) {
    absl::StrAppend(&bytes, WithoutTimes(epoch).SerializeAsString(), "|");
  }
  return bytes;
}

class DaemonTest : public ::testing::Test {
 protected:
  DaemonTest() {
    spdlog::set_level(spdlog::level::off);
    WriteTinyDataset(directory_.file("datasets/tiny"));
  }
  void SetUp() override { ASSERT_NO_FATAL_FAILURE(Start()); }

  Options DefaultOptions() const {
    return {.data_dir = directory_.file("data"),
            .listening = {.local = {"127.0.0.1:0"}},
            .executor = {.workers = workers_},
            .datasets = {directory_.file("datasets")},
            .user_limits = limits_,
            .retention = retention_};
  }

  void Start() {
    auto started = Daemon::Start(DefaultOptions(), clock_);
    ASSERT_TRUE(started.ok()) << started.status();
    daemon_ = *std::move(started);
    Connect(daemon_->server().addresses().at(0));
  }
  void Stop() { daemon_.reset(); }

  void Connect(const std::string& address) {
    channel_ = grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
    experiments_ = v1::ExperimentService::NewStub(channel_);
    runs_ = v1::RunService::NewStub(channel_);
    presets_ = v1::PresetService::NewStub(channel_);
    server_ = v1::ServerService::NewStub(channel_);
  }

  // Calls that may fail, followed by calls that must succeed.
  grpc::Status TryCreate(const v1::CreateExperimentRequest& request,
                         v1::Experiment* response = nullptr) {
    Context context;
    v1::Experiment ignored;
    return experiments_->CreateExperiment(&context, request,
                                          response == nullptr ? &ignored : response);
  }
  grpc::Status TryGet(const std::string& name, v1::Experiment* response = nullptr) {
    Context context;
    v1::GetExperimentRequest request;
    request.set_name(name);
    v1::Experiment ignored;
    return experiments_->GetExperiment(&context, request,
                                       response == nullptr ? &ignored : response);
  }
  grpc::Status TryList(const v1::ListExperimentsRequest& request,
                       v1::ListExperimentsResponse* response) {
    Context context;
    return experiments_->ListExperiments(&context, request, response);
  }
  grpc::Status TryListRuns(const v1::ListRunsRequest& request, v1::ListRunsResponse* response) {
    Context context;
    return runs_->ListRuns(&context, request, response);
  }
  grpc::Status TryGetRun(const std::string& name, v1::Run* response,
                         v1::RunView view = v1::RUN_VIEW_UNSPECIFIED) {
    Context context;
    v1::GetRunRequest request;
    request.set_name(name);
    request.set_view(view);
    return runs_->GetRun(&context, request, response);
  }
  grpc::Status TryListEpochs(const v1::ListEpochsRequest& request,
                             v1::ListEpochsResponse* response) {
    Context context;
    return runs_->ListEpochs(&context, request, response);
  }
  grpc::Status TryListThetas(const v1::ListThetasRequest& request,
                             v1::ListThetasResponse* response) {
    Context context;
    return runs_->ListThetas(&context, request, response);
  }
  grpc::Status TryCancel(const std::string& name, v1::Experiment* response) {
    Context context;
    v1::CancelExperimentRequest request;
    request.set_name(name);
    return experiments_->CancelExperiment(&context, request, response);
  }
  grpc::Status TryCancelRun(const std::string& name, v1::Run* response) {
    Context context;
    v1::CancelRunRequest request;
    request.set_name(name);
    return runs_->CancelRun(&context, request, response);
  }

  v1::Experiment Create(const v1::CreateExperimentRequest& request) {
    v1::Experiment experiment;
    const grpc::Status status = TryCreate(request, &experiment);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return experiment;
  }
  v1::Experiment Get(const std::string& name) {
    v1::Experiment experiment;
    const grpc::Status status = TryGet(name, &experiment);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return experiment;
  }
  v1::Experiment Cancel(const std::string& name) {
    v1::Experiment experiment;
    const grpc::Status status = TryCancel(name, &experiment);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return experiment;
  }
  v1::Run CancelRun(const std::string& name) {
    v1::Run run;
    const grpc::Status status = TryCancelRun(name, &run);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return run;
  }
  v1::Run GetRun(const std::string& name, v1::RunView view = v1::RUN_VIEW_UNSPECIFIED) {
    v1::Run run;
    const grpc::Status status = TryGetRun(name, &run, view);
    EXPECT_TRUE(status.ok()) << name << ": " << status.error_message();
    return run;
  }
  std::vector<v1::Run> ListRuns(const std::string& parent,
                                v1::RunView view = v1::RUN_VIEW_UNSPECIFIED) {
    v1::ListRunsRequest request;
    request.set_parent(parent);
    request.set_page_size(1000);
    request.set_view(view);
    v1::ListRunsResponse response;
    const grpc::Status status = TryListRuns(request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return {response.runs().begin(), response.runs().end()};
  }
  std::vector<v1::Epoch> ListEpochs(const std::string& run) {
    v1::ListEpochsRequest request;
    request.set_parent(run);
    request.set_page_size(1000);
    v1::ListEpochsResponse response;
    const grpc::Status status = TryListEpochs(request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.next_page_token(), "");
    return {response.epochs().begin(), response.epochs().end()};
  }
  std::vector<v1::ThetaVector> ListThetas(const v1::ListThetasRequest& request) {
    v1::ListThetasResponse response;
    const grpc::Status status = TryListThetas(request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return {response.thetas().begin(), response.thetas().end()};
  }
  std::vector<std::string> ListNames() {
    v1::ListExperimentsRequest request;
    request.set_page_size(1000);
    v1::ListExperimentsResponse response;
    EXPECT_TRUE(TryList(request, &response).ok());
    std::vector<std::string> names;
    for (const v1::Experiment& experiment : response.experiments()) {
      names.push_back(experiment.name());
    }
    return names;
  }

  // Waits for the end of the experiment and returns all its events.
  std::vector<v1::Event> WaitForEnd(const std::string& name) {
    Watch watch(experiments_.get(), name);
    const grpc::Status status = watch.Finish();
    EXPECT_TRUE(status.ok()) << name << ": " << status.error_message();
    ExpectGapless(watch.events(), 0);
    return watch.events();
  }
  // Creates an experiment and waits for its end.
  v1::Experiment RunToEnd(const v1::CreateExperimentRequest& request) {
    const std::string name = Create(request).name();
    WaitForEnd(name);
    return Get(name);
  }
  // Creates an experiment with one run that ends only on request, and waits until it trains.
  std::string StartEndless(const std::string& id) {
    const std::string name = Create(TinyRequest(id, kEndless)).name();
    Watch watch(experiments_.get(), name);
    EXPECT_TRUE(watch.Until(IsEpoch));
    watch.Cancel();
    (void)watch.Finish();
    return name;
  }

  TempDirectory directory_;
  int workers_ = 2;
  store::UsageLimits limits_;
  experiments::RetentionAges retention_;
  WallClock clock_ = SystemWallClock;
  std::unique_ptr<Daemon> daemon_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::ExperimentService::Stub> experiments_;
  std::unique_ptr<v1::RunService::Stub> runs_;
  std::unique_ptr<v1::PresetService::Stub> presets_;
  std::unique_ptr<v1::ServerService::Stub> server_;
};

}  // namespace anneal

#endif  // ANNEAL_TESTS_INTEGRATION_DAEMON_TEST_H_
