// Checkpoints, and everything that goes on from one: pause, resume, retry, extend, kills.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/sha256.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/records.h"
#include "tests/e2e/test_daemon.h"

namespace anneal {
namespace {

namespace fs = std::filesystem;

using ::testing::HasSubstr;

std::string Contents(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream out;
  out << stream.rdbuf();
  return std::move(out).str();
}

std::string DigestOf(const std::string& bytes) {
  Sha256 hash;
  hash.Update(bytes);
  return hash.HexDigest();
}

// What a run computed: its epochs without their times, its test results with their digests.
std::vector<std::string> BitsOf(const TestDaemon& daemon, const std::string& run) {
  std::vector<std::string> bits;
  for (v1::Epoch& epoch : daemon.History(run)) {
    epoch.clear_elapsed_seconds();
    epoch.clear_epoch_seconds();
    epoch.clear_samples_per_second();
    bits.push_back(epoch.DebugString());
  }
  const v1::Run ended = daemon.GetRun(run);
  for (const v1::TestResult& result : ended.test_results()) {
    EXPECT_EQ(result.weights_sha256().size(), 64U);
    bits.push_back(result.DebugString());
  }
  bits.push_back(daemon.Anneal({"theta", run, "--output", "csv"}).output);
  return bits;
}

class CheckpointTest : public ::testing::Test {
 protected:
  explicit CheckpointTest(int workers = 2) : daemon_(TestDaemon::Address::kTcp, workers) {}

  std::vector<fs::path> FilesOf(const std::string& run) const {
    std::vector<fs::path> files;
    const std::string directory = daemon_.file("data/checkpoints/" + run);
    if (!fs::exists(directory)) return files;
    for (const auto& entry : fs::directory_iterator(directory)) files.push_back(entry.path());
    return files;
  }
  std::vector<v1::CheckpointInfo> List(const std::string& run) const {
    return ParseJsonList<v1::CheckpointInfo>(
        daemon_.Anneal({"checkpoint", "list", run, "--output", "json"}).output);
  }

  TestDaemon daemon_;
  std::mt19937 random_{7};
};

// How often an experiment is disturbed. ANNEAL_DISTURBANCES=50 for a night.
int Disturbances() {
  constexpr int kByDefault = 5;
  const char* text = std::getenv("ANNEAL_DISTURBANCES");
  int count = 0;
  return text != nullptr && absl::SimpleAtoi(text, &count) ? count : kByDefault;
}

struct Case {
  std::string engine;
  int workers;
  int epochs_per_disturbance;  // long enough to be disturbed so often

  int epochs() const { return epochs_per_disturbance * Disturbances(); }
};

// An experiment of eight runs, a sweep of two schedules over four seeds, that is disturbed, against
// one that is not.
class DisturbedTest : public CheckpointTest, public ::testing::WithParamInterface<Case> {
 protected:
  static constexpr int kRuns = 8;

  DisturbedTest() : CheckpointTest(GetParam().workers) {}

  void SubmitRuns(const std::string& id) {
    daemon_.Submit(id, {"--set", absl::StrCat("epochs=", GetParam().epochs()), "--set",
                        "engine=" + GetParam().engine, "--set", "checkpoint.every_seconds=0.05",
                        "--seeds", "0..3", "--sweep", "theta.schedule=COSINE,PLATEAU"});
  }
  void ExpectTheSameBitsUndisturbed() {
    EXPECT_EQ(daemon_.Anneal({"wait", "disturbed"}).code, kFine);
    SubmitRuns("undisturbed");
    EXPECT_EQ(daemon_.Anneal({"wait", "undisturbed"}).code, kFine);
    for (int run = 0; run < kRuns; ++run) {
      const std::vector<std::string> bits = BitsOf(daemon_, absl::StrCat("disturbed/", run));
      EXPECT_EQ(bits.size(), static_cast<size_t>(GetParam().epochs()) + 3);
      EXPECT_EQ(bits, BitsOf(daemon_, absl::StrCat("undisturbed/", run))) << run;
    }
  }
  bool HasEnded() const {
    const std::string runs = daemon_.Anneal({"list", "disturbed", "--output", "json"}).output;
    return !absl::StrContains(runs, "PENDING") && !absl::StrContains(runs, "RUNNING");
  }
};

TEST_P(DisturbedTest, KillsAtRandomMomentsChangeNoBits) {
  SubmitRuns("disturbed");
  int kills = 0;
  while (kills < Disturbances() && !HasEnded()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 300));
    daemon_.Kill();
    ++kills;
    daemon_.Start();
  }
  EXPECT_EQ(kills, Disturbances()) << "the runs were too short";
  ExpectTheSameBitsUndisturbed();
}

