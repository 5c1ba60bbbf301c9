// Tests help, versions, addresses, configuration files and usage errors of both programs.

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/version.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/daemon_state.h"
#include "tests/e2e/records.h"
#include "tests/e2e/test_daemon.h"

namespace anneal {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// No server listens on port 1.
const ProcessOptions& Nowhere() {
  static const auto& options =
      *new ProcessOptions{.environment = {{"ANNEAL_SERVER", "127.0.0.1:1"}}};
  return options;
}

TEST(OptionsTest, BothProgramsPrintTheirVersion) {
  const Finished client = RunProcess({ANNEAL, "--version"});
  EXPECT_EQ(client.code, kFine);
  EXPECT_EQ(client.output, absl::StrCat("anneal ", kVersion, "\n"));
  const Finished daemon = RunProcess({ANNEALD, "--version"});
  EXPECT_EQ(daemon.code, 0);
  EXPECT_EQ(daemon.output, absl::StrCat("anneald ", kVersion, "\n"));
}

TEST(OptionsTest, BothProgramsAndEveryCommandHaveHelp) {
  const Finished daemon = RunProcess({ANNEALD, "--help"});
  EXPECT_EQ(daemon.code, 0);
  EXPECT_EQ(daemon.errors, "");
  for (const char* option :
       {"--data-dir", "--listen", "--address-file", "--workers", "--pin-workers", "--datasets",
        "--config", "--log-level", "--version"}) {
    EXPECT_THAT(daemon.output, HasSubstr(option));
  }
  const Finished client = RunProcess({ANNEAL, "--help"});
  EXPECT_EQ(client.code, kFine);
  for (const char* command : {"submit", "watch", "wait", "list", "show", "history", "theta",
                              "compare", "cancel", "presets", "server"}) {
    EXPECT_THAT(client.output, HasSubstr(command));
    const Finished help = RunProcess({ANNEAL, command, "--help"}, Nowhere());
    EXPECT_EQ(help.code, kFine) << command;
    EXPECT_THAT(help.output, AllOf(HasSubstr("Usage: "), HasSubstr("Example: "))) << command;
    EXPECT_EQ(help.errors, "") << command;
  }
}

TEST(OptionsTest, ClientUsageErrorsExitWithTwo) {
  const std::vector<std::vector<std::string>> cases = {
      {},
      {"frobnicate"},
      {"--frobnicate"},
      {"list", "--frobnicate"},
      {"list", "--output", "xml"},
      {"list", "--limit", "-1"},
      {"show"},
      {"history"},
      {"theta", "first/0", "--epoch", "x"},
      {"cancel"},
      {"wait"},
      {"submit", "--priority", "x"},
      {"submit", "extra"},
  };
  for (std::vector<std::string> arguments : cases) {
    arguments.insert(arguments.begin(), ANNEAL);
    const Finished finished = RunProcess(arguments, Nowhere());
    EXPECT_EQ(finished.code, kBadUsage) << arguments.back() << ": " << finished.errors;
    EXPECT_EQ(finished.output, "") << arguments.back();
    EXPECT_NE(finished.errors, "") << arguments.back();
  }
}

TEST(OptionsTest, AUsageErrorIsOneLine) {
  EXPECT_TRUE(IsOneLineError(RunProcess({ANNEAL, "list", "--output", "xml"}, Nowhere()), kBadUsage,
                             {"--output", "xml", "json"}));
  EXPECT_TRUE(IsOneLineError(RunProcess({ANNEAL, "list", "--frobnicate"}, Nowhere()), kBadUsage,
                             {"--frobnicate"}));
}

TEST(OptionsTest, AnUnknownCommandIsNamed) {
  EXPECT_THAT(RunProcess({ANNEAL, "frobnicate"}, Nowhere()).errors, HasSubstr("frobnicate"));
}

TEST(OptionsTest, DaemonUsageErrorsExitWithTwo) {
  const TempDirectory directory;
  std::ofstream(directory.file("bad.conf")) << "wrkers = 2\n";
  const std::vector<std::vector<std::string>> cases = {
      {"--frobnicate"},
      {"--workers", "0"},
      {"--workers", "many"},
      {"--pin-workers", "--workers", "1000"},
      {"--log-level", "loud"},
      {"extra"},
      {"--config", directory.file("missing.conf")},
      {"--config", directory.file("bad.conf")},
  };
  for (std::vector<std::string> arguments : cases) {
    const std::string last = arguments.back();
    arguments.insert(arguments.begin(),
                     {ANNEALD, "--data-dir", directory.file("data"), "--listen", "127.0.0.1:0"});
    const Finished finished = RunProcess(arguments);
    EXPECT_EQ(finished.code, 2) << last << ": " << finished.errors;
    EXPECT_EQ(finished.output, "") << last;
    EXPECT_NE(finished.errors, "") << last;
  }
}

TEST(OptionsTest, TheDaemonRejectsNonLoopbackAddresses) {
  const TempDirectory directory;
  for (const char* address : {"0.0.0.0:0", "[::]:0", "192.0.2.1:0", "nonsense"}) {
    const Finished finished =
        RunProcess({ANNEALD, "--data-dir", directory.file("data"), "--listen", address});
    EXPECT_NE(finished.code, 0) << address;
    EXPECT_EQ(finished.output, "") << address;
    EXPECT_EQ(Lines(finished.errors).size(), 1U) << finished.errors;
    EXPECT_THAT(finished.errors, AllOf(HasSubstr("--listen"), HasSubstr(address)));
  }
}

// Counts threads of a process that is limited to one CPU.
int PinnedThreads(pid_t process) {
  int pinned = 0;
  const std::string tasks = absl::StrCat("/proc/", process, "/task");
  for (const auto& task : std::filesystem::directory_iterator(tasks)) {
    for (const std::string& line : Lines(Contents(task.path().string() + "/status"))) {
      const bool one = line.find_first_of(",-", line.find(':')) == std::string::npos;
      if (absl::StartsWith(line, "Cpus_allowed_list:") && one) ++pinned;
    }
  }
  return pinned;
}

TEST(OptionsTest, PinnedWorkersHaveAProcessorEach) {
  if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "all have the same processor here";
  for (const bool pins : {false, true}) {
    const TestDaemon daemon(
        TestDaemon::Address::kTcp, 2,
        pins ? std::vector<std::string>{"--pin-workers"} : std::vector<std::string>{});
    daemon.Submit("long", {"--set", "epochs=100000", "--seeds", "0..1"});
    for (const char* run : {"long/0", "long/1"}) ASSERT_TRUE(daemon.WaitForEpochs(run, 1));
    EXPECT_EQ(PinnedThreads(daemon.pid()), pins ? 2 : 0);
    EXPECT_EQ(daemon.Anneal({"cancel", "long"}).code, kFine);
  }
}

// The daemon re-executes itself if the environment does not limit the threads of OpenBLAS.
TEST(OptionsTest, TheDaemonKeepsItsProcessNameAfterReexecution) {
  const TempDirectory directory;
  Process daemon({"/usr/bin/env", "-u", "OPENBLAS_NUM_THREADS", ANNEALD, "--data-dir",
                  directory.file("data"), "--listen", "127.0.0.1:0"});
  EXPECT_TRUE(daemon.WaitFor(
      [](const std::string& output, const std::string&) { return !output.empty(); }));
  EXPECT_EQ(Contents(absl::StrCat("/proc/", daemon.pid(), "/comm")), "anneald\n");
  EXPECT_THAT(Contents(absl::StrCat("/proc/", daemon.pid(), "/environ")),
              HasSubstr("OPENBLAS_NUM_THREADS=1"));
}

TEST(OptionsTest, TheDaemonPrintsAndWritesItsAddress) {
  TestDaemon daemon;
  EXPECT_THAT(daemon.address(), ::testing::MatchesRegex("127\\.0\\.0\\.1:[1-9][0-9]*"));
  // The file may exist shortly before the line arrives through the pipe.
  const std::string line = absl::StrCat("listening on ", daemon.address(), "\n");
  daemon.process().WaitFor(
      [&](const std::string& output, const std::string&) { return output == line; });
  EXPECT_EQ(daemon.process().output(), line);
  EXPECT_EQ(Contents(daemon.file("address")), daemon.address() + "\n");
}

TEST(OptionsTest, TheDatabaseIsAccessibleToItsOwnerOnly) {
  const TestDaemon daemon;
  struct stat info {};
  ASSERT_EQ(::stat(daemon.database().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0077, 0U);
}

TEST(OptionsTest, TheCommandLineOverridesTheConfigurationFile) {
  const TestDaemon other;  // for its data sets and its directory
  const std::string config = other.WriteFile(
      "anneald.conf",
      absl::StrCat("workers = 7\nlisten = \"127.0.0.1:0\"\ndata-dir = \"", other.file("configured"),
                   "\"\ndatasets = \"", other.datasets(), "\"\naddress-file = \"",
                   other.file("configured-address"), "\"\n"));
  for (const int workers : {7, 3}) {
    std::vector<std::string> command = {ANNEALD, "--config", config};
    if (workers != 7) command.insert(command.end(), {"--workers", absl::StrCat(workers)});
    Process daemon(command);
    ASSERT_TRUE(daemon.WaitFor([](const std::string&, const std::string& errors) {
      return errors.find("is up") != std::string::npos;
    })) << daemon.errors();
    const std::string address = Lines(Contents(other.file("configured-address"))).at(0);
    const Finished server = RunProcess({ANNEAL, "--server", address, "server", "--output", "json"});
    EXPECT_EQ(ParseJson<v1::ServerInfo>(server.output).workers(), workers);
    EXPECT_THAT(server.output, HasSubstr("tiny"));
  }
}

TEST(OptionsTest, AnUnreachableServerIsAOneLineErrorWithTheRemedy) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"list"},
                                                    {"show", "first"},
                                                    {"submit", "--preset", "baseline"},
                                                    {"watch", "first"},
                                                    {"wait", "first"},
                                                    {"cancel", "first"},
                                                    {"presets"},
                                                    {"server"}}) {
    std::vector<std::string> command = {ANNEAL};
    command.insert(command.end(), arguments.begin(), arguments.end());
    EXPECT_TRUE(IsOneLineError(RunProcess(command, Nowhere()), kFailed,
                               {"anneal: ", "127.0.0.1:1", "anneald", "--server", "ANNEAL_SERVER"}))
        << arguments[0];
  }
}

