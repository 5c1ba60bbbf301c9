// Tests watch, wait, cancel and submit -f in a pipe and on interrupts; terminal_test.cc covers
// terminals.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/records.h"
#include "tests/e2e/test_daemon.h"

namespace anneal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kComeBack[] = "Resume watching with: ";

// Counts the epoch lines of each run.
std::map<std::string, int> EpochLines(const std::vector<std::string>& lines) {
  std::map<std::string, int> counts;
  for (const std::string& line : lines) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    for (size_t i = 0; i + 1 < words.size(); ++i) {
      if (words[i] == "epoch") ++counts[absl::StrCat(words[0], " ", words[i + 1])];
    }
  }
  return counts;
}

// Returns true if a process blocks or handles SIGINT.
bool HandlesInterrupts(pid_t pid) {
  std::ifstream status(absl::StrCat("/proc/", pid, "/status"));
  uint64_t handled = 0;
  for (std::string line; std::getline(status, line);) {
    if (absl::StartsWith(line, "SigBlk:") || absl::StartsWith(line, "SigCgt:")) {
      handled |= std::stoull(line.substr(7), nullptr, 16);
    }
  }
  return (handled & (uint64_t{1} << (SIGINT - 1))) != 0;
}

class FollowTest : public ::testing::Test {
 protected:
  // A run that outlasts every test here.
  void SubmitLong(const std::string& id) { daemon_.Submit(id, {"--set", "epochs=50000"}); }

  // Waits until `watcher` has printed something.
  static void WaitForAnEpoch(Process* watcher) {
    EXPECT_TRUE(watcher->WaitFor([](const std::string& output, const std::string& errors) {
      return absl::StrContains(output + errors, "epoch ");
    })) << watcher->output()
        << watcher->errors();
  }

  TestDaemon daemon_;
};

TEST_F(FollowTest, WatchPrintsOneLinePerEpochToAPipe) {
  daemon_.Submit("first", {"--seeds", "0..1"});
  const Finished finished = daemon_.Anneal({"watch", "first"});
  EXPECT_EQ(finished.code, kFine) << finished.errors;
  EXPECT_THAT(finished.output, Not(HasSubstr("\x1b")));
  EXPECT_THAT(EpochLines(Lines(finished.output)),
              ElementsAre(std::pair("first/0 1/3", 1), std::pair("first/0 2/3", 1),
                          std::pair("first/0 3/3", 1), std::pair("first/1 1/3", 1),
                          std::pair("first/1 2/3", 1), std::pair("first/1 3/3", 1)));
  EXPECT_THAT(finished.output, HasSubstr("first/0 SUCCEEDED\n"));
}

TEST_F(FollowTest, WatchOfOneRunShowsThatRunOnly) {
  daemon_.Submit("first", {"--seeds", "0..1"});
  const Finished finished = daemon_.Anneal({"watch", "first/1"});
  EXPECT_EQ(finished.code, kFine) << finished.errors;
  EXPECT_THAT(finished.output, Not(HasSubstr("first/0")));
  EXPECT_EQ(EpochLines(Lines(finished.output)).size(), 3U);
}

TEST_F(FollowTest, WatchAsJsonLinesPrintsEveryEventOfTheLogOnceAndInOrder) {
  daemon_.RunToEnd("first", {"--seeds", "0..1"});
  const Finished finished = daemon_.Anneal({"watch", "first", "--output", "jsonl"});
  EXPECT_EQ(finished.code, kFine);
  const auto experiment =
      ParseJson<v1::Experiment>(daemon_.Anneal({"show", "first", "--output", "json"}).output);
  std::vector<int64_t> sequences;
  int epochs = 0;
  for (const std::string& line : Lines(finished.output)) {
    const auto event = ParseJson<v1::Event>(line);
    sequences.push_back(event.sequence());
    epochs += event.has_epoch() ? 1 : 0;
  }
  EXPECT_EQ(epochs, 6);
  std::vector<int64_t> expected;
  for (int64_t i = 1; i <= experiment.last_sequence(); ++i) expected.push_back(i);
  EXPECT_EQ(sequences, expected);
}

TEST_F(FollowTest, WaitIsSilentAndSucceedsWhenAllRunsSucceed) {
  daemon_.Submit("first", {"--seeds", "0..2"});
  const Finished finished = daemon_.Anneal({"wait", "first"});
  EXPECT_EQ(finished.code, kFine);
  EXPECT_EQ(finished.output + finished.errors, "");
  for (const char* run : {"first/0", "first/1", "first/2"}) {
    EXPECT_EQ(daemon_.GetRun(run).state(), v1::RUN_STATE_SUCCEEDED);
  }
}

TEST_F(FollowTest, WaitAndWatchFailUnlessAllSucceeded) {
  daemon_.RunToEnd(
      "wild", {"--set", "optimizer.kind=SGD", "--sweep", "optimizer.learning_rate=0.001,1000"});
  EXPECT_EQ(daemon_.Anneal({"wait", "wild"}).code, kFailed);
  EXPECT_EQ(daemon_.Anneal({"watch", "wild"}).code, kFailed);
  EXPECT_EQ(daemon_.Anneal({"wait", "wild/0"}).code, kFine);
  EXPECT_EQ(daemon_.Anneal({"wait", "wild/1"}).code, kFailed);
  EXPECT_THAT(daemon_.Anneal({"watch", "wild/1"}).output, HasSubstr("wild/1 FAILED: diverged"));
}

