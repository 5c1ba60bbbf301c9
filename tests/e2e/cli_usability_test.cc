// Tests contexts, doctor, completion, manual pages and -v.

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/records.h"
#include "tests/e2e/test_daemon.h"

namespace anneal {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class CliUsabilityTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    daemon_ = std::make_unique<TestDaemon>();
    daemon_->RunToEnd("first", {"--seeds", "0..1"});
  }
  static void TearDownTestSuite() { daemon_.reset(); }

  // Runs the client without ANNEAL_SERVER and with its own settings.
  ProcessOptions Alone() const {
    return {.environment = {{"ANNEAL_SERVER", ""},
                            {"XDG_CONFIG_HOME", directory_.file("config")},
                            {"XDG_STATE_HOME", directory_.file("state")}}};
  }
  Finished Anneal(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), ANNEAL);
    return RunProcess(arguments, Alone());
  }

  static std::unique_ptr<TestDaemon> daemon_;
  const TempDirectory directory_;
};

std::unique_ptr<TestDaemon> CliUsabilityTest::daemon_;

TEST_F(CliUsabilityTest, AContextIsAddedUsedAndRemoved) {
  const Finished added = Anneal({"context", "add", "lab", "--server", daemon_->address()});
  EXPECT_EQ(added.code, kFine) << added.errors;
  EXPECT_THAT(added.output, HasSubstr("now the current context"));
  EXPECT_EQ(Anneal({"context", "add", "away", "--server", "127.0.0.1:1"}).code, kFine);
  EXPECT_EQ(Anneal({"list", "-q"}).output, "first\n") << "the first one is in use";
  EXPECT_THAT(Anneal({"--context", "away", "list"}).errors, HasSubstr("127.0.0.1:1"));
  EXPECT_EQ(Anneal({"context", "use", "away"}).code, kFine);
  EXPECT_EQ(Anneal({"list"}).code, kFailed);
  EXPECT_EQ(Anneal({"list", "--context", "lab", "-q"}).output, "first\n");
  EXPECT_EQ(Anneal({"--server", daemon_->address(), "list", "-q"}).output, "first\n");
  EXPECT_EQ(Anneal({"context", "list", "-q"}).output, "away\nlab\n");
  const std::vector<std::string> table = Lines(Anneal({"context", "list"}).output);
  ASSERT_EQ(table.size(), 3U);
  EXPECT_THAT(table[1], AllOf(StartsWith("*"), HasSubstr("away")));
  struct stat info {};
  ASSERT_EQ(::stat(directory_.file("config/anneal/client.textproto").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  EXPECT_EQ(Anneal({"context", "remove", "away"}).code, kFine);
  EXPECT_EQ(Anneal({"context", "list", "-q"}).output, "lab\n");
  EXPECT_THAT(Anneal({"list"}).errors, HasSubstr("127.0.0.1:7433")) << "none is in use";
  EXPECT_EQ(Anneal({"context", "use", "lab"}).code, kFine);
  EXPECT_EQ(Anneal({"context", "unuse"}).code, kFine);
  EXPECT_THAT(Anneal({"list"}).errors, HasSubstr("127.0.0.1:7433"));
}

TEST_F(CliUsabilityTest, InvalidContextsAreRejectedAndNotStored) {
  std::ofstream(directory_.file("empty.pem"));
  EXPECT_TRUE(IsOneLineError(Anneal({"context", "add", "Lab!", "--server", "a:1"}), kBadUsage,
                             {"context", "Lab!"}));
  EXPECT_TRUE(IsOneLineError(Anneal({"context", "add", "lab", "--server", "nonsense"}), kBadUsage,
                             {"--server", "nonsense", "HOST:PORT"}));
  EXPECT_TRUE(IsOneLineError(
      Anneal({"context", "add", "lab", "--server", "a:1", "--token-file", "/etc/hostname"}),
      kBadUsage, {"--token-file", "--ca"}));
  for (const std::string& file : {directory_.file("missing"), directory_.file("empty.pem")}) {
    EXPECT_TRUE(IsOneLineError(Anneal({"context", "add", "lab", "--server", "a:1", "--ca", file}),
                               kFailed, {file}));
  }
  EXPECT_TRUE(IsOneLineError(Anneal({"context", "use", "lab"}), kFailed, {"lab", "context add"}));
  EXPECT_TRUE(IsOneLineError(Anneal({"context", "remove", "lab"}), kFailed, {"lab"}));
  EXPECT_EQ(Anneal({"context", "add", "lab"}).code, kBadUsage);
  EXPECT_EQ(Anneal({"context"}).code, kBadUsage);
  EXPECT_EQ(Anneal({"context", "list", "-q"}).output, "");
}

TEST_F(CliUsabilityTest, DetachingNamesTheContext) {
  EXPECT_EQ(Anneal({"context", "add", "lab", "--server", daemon_->address()}).code, kFine);
  daemon_->Submit("long", {"--set", "epochs=50000"});
  Process watch({ANNEAL, "--context", "lab", "watch", "long"}, Alone());
  EXPECT_TRUE(watch.WaitFor([](const std::string& output, const std::string&) {
    return absl::StrContains(output, "epoch ");
  }));
  watch.Signal(SIGINT);
  const auto finished = watch.Wait();
  ASSERT_TRUE(finished.has_value());
  EXPECT_THAT(finished->errors, HasSubstr("anneal --context lab watch long\n"));
  daemon_->Anneal({"cancel", "long"});
  daemon_->Anneal({"delete", "long"});
}

TEST_F(CliUsabilityTest, DoctorReportsNoProblemsForAHealthyDaemon) {
  const Finished doctor = daemon_->Anneal({"doctor"});
  EXPECT_EQ(doctor.code, kFine) << doctor.output;
  for (const char* what : {"settings", "server", "reachable", "version", "clock", "data set"}) {
    EXPECT_THAT(Lines(doctor.output), Contains(AllOf(StartsWith("ok "), HasSubstr(what)))) << what;
  }
  EXPECT_THAT(doctor.output,
              AllOf(HasSubstr("ANNEAL_SERVER"), HasSubstr("tiny"), Not(HasSubstr("FAIL"))));
}

TEST_F(CliUsabilityTest, DoctorReportsEveryProblem) {
  const auto line_of = [](const Finished& finished, const std::string& what) {
    for (const std::string& line : Lines(finished.output)) {
      if (absl::StrContains(line, what)) return line;
    }
    return std::string();
  };
  const Finished nobody = Anneal({"doctor"});
  EXPECT_EQ(nobody.code, kFailed);
  EXPECT_THAT(line_of(nobody, "reachable"),
              AllOf(StartsWith("FAIL"), HasSubstr("127.0.0.1:7433"), HasSubstr("`anneald`")));
  EXPECT_NE(line_of(nobody, "gnuplot"), "");
  const Finished socket = Anneal({"--server", "unix:" + directory_.file("s"), "doctor"});
  EXPECT_THAT(line_of(socket, "socket"), AllOf(StartsWith("FAIL"), HasSubstr("No such file")));
  const Finished context = Anneal({"--context", "x", "doctor"});
  EXPECT_THAT(line_of(context, "server"), AllOf(StartsWith("FAIL"), HasSubstr("context add")));
  ASSERT_EQ(Anneal({"context", "add", "lab", "--server", daemon_->address()}).code, kFine);
  EXPECT_EQ(Anneal({"doctor"}).code, kFine);
  ASSERT_EQ(::chmod(directory_.file("config/anneal/client.textproto").c_str(), 0644), 0);
  const Finished open = Anneal({"doctor"});
  EXPECT_EQ(open.code, kFailed);
  EXPECT_THAT(line_of(open, "settings"), AllOf(StartsWith("FAIL"), HasSubstr("chmod 600")));
}

TEST_F(CliUsabilityTest, VerboseLogsCallsToStderrOnly) {
  const Finished quiet = daemon_->Anneal({"list"});
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"-v", "list"}, {"list", "--verbose"}}) {
    const Finished verbose = daemon_->Anneal(arguments);
    EXPECT_EQ(Lines(verbose.output).size(), Lines(quiet.output).size());
    EXPECT_THAT(verbose.errors, AllOf(HasSubstr(daemon_->address() + ", from ANNEAL_SERVER"),
                                      HasSubstr("ListExperiments: OK in ")));
  }
  EXPECT_THAT(daemon_->Anneal({"-v", "show", "nobody"}).errors,
              AllOf(HasSubstr("GetExperiment: NOT_FOUND EXPERIMENT_NOT_FOUND"),
                    HasSubstr("anneal: there is no experiment")));
  EXPECT_THAT(daemon_->Anneal({"-v", "watch", "first"}).errors, HasSubstr("WatchExperiment: OK"));
}

