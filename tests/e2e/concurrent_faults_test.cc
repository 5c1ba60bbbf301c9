// Kills the daemon at random moments while users submit, watch and train.

#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/daemon_state.h"
#include "tests/e2e/test_daemon.h"
#include "tests/fixtures/watch.h"

namespace anneal {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kUsers = 4;
constexpr int kEpochs = 40;

v1::CreateExperimentRequest RequestOf(const std::string& id) {
  v1::CreateExperimentRequest request;
  request.set_experiment_id(id);
  request.set_request_id("request-of-" + id);
  v1::TrainingConfig* config = request.mutable_experiment()->mutable_config();
  config->mutable_dataset()->set_name("tiny");
  config->set_epochs(kEpochs);
  v1::ConvLayer* layer = config->mutable_network()->add_layers()->mutable_conv();
  layer->set_filters(4);
  layer->set_kernel(3);
  request.mutable_experiment()->add_seeds(0);
  request.mutable_experiment()->add_seeds(1);
  return request;
}

// A submission acknowledged to a user.
struct Promise {
  v1::CreateExperimentRequest request;
  v1::Experiment answer;
};

// Submits experiments one after the other and watches each to its end, across failures of the
// daemon; records acknowledgements and checks the events.
class User {
 public:
  User(int number, const std::string& address, const std::atomic<bool>* over)
      : number_(number),
        over_(over),
        channel_(
            grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), Impatient())),
        stub_(v1::ExperimentService::NewStub(channel_)),
        thread_([this] { Live(); }) {}
  ~User() { Join(); }

  void Join() {
    if (thread_.joinable()) thread_.join();
  }
  // Valid after Join.
  const std::vector<Promise>& promises() const { return promises_; }
  int reconnections() const { return reconnections_; }

 private:
  static grpc::ChannelArguments Impatient() {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 20);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
    return arguments;
  }

  void Live() {
    for (int i = 0; !*over_; ++i) {
      Submit(absl::StrCat("user-", number_, "-", i));
      Follow(promises_.back().answer.name());
      if (::testing::Test::HasFailure()) return;
    }
  }
  // Retries until acknowledged.
  void Submit(const std::string& id) {
    Promise promise{.request = RequestOf(id)};
    while (true) {
      Context context;
      context.set_wait_for_ready(true);
      const grpc::Status status =
          stub_->CreateExperiment(&context, promise.request, &promise.answer);
      if (status.ok()) break;
      ASSERT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
    }
    promises_.push_back(std::move(promise));
  }
  // Watches to the end of the log: every event exactly once and in order.
  void Follow(const std::string& name) {
    int64_t last = 0;
    while (channel_->WaitForConnected(std::chrono::system_clock::now() + kLongestCall)) {
      Watch watch(stub_.get(), name, last);
      const grpc::Status status = watch.Finish();
      ExpectGapless(watch.events(), last);
      if (!watch.events().empty()) last = watch.events().back().sequence();
      if (status.ok()) return;
      ASSERT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
      ++reconnections_;
    }
    ADD_FAILURE() << "no connection to follow " << name;
  }

  const int number_;
  const std::atomic<bool>* const over_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::ExperimentService::Stub> stub_;
  std::vector<Promise> promises_;
  int reconnections_ = 0;
  std::thread thread_;  // last: it uses all of the above
};

class ConcurrentFaultsTest : public ::testing::Test {
 protected:
  ConcurrentFaultsTest() : daemon_(TestDaemon::Address::kSocket) {}

  void Connect() {
    const auto channel = grpc::CreateChannel(daemon_.address(), grpc::InsecureChannelCredentials());
    experiments_ = v1::ExperimentService::NewStub(channel);
    runs_ = v1::RunService::NewStub(channel);
  }
  v1::Experiment Create(const v1::CreateExperimentRequest& request) {
    Context context;
    v1::Experiment created;
    const grpc::Status status = experiments_->CreateExperiment(&context, request, &created);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return created;
  }
  // Expects that it exists, unchanged and complete.
  void ExpectKept(const Promise& promise) {
    const v1::Experiment again = Create(promise.request);
    EXPECT_EQ(again.name(), promise.answer.name());
    EXPECT_EQ(again.create_time().SerializeAsString(),
              promise.answer.create_time().SerializeAsString());
    EXPECT_EQ(again.state(), v1::RUN_STATE_SUCCEEDED) << again.ShortDebugString();
  }
  // The digest of the weights by seed.
  std::vector<std::string> WeightsOf(const std::string& experiment) {
    Context context;
    v1::ListRunsRequest request;
    request.set_parent(experiment);
    v1::ListRunsResponse response;
    EXPECT_TRUE(runs_->ListRuns(&context, request, &response).ok());
    std::vector<std::string> weights;
    for (const v1::Run& run : response.runs()) {
      weights.push_back(absl::StrCat(run.seed()));
      for (const std::string& digest : {run.weights_sha256(), run.best_weights_sha256()}) {
        EXPECT_EQ(digest.size(), 64U);
        absl::StrAppend(&weights.back(), " ", digest);
      }
    }
    return weights;
  }

  TestDaemon daemon_;
  std::unique_ptr<v1::ExperimentService::Stub> experiments_;
  std::unique_ptr<v1::RunService::Stub> runs_;
};

TEST_F(ConcurrentFaultsTest, AcknowledgedWorkSurvivesRepeatedKills) {
  std::atomic<bool> over = false;
  std::vector<std::unique_ptr<User>> users;
  for (int i = 0; i < kUsers; ++i) {
    users.push_back(std::make_unique<User>(i, daemon_.address(), &over));
  }
  std::mt19937 random(11);
  for (int kill = 1; kill <= Disturbances() && !HasFailure(); ++kill) {
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 700));
    daemon_.Kill();
    EXPECT_THAT(daemon_.process().errors(), Not(HasSubstr("is damaged")));
    EXPECT_EQ(IntegrityOf(daemon_.database()), "ok") << "after kill " << kill;
    daemon_.Start();
  }
  over = true;
  int promises = 0;
  int reconnections = 0;
  for (const auto& user : users) {
    user->Join();
    promises += static_cast<int>(user->promises().size());
    reconnections += user->reconnections();
  }
  RecordProperty("promises", promises);
  RecordProperty("reconnections", reconnections);
  EXPECT_GE(promises, kUsers);
  EXPECT_GT(reconnections, 0) << "nobody was watching";

  Connect();
  const std::string undisturbed = Create(RequestOf("undisturbed")).name();
  EXPECT_TRUE(Watch(experiments_.get(), undisturbed).Finish().ok());
  const std::vector<std::string> weights = WeightsOf(undisturbed);
  EXPECT_EQ(weights.size(), 2U);
  for (const auto& user : users) {
    for (const Promise& promise : user->promises()) {
      ExpectKept(promise);
      EXPECT_EQ(WeightsOf(promise.answer.name()), weights) << promise.answer.name();
    }
  }
}

}  // namespace
}  // namespace anneal
