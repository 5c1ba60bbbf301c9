// Simulates a full disk: the kernel limits the size of files that the daemon may write, so that a
// write fails in the middle of a file.

#include <sys/resource.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/daemon_state.h"
#include "tests/e2e/generic_call.h"
#include "tests/e2e/records.h"
#include "tests/e2e/test_daemon.h"
#include "tests/fixtures/watch.h"

namespace anneal {
namespace {

using ::testing::HasSubstr;

// Checkpoints of about 9 MB.
constexpr char kLargeNetwork[] = R"(
dataset { name: "tiny" }
network {
  layers { conv { filters: 256 kernel: 3 pool: POOL_MAX pool_size: 2 } }
  layers { conv { filters: 256 kernel: 3 } }
}
epochs: 8
)";
// Less than a checkpoint, and more than the database and its WAL need.
constexpr rlim_t kNoRoomForCheckpoints = 6'000'000;
// Less than is already used.
constexpr rlim_t kNoRoom = 4096;

class FullDiskTest : public ::testing::Test {
 protected:
  FullDiskTest() : daemon_(TestDaemon::Address::kSocket, 1) {}

  void LimitFiles(rlim_t bytes) {
    const rlimit limit{.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};
    ASSERT_EQ(::prlimit(daemon_.pid(), RLIMIT_FSIZE, &limit, nullptr), 0) << std::strerror(errno);
  }
  void WaitUntilTrainingWaits() {
    ASSERT_TRUE(daemon_.process().WaitFor([](const std::string&, const std::string& errors) {
      return absl::StrContains(errors, "training waits");
    })) << daemon_.process().errors();
  }
  // Submits through gRPC, to see the status code.
  grpc::Status Create(const v1::CreateExperimentRequest& request) const {
    const auto stub = v1::ExperimentService::NewStub(
        grpc::CreateChannel(daemon_.address(), grpc::InsecureChannelCredentials()));
    Context context;
    context.set_wait_for_ready(true);
    v1::Experiment created;
    return stub->CreateExperiment(&context, request, &created);
  }
  static v1::CreateExperimentRequest TinyRequest() {
    v1::CreateExperimentRequest request;
    request.set_experiment_id("waiting");
    request.set_request_id("waiting");
    v1::TrainingConfig* config = request.mutable_experiment()->mutable_config();
    config->mutable_dataset()->set_name("tiny");
    config->set_epochs(1);
    v1::ConvLayer* layer = config->mutable_network()->add_layers()->mutable_conv();
    layer->set_filters(4);
    layer->set_kernel(3);
    return request;
  }
  void SubmitLarge(const std::string& id) const {
    const std::string config = daemon_.WriteFile("large.textproto", kLargeNetwork);
    EXPECT_EQ(daemon_.Anneal({"submit", "--file", config, "--id", id}).code, kFine);
  }
  void SubmitLong(const std::string& id) const { daemon_.Submit(id, {"--set", "epochs=300"}); }
  // Compares with a run submitted last.
  void ExpectTheBitsOfAnUndisturbedRun(const std::string& run) const {
    EXPECT_EQ(daemon_.Anneal({"wait", "undisturbed"}).code, kFine);
    EXPECT_EQ(BitsOf(daemon_, run), BitsOf(daemon_, "undisturbed/0"));
  }