TEST_P(DisturbedTest, PausesAtRandomMomentsChangeNoBits) {
  SubmitRuns("disturbed");
  int pauses = 0;
  for (; pauses < Disturbances() && !HasEnded(); ++pauses) {
    std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 200));
    const Finished paused = daemon_.Anneal({"pause", "disturbed"});
    if (paused.code != kFine) break;  // all have ended meanwhile
    EXPECT_EQ(paused.output, "paused disturbed\n");
    EXPECT_THAT(daemon_.Anneal({"show", "disturbed", "--output", "json"}).output,
                HasSubstr("RUN_STATE_SUSPENDED"));
    EXPECT_EQ(daemon_.Anneal({"resume", "disturbed"}).output, "resumed disturbed\n");
  }
  EXPECT_EQ(pauses, Disturbances()) << "the runs were too short";
  ExpectTheSameBitsUndisturbed();
  EXPECT_TRUE(IsOneLineError(daemon_.Anneal({"pause", "disturbed/0"}), kFailed, {"SUCCEEDED"}));
}

INSTANTIATE_TEST_SUITE_P(EnginesAndWorkers, DisturbedTest,
                         ::testing::Values(Case{"FUSED", 1, 30}, Case{"FUSED", 2, 30},
                                           Case{"REFERENCE", 2, 8}),
                         [](const ::testing::TestParamInfo<Case>& tested) {
                           return absl::StrCat(tested.param.engine, "With", tested.param.workers);
                         });

TEST_F(CheckpointTest, APausedRunStaysWhereItIsAndGoesOnFromThere) {
  daemon_.Submit("long", {"--set", "epochs=100000"});
  ASSERT_TRUE(daemon_.WaitForEpochs("long/0", 3));
  EXPECT_EQ(daemon_.Anneal({"pause", "long/0"}).code, kFine);
  // A restart does not resume it.
  EXPECT_EQ(daemon_.Stop(), 0);
  daemon_.Start();
  const v1::Run before = daemon_.GetRun("long/0");
  EXPECT_EQ(before.state(), v1::RUN_STATE_SUSPENDED);
  EXPECT_EQ(daemon_.Anneal({"resume", "long/0"}).code, kFine);
  ASSERT_TRUE(daemon_.WaitForEpochs("long/0", before.epochs_done() + 2));
  EXPECT_THAT(daemon_.process().errors(), HasSubstr("goes on after step"));
  EXPECT_EQ(daemon_.Anneal({"cancel", "long/0"}).code, kFine);
}

TEST_F(CheckpointTest, ACancelledRunCanBeRetriedAndASucceededOneExtended) {
  daemon_.Submit("retried", {"--set", "epochs=300"});
  ASSERT_TRUE(daemon_.WaitForEpochs("retried/0", 3));
  EXPECT_EQ(daemon_.Anneal({"cancel", "retried"}).code, kFine);
  EXPECT_EQ(daemon_.Anneal({"retry", "retried"}).output, "retried retried\n");
  EXPECT_EQ(daemon_.Anneal({"wait", "retried"}).code, kFine);
  EXPECT_TRUE(IsOneLineError(daemon_.Anneal({"retry", "retried/0"}), kFailed, {"extend"}));

  daemon_.RunToEnd("whole", {"--set", "epochs=6", "--set", "theta.span=3"});
  daemon_.RunToEnd("extended", {"--set", "epochs=4"});
  EXPECT_TRUE(IsOneLineError(daemon_.Anneal({"extend", "extended/0", "--epochs", "4"}), kBadUsage,
                             {"epochs", "4"}));
  EXPECT_EQ(daemon_.Anneal({"extend", "extended/0", "--epochs", "6"}).code, kFine);
  EXPECT_EQ(daemon_.Anneal({"wait", "extended"}).code, kFine);
  // Theta reached its end in the fourth epoch and stayed: what a span of three gives.
  EXPECT_EQ(BitsOf(daemon_, "extended/0"), BitsOf(daemon_, "whole/0"));
  EXPECT_EQ(daemon_.GetRun("extended/0").config().theta().span(), 3);
}

