// Tests checkpoints and continuing from them: pause, resume, retry, extend, kills.

#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/daemon_state.h"
#include "tests/e2e/records.h"
#include "tests/e2e/test_daemon.h"

namespace anneal {
namespace {

namespace fs = std::filesystem;

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

void Overwrite(const fs::path& file, const std::string& bytes) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream << bytes;
}

// Flips a bit in the last byte, which belongs to a weight.
void FlipABit(const fs::path& file) {
  std::string bytes = Contents(file.string());
  bytes.back() ^= 1;
  Overwrite(file, bytes);
}

class CheckpointTest : public ::testing::Test {
 protected:
  explicit CheckpointTest(int workers = 2) : daemon_(TestDaemon::Address::kTcp, workers) {}

  std::vector<v1::CheckpointInfo> List(const std::string& run) const {
    return ParseJsonList<v1::CheckpointInfo>(
        daemon_.Anneal({"checkpoint", "list", run, "--output", "json"}).output);
  }

  TestDaemon daemon_;
  std::mt19937 random_{7};
};

struct Case {
  std::string engine;
  int workers;
  int epochs_per_disturbance;  // long enough to be disturbed so often

  int epochs() const { return epochs_per_disturbance * Disturbances(); }
};

// An experiment with eight runs, a sweep of two schedules over four seeds, with injected faults,
// compared with an undisturbed one.
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
      EXPECT_EQ(bits.size(), static_cast<size_t>(GetParam().epochs()) + 5);
      EXPECT_EQ(bits, BitsOf(daemon_, absl::StrCat("undisturbed/", run))) << run;
    }
  }
  bool HasEnded() const {
    const std::string runs = daemon_.Anneal({"list", "disturbed", "--output", "json"}).output;
    return !absl::StrContains(runs, "PENDING") && !absl::StrContains(runs, "RUNNING");
  }
};

TEST_P(DisturbedTest, RandomKillsKeepResultsBitIdentical) {
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

TEST_P(DisturbedTest, RandomPausesKeepResultsBitIdentical) {
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

TEST_F(CheckpointTest, APausedRunSurvivesARestartAndResumesFromItsCheckpoint) {
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
  EXPECT_THAT(daemon_.process().errors(), HasSubstr("resumes after step"));
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
  // Theta reached its end in the fourth epoch and kept it: the effect of a span of three.
  EXPECT_EQ(BitsOf(daemon_, "extended/0"), BitsOf(daemon_, "whole/0"));
  EXPECT_EQ(daemon_.GetRun("extended/0").config().theta().span(), 3);
}

TEST_F(CheckpointTest, KeepsTheLastTwoAndTheBestAndNoOrphanedFiles) {
  daemon_.Submit("kept", {"--set", "epochs=100000"});
  ASSERT_TRUE(daemon_.WaitForEpochs("kept/0", 10));
  EXPECT_EQ(daemon_.Anneal({"pause", "kept"}).code, kFine);
  ASSERT_TRUE(Eventually(
      [&] { return CheckpointFilesOf(daemon_, "kept/0").size() == List("kept/0").size(); }));
  const auto listed = List("kept/0");
  EXPECT_GE(listed.size(), 2U);
  EXPECT_LE(listed.size(), 3U);
  EXPECT_TRUE(listed[0].last());
  EXPECT_FALSE(listed[1].last());
  daemon_.Anneal({"cancel", "kept"});

  daemon_.RunToEnd("done", {"--set", "epochs=9"});
  EXPECT_LE(List("done/0").size(), 2U);
  EXPECT_EQ(CheckpointFilesOf(daemon_, "done/0").size(), List("done/0").size());
}

TEST_F(CheckpointTest, DownloadsTheRequestedCheckpointCompletely) {
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
    const std::vector<fs::path> files = CheckpointFilesOf(daemon_, id + "/0");
    ASSERT_GE(files.size(), 2U);
    for (size_t i = all ? 0 : files.size() - 1; i < files.size(); ++i) {
      // One file is truncated, the others have one bit flipped.
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

// Damages the last checkpoint of each run of an experiment in a different way.
TEST_F(CheckpointTest, EachKindOfDamageIsLoggedAndThePreviousCheckpointIsUsed) {
  const std::vector<std::pair<std::string, std::function<void(const fs::path&)>>> kinds = {
      {"truncated", [](const fs::path& file) { fs::resize_file(file, fs::file_size(file) - 1); }},
      {"empty", [](const fs::path& file) { fs::resize_file(file, 0); }},
      {"missing", [](const fs::path& file) { fs::remove(file); }},
      {"longer", [](const fs::path& file) { fs::resize_file(file, fs::file_size(file) + 1); }},
      {"one bit", [](const fs::path& file) { FlipABit(file); }},
      // The first eight bytes are the length of the header.
      {"huge header", [](const fs::path& file) { Overwrite(file, std::string(7, '\xff')); }}};
  const std::string seeds = absl::StrCat("0..", kinds.size() - 1);
  daemon_.Submit("damaged", {"--set", "epochs=100", "--seeds", seeds});
  for (size_t run = 0; run < kinds.size(); ++run) {
    ASSERT_TRUE(daemon_.WaitForEpochs(absl::StrCat("damaged/", run), 3));
    EXPECT_EQ(daemon_.Anneal({"pause", absl::StrCat("damaged/", run)}).code, kFine);
  }
  EXPECT_EQ(daemon_.Stop(), 0);
  std::vector<fs::path> damaged;
  for (size_t run = 0; run < kinds.size(); ++run) {
    const auto files = CheckpointFilesOf(daemon_, absl::StrCat("damaged/", run));
    ASSERT_GE(files.size(), 2U);
    damaged.push_back(files.back());
    kinds[run].second(files.back());
  }
  daemon_.Start();
  EXPECT_EQ(daemon_.Anneal({"resume", "damaged"}).code, kFine);
  EXPECT_EQ(daemon_.Anneal({"wait", "damaged"}).code, kFine);
  const std::string log = daemon_.process().errors();
  daemon_.RunToEnd("undisturbed", {"--set", "epochs=100", "--seeds", seeds});
  for (size_t run = 0; run < kinds.size(); ++run) {
    SCOPED_TRACE(kinds[run].first);
    EXPECT_THAT(log, HasSubstr(damaged[run].string() + " is damaged"));
    const std::string name = absl::StrCat("damaged/", run);
    EXPECT_THAT(log, ContainsRegex(absl::StrCat("resumes after step [0-9]+ run=experiments/damaged",
                                                "/runs/", run, "\n")));
    EXPECT_EQ(BitsOf(daemon_, name), BitsOf(daemon_, absl::StrCat("undisturbed/", run)));
  }
}

// The reference reader of the format, if installed.
TEST_F(CheckpointTest, PythonReadsCheckpoints) {
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
