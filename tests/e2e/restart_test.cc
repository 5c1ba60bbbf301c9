// Tests that state survives kills, stops and restarts of the daemon.

#include <signal.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "tests/e2e/daemon_state.h"
#include "tests/e2e/records.h"
#include "tests/e2e/test_daemon.h"

namespace anneal {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::testing::HasSubstr;

constexpr int kEpochs = 150;

// Returns the results of a run without durations.
std::vector<v1::Epoch> MetricsOf(const TestDaemon& daemon, const std::string& run) {
  std::vector<v1::Epoch> epochs = daemon.History(run);
  for (v1::Epoch& epoch : epochs) {
    epoch.clear_elapsed_seconds();
    epoch.clear_epoch_seconds();
    epoch.clear_samples_per_second();
  }
  return epochs;
}

void ExpectTheSameResults(const TestDaemon& daemon, const std::string& a, const std::string& b) {
  const std::vector<v1::Epoch> first = MetricsOf(daemon, a);
  const std::vector<v1::Epoch> second = MetricsOf(daemon, b);
  ASSERT_EQ(first.size(), second.size());
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].epoch(), static_cast<int>(i) + 1);
    ASSERT_TRUE(MessageDifferencer::Equals(first[i], second[i])) << "epoch " << i + 1;
  }
  const v1::Run run_a = daemon.GetRun(a);
  const v1::Run run_b = daemon.GetRun(b);
  ASSERT_EQ(run_a.test_results_size(), 2);
  ASSERT_EQ(run_b.test_results_size(), 2);
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(MessageDifferencer::Equals(run_a.test_results(i), run_b.test_results(i)));
  }
}

class RestartTest : public ::testing::Test {
 protected:
  void SubmitRun(const std::string& id) {
    daemon_.Submit(id, {"--set", absl::StrCat("epochs=", kEpochs), "--seeds", "5"});
  }
  TestDaemon daemon_{TestDaemon::Address::kSocket};
};

TEST_F(RestartTest, AKilledRunIsBitIdenticalToAnUninterruptedOne) {
  SubmitRun("killed");
  ASSERT_TRUE(daemon_.WaitForEpochs("killed/0", 5));
  daemon_.Kill();
  EXPECT_EQ(IntegrityOf(daemon_.database()), "ok");
  daemon_.Start();
  EXPECT_EQ(daemon_.Anneal({"wait", "killed"}).code, kFine);
  EXPECT_EQ(daemon_.GetRun("killed/0").attempts(), 2);
  SubmitRun("undisturbed");
  EXPECT_EQ(daemon_.Anneal({"wait", "undisturbed"}).code, kFine);
  ASSERT_EQ(daemon_.History("killed/0").size(), static_cast<size_t>(kEpochs));
  ExpectTheSameResults(daemon_, "killed/0", "undisturbed/0");
}

TEST_F(RestartTest, AStoppedRunIsBitIdenticalToAnUninterruptedOne) {
  SubmitRun("stopped");
  ASSERT_TRUE(daemon_.WaitForEpochs("stopped/0", 5));
  EXPECT_EQ(daemon_.Stop(), 0) << daemon_.process().errors();
  daemon_.Start();
  EXPECT_EQ(daemon_.Anneal({"wait", "stopped"}).code, kFine);
  SubmitRun("undisturbed");
  EXPECT_EQ(daemon_.Anneal({"wait", "undisturbed"}).code, kFine);
  ExpectTheSameResults(daemon_, "stopped/0", "undisturbed/0");
}

TEST_F(RestartTest, WatchSurvivesKillsAndPrintsEachEpochOnce) {
  SubmitRun("first");
  const auto watch = daemon_.StartAnneal({"watch", "first"});
  for (const int epoch : {5, 10}) {
    const std::string seen = absl::StrCat(" ", epoch, "/", kEpochs, " ");
    ASSERT_TRUE(watch->WaitFor([&seen](const std::string& output, const std::string&) {
      return absl::StrContains(output, seen);
    })) << watch->output();
    daemon_.Kill();
    daemon_.Start();
  }
  const auto finished = watch->Wait();
  ASSERT_TRUE(finished.has_value());
  EXPECT_EQ(finished->code, kFine) << finished->errors;
  EXPECT_THAT(finished->errors, HasSubstr("reconnecting"));
  std::vector<std::string> told;
  for (const std::string& line : Lines(finished->output)) {
    const size_t at = line.find(" epoch ");
    if (at == std::string::npos) continue;
    const std::string rest = line.substr(at + 7);
    const std::vector<std::string> words = absl::StrSplit(rest, ' ', absl::SkipEmpty());
    told.push_back(words[0]);
  }
  std::vector<std::string> expected;
  for (int i = 1; i <= kEpochs; ++i) expected.push_back(absl::StrCat(i, "/", kEpochs));
  EXPECT_EQ(told, expected);
}

