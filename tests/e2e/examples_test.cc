// Runs the commands of the README's tour and of the commands' help texts.

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/records.h"
#include "tests/e2e/test_daemon.h"
#include "tests/fixtures/tiny_dataset.h"

namespace anneal {
namespace {

// Returns the commands of the README between two headings: indented lines that begin with `anneal
// `, with their continuations.
std::vector<std::string> ReadmeCommands(const std::string& from, const std::string& to) {
  std::ifstream file(README);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const size_t begin = text.find("\n" + from);
  const size_t end = text.find("\n" + to, begin);
  EXPECT_NE(begin, std::string::npos);
  EXPECT_NE(end, std::string::npos);
  std::vector<std::string> commands;
  std::string command;
  for (absl::string_view line : absl::StrSplit(text.substr(begin, end - begin), '\n')) {
    if (!absl::ConsumePrefix(&line, "    ")) continue;
    absl::StrAppend(&command, line, "\n");
    if (absl::EndsWith(line, "\\")) continue;
    if (absl::StartsWith(command, "anneal ")) commands.push_back(command);
    command.clear();
  }
  return commands;
}

// One daemon, in whose directory the commands run in order.
class ExamplesTest : public ::testing::Test {
 protected:
  // The validation split is large enough for the diagnostics.
  ExamplesTest() : anneal_(ANNEAL) {
    WriteTinyDataset(daemon_.datasets() + "/mnist",
                     {.train = 2600, .test = 50, .side = 28, .classes = 10});
  }

  Finished Type(const std::string& command) {
    return RunProcess(
        {"/usr/bin/bash", "-c", absl::StrCat("cd '", daemon_.file("."), "' && ", command)},
        {.environment = {
             {"ANNEAL_SERVER", daemon_.address()},
             {"XDG_CONFIG_HOME", daemon_.file("config")},
             {"PATH", absl::StrCat(anneal_.substr(0, anneal_.rfind('/')), ":/usr/bin:/bin")}}});
  }
  void ExpectItWorks(const std::string& command, const std::string& whose) {
    const Finished finished = Type(command);
    EXPECT_EQ(finished.code, kFine) << whose << ": " << command << "\n" << finished.errors;
  }
  std::string ExampleOf(const std::string& command) {
    const std::string help = Type(absl::StrCat("anneal ", command, " --help")).output;
    const size_t at = help.rfind("Example: ");
    EXPECT_NE(at, std::string::npos) << command << " has no example";
    return at == std::string::npos ? "" : help.substr(at + sizeof("Example: ") - 1);
  }

  TestDaemon daemon_;
  const std::string anneal_;
};

TEST_F(ExamplesTest, TheToursCommandsAndThenEveryHelpsExampleWorkWhenPasted) {
  const std::vector<std::string> tour = ReadmeCommands("## A quick tour", "### Many experiments");
  EXPECT_GT(tour.size(), 15U);
  for (const std::string& command : tour) {
    if (absl::StrContains(command, "theta.epoch=3")) {
      EXPECT_EQ(Type(command).code, kBadUsage) << "the README shows its error";
      continue;
    }
    ExpectItWorks(command, "README");
  }
  ASSERT_EQ(Type("anneal wait first").code, kFine);
  ExpectItWorks("anneal wait rates/0", "enough of it for anneal compare");
  ExpectItWorks("anneal cancel rates", "the rest of it");

  // Commands with subcommands show those.
  std::vector<std::string> commands;
  for (const std::string& command : Lines(Type("anneal __complete ''").output)) {
    const std::string inner = Type(absl::StrCat("anneal __complete ", command, " ''")).output;
    const bool is_group =
        command == "plot" || command == "export" || command == "checkpoint" || command == "context";
    if (!is_group) {
      commands.push_back(command);
      continue;
    }
    for (const std::string& one : Lines(inner)) commands.push_back(absl::StrCat(command, " ", one));
  }
  EXPECT_GT(commands.size(), 35U);
  // Commands that remove data run last.
  const std::vector<std::string> last = {"undelete", "delete", "purge", "submit"};
  for (const std::string& command : commands) {
    if (std::find(last.begin(), last.end(), command) != last.end()) continue;
    ExpectItWorks(ExampleOf(command), command);
    Type("anneal delete --force later && anneal purge later");  // frees the name
  }
  ExpectItWorks(ExampleOf("undelete"), "undelete");
  ExpectItWorks(ExampleOf("delete"), "delete");
  Type("anneal undelete first");
  ExpectItWorks(ExampleOf("purge"), "purge");
  ExpectItWorks(ExampleOf("submit"), "submit");  // reuses the freed name
}

TEST_F(ExamplesTest, TheReadmesCommandsForManyExperimentsWork) {
  ASSERT_EQ(Type("anneal submit --preset annealed --set epochs=2 --id first -f").code, kFine);
  for (const std::string& command : ReadmeCommands("### Many experiments", "### Plain SQL")) {
    if (absl::StrContains(command, "anneal watch -")) continue;  // never ends
    ExpectItWorks(command, "README");
  }
}

}  // namespace
}  // namespace anneal
