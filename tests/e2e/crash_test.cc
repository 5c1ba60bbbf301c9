// Kills the daemon at each step of a checkpoint and of a submission: see
// server/store/fault_point.h.

#include <signal.h>

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/daemon_state.h"
#include "tests/e2e/records.h"
#include "tests/e2e/test_daemon.h"

namespace anneal {
namespace {

using ::testing::HasSubstr;

constexpr int kKilled = 128 + SIGKILL;

class CrashTest : public ::testing::Test {
 protected:
  CrashTest() : daemon_(TestDaemon::Address::kSocket, 1) {}

  // Restarts the daemon such that it dies at `point`.
  void StartToCrashAt(const std::string& point) {
    EXPECT_EQ(daemon_.Stop(), 0);
    daemon_.Start({{"ANNEAL_CRASH_AT", point}});
  }
  void WaitForTheCrash() {
    const auto ended = daemon_.process().Wait();
    ASSERT_TRUE(ended.has_value()) << "never came there";
    EXPECT_EQ(ended->code, kKilled) << ended->errors;
    EXPECT_EQ(IntegrityOf(daemon_.database()), "ok");
  }
  // Sends always the same request; its response may be lost.
  Finished SubmitOnce(const std::string& id) const {
    return daemon_.Anneal({"submit", "--file", daemon_.tiny_config(), "--id", id, "--set",
                           "epochs=30", "--request-id", "the-one", "-q"});
  }
  std::multiset<std::string> FoundFiles(const std::string& run) const {
    std::multiset<std::string> found;
    for (const auto& file : CheckpointFilesOf(daemon_, run)) {
      found.insert(absl::StrCat(file.extension().string(), " ", DigestOf(Contents(file.string()))));
    }
    return found;
  }
  std::multiset<std::string> NamedFiles(const std::string& run) const {
    std::multiset<std::string> named;
    for (const auto& info : ParseJsonList<v1::CheckpointInfo>(
             daemon_.Anneal({"checkpoint", "list", run, "--output", "json"}).output)) {
      named.insert(absl::StrCat(".safetensors ", info.sha256()));
    }
    return named;
  }
  // Expects that the files of a run become those that the database names, with the recorded
  // contents: they are swept right after the run's end is committed, which ends `wait`.
  void ExpectNoRubbish(const std::string& run) const {
    for (int i = 0; i < 50 && FoundFiles(run) != NamedFiles(run); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    EXPECT_EQ(FoundFiles(run), NamedFiles(run));
  }

  TestDaemon daemon_;
};

std::string TestName(const ::testing::TestParamInfo<std::string>& point) {
  return absl::StrReplaceAll(point.param, {{".", "_"}});
}

class CheckpointCrashTest : public CrashTest, public ::testing::WithParamInterface<std::string> {};

TEST_P(CheckpointCrashTest, RecoveryIsBitIdenticalAndLeavesNoOrphanedFiles) {
  // Leaves earlier checkpoints to fall back to, and time for the response to reach the client.
  StartToCrashAt(GetParam() + ":9");
  SubmitOnce("killed");
  WaitForTheCrash();

  daemon_.Start();
  EXPECT_EQ(SubmitOnce("killed").output, "killed\n");
  EXPECT_EQ(daemon_.Anneal({"list", "-q"}).output, "killed\n");
  EXPECT_EQ(daemon_.Anneal({"wait", "killed"}).code, kFine);
  EXPECT_THAT(daemon_.process().errors(), HasSubstr("resumes after step"));
  EXPECT_EQ(daemon_.GetRun("killed/0").attempts(), 2);
  ExpectNoRubbish("killed/0");

  daemon_.RunToEnd("undisturbed", {"--set", "epochs=30"});
  EXPECT_EQ(BitsOf(daemon_, "killed/0"), BitsOf(daemon_, "undisturbed/0"));
}

INSTANTIATE_TEST_SUITE_P(AtEachStep, CheckpointCrashTest,
                         ::testing::Values("checkpoint.begun", "checkpoint.created",
                                           "checkpoint.written", "checkpoint.synced",
                                           "checkpoint.renamed", "checkpoint.directory_synced",
                                           "checkpoint.recorded", "checkpoint.committed"),
                         TestName);

// The premise of the test above: the file exists when the daemon dies.
TEST_F(CrashTest, TheNextDaemonRemovesATemporaryFileLeftByACrash) {
  StartToCrashAt("checkpoint.written:9");
  SubmitOnce("killed");
  WaitForTheCrash();
  const auto files = CheckpointFilesOf(daemon_, "killed/0");
  ASSERT_FALSE(files.empty());
  EXPECT_EQ(files.back().extension(), ".tmp");
  daemon_.Start();
  EXPECT_EQ(daemon_.Anneal({"wait", "killed"}).code, kFine);
  ExpectNoRubbish("killed/0");
}

TEST_F(CrashTest, AnUncommittedSubmissionLeavesNoTraceAndCanBeRetried) {
  StartToCrashAt("submission.recorded");
  EXPECT_EQ(SubmitOnce("lost").code, kFailed);
  WaitForTheCrash();
  daemon_.Start();
  EXPECT_EQ(daemon_.Anneal({"list", "-q"}).output, "");
  EXPECT_EQ(SubmitOnce("lost").output, "lost\n");
  EXPECT_EQ(daemon_.Anneal({"wait", "lost"}).code, kFine);
}

TEST_F(CrashTest, ARetryAfterALostResponseReturnsTheSameExperiment) {
  StartToCrashAt("submission.committed");
  EXPECT_EQ(SubmitOnce("unanswered").code, kFailed);
  WaitForTheCrash();
  daemon_.Start();
  EXPECT_EQ(daemon_.Anneal({"list", "-q"}).output, "unanswered\n");
  EXPECT_EQ(SubmitOnce("unanswered").output, "unanswered\n");
  EXPECT_EQ(daemon_.Anneal({"list", "-q"}).output, "unanswered\n");
  EXPECT_EQ(daemon_.Anneal({"wait", "unanswered"}).code, kFine);
  EXPECT_EQ(
      ParseJsonList<v1::Run>(daemon_.Anneal({"list", "unanswered", "--output", "json"}).output)
          .size(),
      1U);
}

TEST_F(CrashTest, ARunThatKeepsCrashingTheDaemonFails) {
  constexpr int kMostAttempts = 11;  // a first one, and ten more
  const std::map<std::string, std::string> crash = {{"ANNEAL_CRASH_AT", "checkpoint.begun"}};
  StartToCrashAt("checkpoint.begun");
  SubmitOnce("deadly");
  WaitForTheCrash();
  for (int attempt = 2; attempt <= kMostAttempts; ++attempt) {
    daemon_.Launch(crash);
    WaitForTheCrash();
  }
  daemon_.Start(crash);
  const v1::Run run = daemon_.GetRun("deadly/0");
  EXPECT_EQ(run.state(), v1::RUN_STATE_FAILED);
  EXPECT_EQ(run.failure().reason(), v1::FAILURE_REASON_WORKER_LOST);
  EXPECT_EQ(run.attempts(), kMostAttempts);
}

}  // namespace
}  // namespace anneal