TEST(OptionsTest, TheServerFlagOverridesTheEnvironment) {
  const TestDaemon daemon;
  const Finished before =
      RunProcess({ANNEAL, "--server", daemon.address(), "presets", "-q"}, Nowhere());
  EXPECT_EQ(before.code, kFine) << before.errors;
  const Finished after =
      RunProcess({ANNEAL, "presets", "-q", "--server", daemon.address()}, Nowhere());
  EXPECT_EQ(after.code, kFine) << after.errors;
  EXPECT_EQ(after.output, before.output);
  const Finished environment = daemon.Anneal({"presets", "-q"});
  EXPECT_EQ(environment.output, before.output);
}

TEST(OptionsTest, TheClientDiscoversTheLocalDaemonsSocket) {
  const TestDaemon other;  // for its data sets and its directory
  const std::map<std::string, std::string> home = {{"XDG_STATE_HOME", other.file("state")},
                                                   {"ANNEAL_SERVER", ""}};
  const std::string socket = other.file("state/anneal/anneald.sock");
  Process daemon({ANNEALD, "--listen", "unix:" + socket, "--datasets", other.datasets()},
                 {.environment = home});
  ASSERT_TRUE(daemon.WaitFor([](const std::string&, const std::string& errors) {
    return errors.find("is up") != std::string::npos;
  })) << daemon.errors();
  const Finished finished = RunProcess({ANNEAL, "server"}, {.environment = home});
  EXPECT_EQ(finished.code, kFine) << finished.errors;
  EXPECT_THAT(finished.output, HasSubstr(socket));
}

}  // namespace
}  // namespace anneal