// Returns the candidates that a shell offers after `line`, sorted.
std::vector<std::string> Offered(const Finished& shell) {
  EXPECT_EQ(shell.code, 0) << shell.errors;
  std::vector<std::string> lines = Lines(shell.output);
  std::erase(lines, "");
  std::sort(lines.begin(), lines.end());
  return lines;
}

// Finds a program; empty if not installed.
std::string Find(const std::string& program) {
  for (const char* directory : {"/usr/bin/", "/bin/"}) {
    if (::access(absl::StrCat(directory, program).c_str(), X_OK) == 0) {
      return absl::StrCat(directory, program);
    }
  }
  return "";
}

class ShellTest : public CliUsabilityTest {
 protected:
  Finished InShell(const std::string& shell, std::vector<std::string> arguments) const {
    ProcessOptions options = Alone();
    options.environment["ANNEAL_SERVER"] = daemon_->address();
    options.environment["PATH"] = absl::StrCat(
        std::string(ANNEAL).substr(0, std::string(ANNEAL).rfind('/')), ":/usr/bin:/bin");
    options.environment["HOME"] = directory_.file("home");
    arguments.insert(arguments.begin(), shell);
    return RunProcess(arguments, options);
  }
};

TEST_F(ShellTest, BashCompletesCommandsNamesAndFields) {
  const auto after = [this](const std::string& line) {
    return Offered(InShell(Find("bash"), {"-c",
                                          "source <(anneal completion bash)\n"
                                          "compopt() { :; }\n"
                                          "COMP_LINE=$1; COMP_POINT=${#1}; _anneal\n"
                                          "printf '%s\\n' \"${COMPREPLY[@]}\"",
                                          "bash", line}));
  };
  EXPECT_THAT(after("anneal sub"), ElementsAre("submit"));
  EXPECT_THAT(after("anneal show fi"), ElementsAre("first"));
  EXPECT_THAT(after("anneal show first/"), ElementsAre("first/0", "first/1"));
  EXPECT_THAT(after("anneal history "), ElementsAre("first/"));
  EXPECT_THAT(after("anneal submit --preset trainable-s"), ElementsAre("trainable-shared"));
  // Bash keeps the text before the last =.
  EXPECT_THAT(after("anneal submit --set optimizer.kind=A"), ElementsAre("ADAM", "ADAMW"));
  EXPECT_THAT(after("anneal submit --set optimizer.ki"), ElementsAre("optimizer.kind="));
  EXPECT_THAT(after("anneal submit --file /etc/hos"), IsEmpty()) << "bash completes files itself";
}

