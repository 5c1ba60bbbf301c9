// Tests the client at a terminal: live progress, and tables that fit its width.

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/records.h"
#include "tests/e2e/screen.h"
#include "tests/e2e/test_daemon.h"

namespace anneal {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::ResultOf;
using ::testing::StartsWith;

ProcessOptions Terminal(int columns = 80, int rows = 24) {
  return {.environment = {{"TERM", "xterm-256color"}},
          .terminal = true,
          .columns = columns,
          .rows = rows};
}

auto FitsIn(int columns) { return ResultOf("columns", Columns, ::testing::Le(columns)); }

class TerminalTest : public ::testing::Test {
 protected:
  // Runs that outlast every test here.
  void SubmitLong(const std::string& id, std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.end(), {"--set", "epochs=50000"});
    daemon_.Submit(id, arguments);
  }
  // Waits until the client has drawn a line that `matches`, redrawn or final.
  static ::testing::AssertionResult Draws(Process* client,
                                          const std::function<bool(const std::string&)>& matches) {
    const bool drawn = client->WaitFor([&](const std::string& output, const std::string&) {
      const Screen screen = ShowOnScreen(output);
      return std::any_of(screen.erased.begin(), screen.erased.end(), matches);
    });
    return drawn ? ::testing::AssertionSuccess()
                 : ::testing::AssertionFailure() << client->output().substr(0, 4000);
  }

  TestDaemon daemon_;
};

TEST_F(TerminalTest, LiveLinesFitEightyAndTwoHundredColumns) {
  for (const int columns : {80, 200}) {
    const std::string id = absl::StrCat("wide", columns);
    const auto client = daemon_.StartAnneal({"submit", "--file", daemon_.tiny_config(), "--id", id,
                                             "--set", "epochs=200", "--seeds", "0..2", "-f"},
                                            Terminal(columns));
    const auto finished = client->Wait();
    ASSERT_TRUE(finished.has_value());
    EXPECT_EQ(finished->code, kFine) << finished->output;
    const Screen screen = ShowOnScreen(finished->output);
    EXPECT_THAT(screen.erased, Contains(StartsWith(id + "/")));
    EXPECT_THAT(screen.erased, Contains(HasSubstr("/3 runs ended")));
    EXPECT_THAT(screen.erased, Each(FitsIn(columns - 1)));
    EXPECT_THAT(screen.lines, Each(FitsIn(columns - 1)));
    // Only the outcome of each run remains.
    std::map<std::string, int> ends;
    for (const std::string& line : screen.lines) {
      if (absl::StrContains(line, " SUCCEEDED ")) ++ends[line.substr(0, line.find(' '))];
    }
    EXPECT_EQ(ends.size(), 3U) << finished->output;
    EXPECT_EQ(screen.lines.size(), 4U) << "and the line of submit";
  }
}

TEST_F(TerminalTest, ALiveLineShowsEverythingOnAWideTerminal) {
  SubmitLong("long");
  ASSERT_TRUE(daemon_.WaitForEpochs("long/0", 10));
  const auto client = daemon_.StartAnneal({"watch", "long"}, Terminal(120));
  EXPECT_TRUE(Draws(client.get(), [](const std::string& line) {
    return ::testing::Matches(AllOf(StartsWith("RUN"), HasSubstr("EPOCH"), HasSubstr("LOSS"),
                                    HasSubstr("VAL"), HasSubstr("ACC %"), HasSubstr("θ"),
                                    HasSubstr("IMG/S"), HasSubstr("ETA")))(line);
  }));
  EXPECT_TRUE(Draws(client.get(), [](const std::string& line) {
    return absl::StartsWith(line, "long/0") && absl::StrContains(line, "╌") &&
           absl::StrContains(line, "█") && absl::StrContains(line, "▁") &&
           absl::StrContains(line, "/50000") && absl::StrContains(line, "  0.78");
  }));
  EXPECT_TRUE(Draws(client.get(), [](const std::string& line) {
    return absl::StrContains(line, "0/1 runs ended") &&
           absl::StrContains(line, "all done in about") && absl::StrContains(line, "img/s");
  }));
}