  TestDaemon daemon_;
};

TEST_F(FullDiskTest, ARunWaitsForCheckpointSpaceAndKeepsItsPreviousCheckpoint) {
  SubmitLarge("large");
  ASSERT_TRUE(daemon_.WaitForEpochs("large/0", 2));
  LimitFiles(kNoRoomForCheckpoints);
  WaitUntilTrainingWaits();
  EXPECT_THAT(daemon_.process().errors(), HasSubstr("make room"));
  EXPECT_EQ(daemon_.GetRun("large/0").state(), v1::RUN_STATE_RUNNING);
  const auto names = ParseJsonList<v1::CheckpointInfo>(
      daemon_.Anneal({"checkpoint", "list", "large/0", "--output", "json"}).output);
  ASSERT_GE(names.size(), 2U);
  // It retries once a second, and removes each partial file.
  EXPECT_TRUE(
      Eventually([&] { return CheckpointFilesOf(daemon_, "large/0").size() == names.size(); }));
  const std::string out = daemon_.file("out.safetensors");
  EXPECT_EQ(daemon_.Anneal({"checkpoint", "download", "large/0", "--out", out}).code, kFine);
  // There is space for the database.
  daemon_.Submit("small");

  LimitFiles(RLIM_INFINITY);
  for (const char* id : {"large", "small"}) EXPECT_EQ(daemon_.Anneal({"wait", id}).code, kFine);
  EXPECT_EQ(daemon_.GetRun("large/0").attempts(), 1);
  SubmitLarge("undisturbed");
  ExpectTheBitsOfAnUndisturbedRun("large/0");
}

TEST_F(FullDiskTest, AKillDuringAFullDiskKeepsResultsBitIdentical) {
  SubmitLarge("large");
  ASSERT_TRUE(daemon_.WaitForEpochs("large/0", 2));
  LimitFiles(kNoRoomForCheckpoints);
  WaitUntilTrainingWaits();
  daemon_.Kill();
  daemon_.Start();
  EXPECT_EQ(daemon_.Anneal({"wait", "large"}).code, kFine);
  EXPECT_THAT(daemon_.process().errors(), HasSubstr("resumes after step"));
  SubmitLarge("undisturbed");
  ExpectTheBitsOfAnUndisturbedRun("large/0");
}

TEST_F(FullDiskTest, SubmissionsAreRefusedAndRunsWaitUntilTheDatabaseHasRoom) {
  SubmitLong("first");
  ASSERT_TRUE(daemon_.WaitForEpochs("first/0", 3));
  LimitFiles(kNoRoom);
  const grpc::Status refused = Create(TinyRequest());
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << refused.error_message();
  WaitUntilTrainingWaits();
  EXPECT_TRUE(Eventually([&] { return HealthOf(daemon_.address()) == 2; })) << "NOT_SERVING";
  EXPECT_EQ(daemon_.GetRun("first/0").state(), v1::RUN_STATE_RUNNING);
  EXPECT_EQ(daemon_.Anneal({"list", "-q"}).output, "first\n");
  EXPECT_EQ(IntegrityOf(daemon_.database()), "ok");

  LimitFiles(RLIM_INFINITY);
  EXPECT_TRUE(Eventually([&] { return HealthOf(daemon_.address()) == 1; })) << "SERVING";
  const grpc::Status taken = Create(TinyRequest());
  EXPECT_TRUE(taken.ok()) << taken.error_message();
  for (const char* id : {"first", "waiting"}) EXPECT_EQ(daemon_.Anneal({"wait", id}).code, kFine);
  EXPECT_EQ(daemon_.GetRun("first/0").attempts(), 1);
  SubmitLong("undisturbed");
  ExpectTheBitsOfAnUndisturbedRun("first/0");
}

TEST_F(FullDiskTest, StoppingOnAFullDiskLosesNoData) {
  SubmitLong("first");
  ASSERT_TRUE(daemon_.WaitForEpochs("first/0", 3));
  LimitFiles(kNoRoom);
  WaitUntilTrainingWaits();
  EXPECT_EQ(daemon_.Stop(Seconds(30)), 0) << daemon_.process().errors();
  EXPECT_EQ(IntegrityOf(daemon_.database()), "ok");
  daemon_.Start();
  EXPECT_EQ(daemon_.Anneal({"wait", "first"}).code, kFine);
  SubmitLong("undisturbed");
  ExpectTheBitsOfAnUndisturbedRun("first/0");
}

}  // namespace
}  // namespace anneal