TEST_F(RestartTest, SigtermStopsQuicklyDespiteOpenStreamsAndWatchersReconnect) {
  daemon_.Submit("long", {"--set", "epochs=50000"});
  std::vector<std::unique_ptr<Process>> watches;
  for (int i = 0; i < 5; ++i) watches.push_back(daemon_.StartAnneal({"watch", "long"}));
  for (const auto& watch : watches) {
    ASSERT_TRUE(watch->WaitFor([](const std::string& output, const std::string&) {
      return absl::StrContains(output, " epoch ");
    }));
  }
  EXPECT_EQ(daemon_.Stop(Seconds(5)), 0) << daemon_.process().errors();
  daemon_.Start();
  EXPECT_EQ(daemon_.GetRun("long/0").attempts() >= 1, true);
  EXPECT_EQ(daemon_.Anneal({"cancel", "long"}).code, kFine);
  for (const auto& watch : watches) {
    const auto finished = watch->Wait();
    ASSERT_TRUE(finished.has_value());
    EXPECT_EQ(finished->code, kFailed) << finished->errors;
    EXPECT_THAT(finished->output, HasSubstr("long/0 CANCELLED"));
  }
}

TEST_F(RestartTest, ASecondSigtermIsHarmlessAndSigintStopsItToo) {
  daemon_.Submit("long", {"--set", "epochs=50000"});
  ASSERT_TRUE(daemon_.WaitForEpochs("long/0", 1));
  daemon_.process().Signal(SIGTERM);
  EXPECT_EQ(daemon_.Stop(), 0);
  daemon_.Start();
  daemon_.process().Signal(SIGINT);
  const auto finished = daemon_.process().Wait();
  ASSERT_TRUE(finished.has_value());
  EXPECT_EQ(finished->code, 0) << finished->errors;
}

TEST_F(RestartTest, AcknowledgedSubmissionsSurviveAKill) {
  for (int i = 0; i < 5; ++i) {
    const std::string id = absl::StrCat("e", i);
    daemon_.Submit(id, {"--seeds", "0..3"});
    daemon_.Kill();
    daemon_.Start();
    EXPECT_THAT(daemon_.Anneal({"list", "-q"}).output, HasSubstr(id + "\n"));
  }
  EXPECT_EQ(IntegrityOf(daemon_.database()), "ok");
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(daemon_.Anneal({"wait", absl::StrCat("e", i)}).code, kFine) << i;
  }
}

TEST_F(RestartTest, ASecondDaemonOnTheDirectoryFailsWithAOneLineError) {
  const Finished second =
      RunProcess({ANNEALD, "--data-dir", daemon_.data_directory(), "--listen", "127.0.0.1:0"});
  EXPECT_TRUE(
      IsOneLineError(second, kFailed, {"anneald: ", daemon_.data_directory(), "--data-dir"}));
  EXPECT_EQ(daemon_.Anneal({"list"}).code, kFine);
}

TEST(PortTest, ASecondDaemonOnThePortFailsWithAOneLineError) {
  const TestDaemon daemon;
  const Finished second =
      RunProcess({ANNEALD, "--data-dir", daemon.file("other"), "--listen", daemon.address()});
  EXPECT_EQ(second.code, kFailed);
  EXPECT_EQ(second.output, "");
  EXPECT_THAT(Lines(second.errors).back(),
              ::testing::AllOf(HasSubstr("anneald: "), HasSubstr(daemon.address())));
  EXPECT_EQ(daemon.Anneal({"list"}).code, kFine);
}

}  // namespace
}  // namespace anneal