TEST_F(TerminalTest, TwoHundredRunsAreSummarisedInAFewLines) {
  SubmitLong("many", {"--seeds", "0..199"});
  ASSERT_TRUE(daemon_.WaitForEpochs("many/0", 3));
  ASSERT_TRUE(daemon_.WaitForEpochs("many/1", 3));
  const auto client = daemon_.StartAnneal({"watch", "many"}, Terminal(80, 6));
  EXPECT_TRUE(Draws(client.get(), [](const std::string& line) {
    return absl::StrContains(line, "0/200 runs ended") && absl::StrContains(line, "198 queued") &&
           absl::StrContains(line, "2 running");
  }));
  EXPECT_TRUE(Draws(client.get(), [](const std::string& line) {
    return absl::StrContains(line, "the first of these is number 1 of 198");
  }));
  EXPECT_LE(ShowOnScreen(client->output()).lines.size(), 5U) << client->output().substr(0, 2000);
  client->Resize(80, 5);  // no room for both
  EXPECT_TRUE(Draws(client.get(), [](const std::string& line) {
    return absl::StrContains(line, "2 running (1 not shown)");
  }));
}

TEST_F(TerminalTest, LiveLinesFollowTheSizeOfTheTerminal) {
  SubmitLong("long", {"--seeds", "0..3"});
  const auto client = daemon_.StartAnneal({"watch", "long"}, Terminal(200));
  EXPECT_TRUE(Draws(client.get(), [](const std::string& line) { return Columns(line) > 90; }));
  client->Resize(60, 24);
  // Ignores the number of erased lines: wide lines have wrapped.
  EXPECT_TRUE(client->WaitFor([](const std::string& output, const std::string&) {
    const std::vector<std::string> drawn =
        absl::StrSplit(absl::StrReplaceAll(output, {{"\x1b[1A\x1b[2K", ""}, {"\r", ""}}), '\n');
    return drawn.size() > 40 && std::all_of(drawn.end() - 20, drawn.end(),
                                            [](const auto& line) { return Columns(line) < 60; });
  })) << client->output().substr(0, 4000);
}

TEST_F(TerminalTest, ColourCanBeDisabled) {
  SubmitLong("long");
  ASSERT_TRUE(daemon_.WaitForEpochs("long/0", 3));
  for (const bool by_option : {true, false}) {
    ProcessOptions options = Terminal(120);
    if (!by_option) options.environment["NO_COLOR"] = "1";
    std::vector<std::string> arguments = {
        "submit", "--like", "long/0", "--set", "epochs=300", "--id", by_option ? "a" : "b", "-f"};
    if (by_option) arguments.push_back("--no-color");
    const auto finished = daemon_.StartAnneal(arguments, options)->Wait();
    ASSERT_TRUE(finished.has_value());
    EXPECT_THAT(finished->output, AllOf(HasSubstr("━"), Not(HasSubstr("\x1b[36m"))));
  }
  const auto finished =
      daemon_.StartAnneal({"submit", "--like", "a/0", "--id", "c", "-f"}, Terminal(120))->Wait();
  ASSERT_TRUE(finished.has_value());
  EXPECT_THAT(finished->output, HasSubstr("\x1b[36m━"));
}

TEST_F(TerminalTest, CtrlCDetaches) {
  SubmitLong("long");
  const auto client = daemon_.StartAnneal({"watch", "long"}, Terminal());
  EXPECT_TRUE(Draws(client.get(),
                    [](const std::string& line) { return absl::StartsWith(line, "long/0"); }));
  client->Type("\x03");
  const auto finished = client->Wait();
  ASSERT_TRUE(finished.has_value());
  EXPECT_EQ(finished->code, kDetached);
  EXPECT_THAT(finished->output, HasSubstr("anneal watch long"));
}

TEST(TerminalRestartTest, ALiveViewReconnectsWithoutDuplicates) {
  TestDaemon daemon(TestDaemon::Address::kSocket);
  daemon.Submit("first", {"--set", "epochs=400", "--seeds", "0..1"});
  const auto client = daemon.StartAnneal({"watch", "first"}, Terminal());
  EXPECT_TRUE(client->WaitFor([](const std::string& output, const std::string&) {
    return absl::StrContains(output, "img/s");
  }));
  daemon.Kill();
  EXPECT_TRUE(client->WaitFor([](const std::string& output, const std::string&) {
    return absl::StrContains(output, "reconnecting");
  }));
  daemon.Start();
  const auto finished = client->Wait();
  ASSERT_TRUE(finished.has_value());
  EXPECT_EQ(finished->code, kFine) << finished->output;
  std::vector<std::string> ends;
  for (const std::string& line : ShowOnScreen(finished->output).lines) {
    if (absl::StrContains(line, "SUCCEEDED")) ends.push_back(line.substr(0, line.find(' ')));
  }
  EXPECT_THAT(ends, ::testing::UnorderedElementsAre("first/0", "first/1"));
}