TEST_F(FollowTest, CancelStopsRunningAndWaitingRunsAndWaitNoticesIt) {
  daemon_.Submit("long", {"--set", "epochs=50000", "--seeds", "0..3"});
  ASSERT_TRUE(daemon_.WaitForEpochs("long/0", 1));
  const auto wait = daemon_.StartAnneal({"wait", "long"});
  const Finished cancelled = daemon_.Anneal({"cancel", "long/3"});
  EXPECT_EQ(cancelled.code, kFine) << cancelled.errors;
  EXPECT_THAT(cancelled.output, HasSubstr("long/3"));
  EXPECT_EQ(daemon_.GetRun("long/3").state(), v1::RUN_STATE_CANCELLED);
  EXPECT_EQ(daemon_.GetRun("long/2").state(), v1::RUN_STATE_PENDING);
  EXPECT_EQ(daemon_.Anneal({"cancel", "experiments/long"}).code, kFine);
  const auto finished = wait->Wait();
  ASSERT_TRUE(finished.has_value());
  EXPECT_EQ(finished->code, kFailed);
  const auto experiment =
      ParseJson<v1::Experiment>(daemon_.Anneal({"show", "long", "--output", "json"}).output);
  EXPECT_EQ(experiment.run_counts().cancelled(), 4);
  EXPECT_EQ(daemon_.Anneal({"cancel", "long"}).code, kFine) << "cancelling again is harmless";
}

TEST_F(FollowTest, CancelContinuesAfterAnUnknownName) {
  SubmitLong("long");
  const Finished finished = daemon_.Anneal({"cancel", "nope", "long"});
  EXPECT_EQ(finished.code, kFailed);
  EXPECT_THAT(finished.errors, HasSubstr("nope"));
  EXPECT_EQ(daemon_.Anneal({"wait", "long"}).code, kFailed);
  EXPECT_EQ(daemon_.GetRun("long/0").state(), v1::RUN_STATE_CANCELLED);
}

TEST_F(FollowTest, CtrlCDetachesAndPrintsTheReattachCommand) {
  SubmitLong("long");
  struct Case {
    std::vector<std::string> command;
    std::string come_back;
  };
  const std::vector<Case> cases = {
      {{"watch", "long"}, "anneal watch long"},
      {{"watch", "long/0"}, "anneal watch long/0"},
      {{"submit", "--like", "long/0", "--id", "more", "-f"}, "anneal watch more"}};
  ASSERT_TRUE(daemon_.WaitForEpochs("long/0", 1));
  for (const Case& one : cases) {
    const auto client = daemon_.StartAnneal(one.command);
    WaitForAnEpoch(client.get());
    client->Signal(SIGINT);
    const auto finished = client->Wait();
    ASSERT_TRUE(finished.has_value()) << one.come_back;
    EXPECT_EQ(finished->code, kDetached) << one.come_back;
    EXPECT_THAT(finished->errors, HasSubstr(one.come_back + "\n"));
  }
  const int before = daemon_.GetRun("long/0").epochs_done();
  EXPECT_TRUE(daemon_.WaitForEpochs("long/0", before + 1)) << "the run stopped";
}

TEST_F(FollowTest, CtrlCEndsWaitToo) {
  SubmitLong("long");
  ASSERT_TRUE(daemon_.WaitForEpochs("long/0", 1));
  const auto wait = daemon_.StartAnneal({"wait", "long"});
  ASSERT_TRUE(Eventually([&wait] { return HandlesInterrupts(wait->pid()); }));
  wait->Signal(SIGINT);
  const auto finished = wait->Wait();
  ASSERT_TRUE(finished.has_value());
  EXPECT_EQ(finished->code, kDetached);
  EXPECT_THAT(finished->errors, HasSubstr("anneal wait long\n"));
  EXPECT_EQ(daemon_.GetRun("long/0").state(), v1::RUN_STATE_RUNNING);
}

TEST_F(FollowTest, TheReattachCommandNamesTheSameServer) {
  SubmitLong("long");
  const ProcessOptions nowhere = {
      .environment = {{"ANNEAL_SERVER", ""}, {"XDG_STATE_HOME", daemon_.file("empty")}}};
  Process watch({ANNEAL, "--server", daemon_.address(), "watch", "long"}, nowhere);
  WaitForAnEpoch(&watch);
  watch.Signal(SIGINT);
  const auto detached = watch.Wait();
  ASSERT_TRUE(detached.has_value());
  const size_t at = detached->errors.find(kComeBack);
  ASSERT_NE(at, std::string::npos) << detached->errors;
  std::vector<std::string> command = absl::StrSplit(
      absl::StripAsciiWhitespace(detached->errors.substr(at + sizeof(kComeBack) - 1)), ' ');
  ASSERT_EQ(command[0], "anneal");
  command[0] = ANNEAL;
  EXPECT_EQ(daemon_.Anneal({"cancel", "long"}).code, kFine);
  const Finished back = RunProcess(command, nowhere);
  EXPECT_THAT(back.output, HasSubstr("long/0 CANCELLED")) << detached->errors << back.errors;
}

TEST(SilentServerTest, CtrlCEndsACommandThatWaitsForAnAnswer) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  {
    Process client(
        {ANNEAL, "--server", absl::StrCat("127.0.0.1:", ntohs(address.sin_port)), "list"});
    // After connecting, it handles signals and waits.
    const int connection = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    EXPECT_GE(connection, 0);
    client.Signal(SIGINT);
    const auto finished = client.Wait(Seconds(3));
    EXPECT_TRUE(finished.has_value()) << "Ctrl-C does nothing";
    if (finished.has_value()) {
      EXPECT_EQ(finished->code, kDetached) << finished->errors;
    }
    ::close(connection);
  }
  ::close(listener);
}

}  // namespace
}  // namespace anneal