TEST_F(ShellTest, FishCompletesCommandsNamesFieldsAndFiles) {
  ASSERT_NE(Find("fish"), "") << "deploy/install_dependencies.sh --tests installs it";
  const auto after = [this](const std::string& line) {
    return Offered(InShell(
        Find("fish"),
        {"--no-config", "-c", "anneal completion fish | source; complete -C $argv[1]", line}));
  };
  EXPECT_THAT(after("anneal sub"), ElementsAre("submit"));
  EXPECT_THAT(after("anneal show first/"), ElementsAre("first/0", "first/1"));
  EXPECT_THAT(after("anneal submit --set optimizer.kind=A"),
              ElementsAre("optimizer.kind=ADAM", "optimizer.kind=ADAMW"));
  EXPECT_THAT(after("anneal submit --file /etc/hostn"), Contains("/etc/hostname"));
}

TEST_F(ShellTest, ZshCompletesCommandsNamesAndFields) {
  ASSERT_NE(Find("zsh"), "") << "deploy/install_dependencies.sh --tests installs it";
  // Candidates are the arguments of compadd.
  const auto after = [this](const std::string& words) {
    return Offered(InShell(
        Find("zsh"), {"-f", "-c",
                      "compdef() { :; }\n"
                      "compadd() { while [[ $1 != -- ]]; do shift; done; shift; print -l -- $@ }\n"
                      "_files() { print files }\n"
                      "source <(anneal completion zsh)\n"
                      "words=(${(z)1}); [[ $1 == *' ' ]] && words+=(''); CURRENT=${#words}\n"
                      "_anneal",
                      "zsh", words}));
  };
  EXPECT_THAT(after("anneal sub"), ElementsAre("submit"));
  EXPECT_THAT(after("anneal show first/"), ElementsAre("first/0", "first/1"));
  EXPECT_THAT(after("anneal history "), ElementsAre("first/"));
  EXPECT_THAT(after("anneal submit --set optimizer.kind=A"),
              ElementsAre("optimizer.kind=ADAM", "optimizer.kind=ADAMW"));
  EXPECT_THAT(after("anneal submit --file x"), ElementsAre("files"));
}

TEST_F(ShellTest, CompletionWithoutADaemonIsQuietAndStillKnowsCommands) {
  const Finished finished = Anneal({"__complete", "show", ""});
  EXPECT_EQ(finished.code, kFine);
  EXPECT_EQ(finished.output + finished.errors, "");
  EXPECT_EQ(Anneal({"__complete", "subm"}).output, "submit\n");
  EXPECT_EQ(Anneal({"__complete"}).code, kFine);
}

TEST_F(ShellTest, EveryCommandHasAManualPageThatGroffUnderstands) {
  ASSERT_NE(Find("groff"), "") << "tests/run.sh installs it";
  const std::string out = directory_.file("man");
  ASSERT_EQ(Anneal({"man", "--out", out}).code, kFine);
  const std::vector<std::string> commands = Lines(Anneal({"__complete", ""}).output);
  EXPECT_GT(commands.size(), 25U);
  std::vector<std::string> pages = {absl::StrCat(out, "/anneal.1")};
  for (const std::string& command : commands) {
    pages.push_back(absl::StrCat(out, "/anneal-", command, ".1"));
    std::ifstream page(pages.back());
    const std::string text{std::istreambuf_iterator<char>(page), std::istreambuf_iterator<char>()};
    EXPECT_EQ(text, Anneal({"man", command}).output) << command;
  }
  for (const std::string& page : pages) {
    const Finished groff = RunProcess({Find("groff"), "-man", "-ww", "-Tutf8", "-P-cbou", page});
    EXPECT_EQ(groff.code, 0) << page;
    EXPECT_EQ(groff.errors, "") << page;
    EXPECT_THAT(groff.output, HasSubstr("SEE ALSO"));
  }
  EXPECT_EQ(Anneal({"man", "nonsense"}).code, kBadUsage);
}

}  // namespace
}  // namespace anneal