TEST_F(TerminalTest, ADumbTerminalGetsOneLinePerEpoch) {
  daemon_.RunToEnd("first");
  for (const std::map<std::string, std::string>& environment :
       {std::map<std::string, std::string>{{"TERM", "dumb"}}, {}}) {
    const auto client =
        daemon_.StartAnneal({"watch", "first"}, {.environment = environment, .terminal = true});
    const auto finished = client->Wait();
    ASSERT_TRUE(finished.has_value());
    EXPECT_EQ(finished->code, kFine);
    EXPECT_THAT(finished->output, Not(HasSubstr("\x1b")));
    for (const char* epoch : {"epoch   1/3", "epoch   2/3", "epoch   3/3"}) {
      EXPECT_THAT(finished->output, HasSubstr(epoch));
    }
  }
}

TEST_F(TerminalTest, TablesFitTheTerminalAndNameOmittedColumns) {
  daemon_.RunToEnd("first", {"--seeds", "0..1", "--note", std::string(200, 'n')});
  SubmitLong("busy", {"--seeds", "0..3"});
  const std::vector<std::vector<std::string>> tables = {{"list"},
                                                        {"list", "first"},
                                                        {"history", "first/0"},
                                                        {"compare", "first", "busy"},
                                                        {"queue"},
                                                        {"checkpoint", "list", "first/0"},
                                                        {"presets"},
                                                        {"theta", "first/0"}};
  for (const std::vector<std::string>& table : tables) {
    for (const int columns : {80, 200}) {
      const auto client = daemon_.StartAnneal(table, Terminal(columns));
      const auto finished = client->Wait();
      ASSERT_TRUE(finished.has_value());
      EXPECT_EQ(finished->code, kFine) << finished->output;
      std::vector<std::string> lines = ShowOnScreen(finished->output).lines;
      std::erase_if(lines, [](const std::string& line) {
        return line.starts_with("(columns that do not fit");
      });
      EXPECT_THAT(lines, Not(IsEmpty()));
      EXPECT_THAT(lines, Each(FitsIn(columns))) << table[0] << " in " << columns;
    }
    // Output to a pipe is complete.
    EXPECT_THAT(daemon_.Anneal(table).errors, Not(HasSubstr("do not fit"))) << table[0];
  }
  const auto narrow = daemon_.StartAnneal({"list", "first"}, Terminal(80))->Wait();
  ASSERT_TRUE(narrow.has_value());
  EXPECT_THAT(narrow->output, AllOf(HasSubstr("columns that do not fit"), HasSubstr("elapsed"),
                                    HasSubstr("--columns"), Not(HasSubstr("  TIME"))));
  const auto chosen =
      daemon_.StartAnneal({"list", "first", "--columns", "name,elapsed"}, Terminal(80))->Wait();
  ASSERT_TRUE(chosen.has_value());
  EXPECT_THAT(chosen->output, AllOf(HasSubstr("TIME"), Not(HasSubstr("do not fit"))));
}

TEST_F(TerminalTest, RedrawsAtMostTenTimesASecond) {
  SubmitLong("long", {"--seeds", "0..1"});
  const auto client = daemon_.StartAnneal({"watch", "long"}, Terminal());
  const auto frames = [&client] {
    const std::vector<std::string> erased = ShowOnScreen(client->output()).erased;
    return std::count_if(erased.begin(), erased.end(), [](const std::string& line) {
      return absl::StrContains(line, "runs ended");
    });
  };
  EXPECT_TRUE(Draws(client.get(),
                    [](const std::string& line) { return absl::StartsWith(line, "long/1"); }));
  const auto begin = std::chrono::steady_clock::now();
  const auto before = frames();
  const int epochs = daemon_.GetRun("long/0").epochs_done();
  EXPECT_TRUE(daemon_.WaitForEpochs("long/0", epochs + 300));
  const Seconds elapsed = std::chrono::steady_clock::now() - begin;
  EXPECT_LE(static_cast<double>(frames() - before), 10 * elapsed.count() + 2);
}

}  // namespace
}  // namespace anneal