TEST_F(CheckpointTest, KeepsTheLastTwoAndTheBestWhileItRunsAndNoRubbish) {
  daemon_.Submit("kept", {"--set", "epochs=100000"});
  ASSERT_TRUE(daemon_.WaitForEpochs("kept/0", 10));
  EXPECT_EQ(daemon_.Anneal({"pause", "kept"}).code, kFine);
  ASSERT_TRUE(Eventually([&] { return FilesOf("kept/0").size() == List("kept/0").size(); }));
  const auto listed = List("kept/0");
  EXPECT_GE(listed.size(), 2U);
  EXPECT_LE(listed.size(), 3U);
  EXPECT_TRUE(listed[0].last());
  EXPECT_FALSE(listed[1].last());
  daemon_.Anneal({"cancel", "kept"});

  daemon_.RunToEnd("done", {"--set", "epochs=9"});
  EXPECT_LE(List("done/0").size(), 2U);
  EXPECT_EQ(FilesOf("done/0").size(), List("done/0").size());
}

TEST_F(CheckpointTest, DownloadsWhatIsAskedForWhole) {
  daemon_.RunToEnd("done", {"--set", "epochs=5"});
  const v1::CheckpointInfo last = List("done/0").at(0);
  EXPECT_EQ(last.epoch(), 5);
  const std::string out = daemon_.file("out.safetensors");
  for (const std::vector<std::string>& which :
       {std::vector<std::string>{}, {"--last"}, {"--best"}, {"--epoch", "5"}}) {
    std::vector<std::string> command = {"checkpoint", "download", "done/0", "--out", out};
    command.insert(command.end(), which.begin(), which.end());
    const Finished finished = daemon_.Anneal(command);
    EXPECT_EQ(finished.code, kFine) << finished.errors;
    EXPECT_EQ(finished.output, out + "\n");
    const std::string bytes = Contents(out);
    std::set<std::string> digests;
    for (const v1::CheckpointInfo& info : List("done/0")) digests.insert(info.sha256());
    EXPECT_EQ(digests.count(DigestOf(bytes)), 1U);
    EXPECT_THAT(bytes, HasSubstr("\"layers.0.weight\""));
    fs::remove(out);
  }
  EXPECT_TRUE(IsOneLineError(
      daemon_.Anneal({"checkpoint", "download", "done/0", "--epoch", "77", "--out", out}), kFailed,
      {"77", "5"}));
  EXPECT_FALSE(fs::exists(out));
}

TEST_F(CheckpointTest, ADamagedCheckpointIsNotUsed) {
  daemon_.RunToEnd("undisturbed", {"--set", "epochs=60"});
  for (const bool all : {false, true}) {
    const std::string id = all ? "all-damaged" : "last-damaged";
    daemon_.Submit(id, {"--set", "epochs=60"});
    ASSERT_TRUE(daemon_.WaitForEpochs(id + "/0", 5));
    daemon_.Kill();
    std::vector<fs::path> files = FilesOf(id + "/0");
    std::sort(files.begin(), files.end());
    ASSERT_GE(files.size(), 2U);
    for (size_t i = all ? 0 : files.size() - 1; i < files.size(); ++i) {
      // One is cut, the others have a bit turned.
      if (i % 2 == 0) {
        fs::resize_file(files[i], fs::file_size(files[i]) / 2);
      } else {
        std::fstream stream(files[i], std::ios::in | std::ios::out | std::ios::binary);
        stream.seekp(static_cast<std::streamoff>(fs::file_size(files[i])) - 5);
        stream.put('\x55');
      }
    }
    daemon_.Start();
    EXPECT_EQ(daemon_.Anneal({"wait", id}).code, kFine);
    EXPECT_EQ(BitsOf(daemon_, id + "/0"), BitsOf(daemon_, "undisturbed/0"));
  }
}

// The format's own reader, where the machine has it.
TEST_F(CheckpointTest, PythonReadsThem) {
  if (RunProcess({"python3", "-c", "import safetensors.numpy"}).code != 0) {
    GTEST_SKIP() << "no safetensors for Python here";
  }
  daemon_.RunToEnd("done", {"--set", "epochs=2", "--set", "theta.policy=TRAINABLE"});
  const std::string out = daemon_.file("out.safetensors");
  ASSERT_EQ(daemon_.Anneal({"checkpoint", "download", "done/0", "--out", out}).code, kFine);
  const Finished finished = RunProcess(
      {"python3", "-c",
       absl::StrCat(
           "import safetensors, safetensors.numpy as s\n"
           "t = s.load_file('",
           out,
           "')\n"
           "f = safetensors.safe_open('",
           out,
           "', 'np')\n"
           "print(t['layers.0.weight'].shape, t['theta'].shape, f.metadata()['format'])\n")});
  EXPECT_THAT(finished.output, HasSubstr("(4, 1, 3, 3) (1,) anneal-checkpoint-1"))
      << finished.errors;
}

}  // namespace
}  // namespace anneal
