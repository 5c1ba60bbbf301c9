// Tests `anneal diff`, and the command that an experiment records, as users type them.

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/records.h"
#include "tests/e2e/test_daemon.h"

namespace anneal {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class DiffTest : public ::testing::Test {
 protected:
  Finished Anneal(const std::vector<std::string>& arguments) const {
    return daemon_.Anneal(arguments);
  }
  std::string Output(const std::vector<std::string>& arguments) const {
    const Finished finished = Anneal(arguments);
    EXPECT_EQ(finished.code, kFine) << arguments[0] << ": " << finished.errors;
    return finished.output;
  }
  v1::Experiment Experiment(const std::string& name) const {
    return ParseJson<v1::Experiment>(Output({"show", name, "-o", "json"}));
  }

  TestDaemon daemon_;
};

TEST_F(DiffTest, RunsDifferInConfigSeedAndWeights) {
  daemon_.RunToEnd("e", {"--seeds", "1,2", "--sweep", "epochs=2,3"});
  EXPECT_EQ(
      Output({"diff", "e/0", "e/1", "-o", "csv"}),
      absl::StrCat("field,a,b\nseed,1,2\nweights_sha256,", daemon_.GetRun("e/0").weights_sha256(),
                   ",", daemon_.GetRun("e/1").weights_sha256(), "\n"));
  EXPECT_EQ(Output({"diff", "e/0", "e/2", "-q"}), "epochs\nweights_sha256\n");
  EXPECT_EQ(Output({"diff", "e/0", "e/0"}), "no differences\n");
  EXPECT_EQ(Output({"diff", "e/0", "e/0", "-o", "json"}), "[\n]\n");
  EXPECT_EQ(Output({"diff", "e/0", "e/0", "-o", "csv"}), "field,a,b\n");
  const std::string table = Output({"diff", "e/0", "experiments/e/runs/3"});
  EXPECT_THAT(table, HasSubstr("FIELD           e/0"));
  EXPECT_THAT(table, HasSubstr("epochs          2 "));
  EXPECT_THAT(table, Not(HasSubstr("provenance"))) << "the same build on the same machine";
}

TEST_F(DiffTest, SweptFieldsCompareByTheirValues) {
  daemon_.RunToEnd("swept", {"--sweep", "optimizer.learning_rate=1e-3,1e-2"});
  daemon_.RunToEnd("set", {"--set", "optimizer.learning_rate=0.01"});
  EXPECT_EQ(Output({"diff", "swept", "set/0", "-o", "csv"}),
            "field,a,b\noptimizer.learning_rate,\"0.001,0.01\",0.01\n");
  daemon_.RunToEnd("single", {"--sweep", "optimizer.learning_rate=1e-2"});
  EXPECT_EQ(Output({"diff", "set", "single", "-q"}), "submit_command\n");
}

TEST_F(DiffTest, PresetsCompareToAll) {
  EXPECT_THAT(Output({"diff", "baseline", "presets/annealed"}), HasSubstr("theta.policy"));
  daemon_.RunToEnd("e");
  const std::string json = Output({"diff", "e/0", "annealed", "-o", "json"});
  EXPECT_THAT(json, HasSubstr(R"({"field":"dataset.name","a":"tiny","b":"mnist"})"));
  EXPECT_THAT(json, HasSubstr("\"field\":\"network.layers\"")) << "lists are compared whole";
  EXPECT_THAT(json, Not(HasSubstr("weights_sha256"))) << "presets have none";

  daemon_.RunToEnd("annealed");
  const Finished both = Anneal({"diff", "annealed", "presets/annealed"});
  EXPECT_THAT(both.output, HasSubstr("tiny")) << "the experiment, not the preset";
  EXPECT_THAT(both.errors, HasSubstr("presets/annealed"));
  EXPECT_TRUE(IsOneLineError(Anneal({"diff", "none", "e"}), kFailed, {"none", "preset"}));
  EXPECT_TRUE(IsOneLineError(Anneal({"diff", "e/7", "e"}), kFailed, {"e/7"}));
  EXPECT_EQ(Anneal({"diff", "e"}).code, kBadUsage);
}

TEST_F(DiffTest, TheCommandOfASubmissionRepeatsItInAShell) {
  const std::string note = "it's\na \"b\" \\ $HOME";
  daemon_.Submit("first", {"--note", note, "--label", "who=a b"});
  std::string command = Experiment("first").submit_command();
  EXPECT_TRUE(absl::StartsWith(command, "anneal submit ")) << command;
  EXPECT_THAT(command, Not(HasSubstr("\n")));
  command = absl::StrReplaceAll(command, {{"--id first", "--id second"}});
  const std::string anneal = ANNEAL;
  const std::string path = anneal.substr(0, anneal.rfind('/'));
  const Finished repeated =
      RunProcess({"/usr/bin/bash", "-c", absl::StrCat("PATH='", path, "'; ", command)},
                 {.environment = {{"ANNEAL_SERVER", daemon_.address()}}});
  ASSERT_EQ(repeated.code, kFine) << repeated.errors;
  EXPECT_EQ(Experiment("second").note(), note);
  EXPECT_EQ(Experiment("second").labels().at("who"), "a b");
  EXPECT_EQ(Experiment("second").submit_command(), command);
}

TEST_F(DiffTest, ALongCommandIsCutBetweenCharacters) {
  std::string value;
  for (int i = 0; i < 125; ++i) value += "θ";
  std::vector<std::string> labels;
  for (int i = 0; i < 40; ++i) {
    labels.insert(labels.end(), {"--label", absl::StrCat("l", i, "=", value)});
  }
  // In one of the two the limit is inside of a character.
  for (const char* note : {"x", "xy"}) {
    std::vector<std::string> arguments = labels;
    arguments.insert(arguments.begin(), {"--note", note});
    daemon_.Submit(note, arguments);
    const std::string command = Experiment(note).submit_command();
    EXPECT_LE(command.size(), 8192U);
    EXPECT_GE(command.size(), 8191U);
  }
}

TEST_F(DiffTest, ARequestIdIsOfTheExperimentNotOfTheCommand) {
  const std::vector<std::string> plain = {
      "submit", "--file", daemon_.tiny_config(), "--id", "e", "--request-id", "key-1", "-q"};
  EXPECT_EQ(Output(plain), "e\n");
  std::vector<std::string> followed = plain;
  followed.push_back("-f");
  EXPECT_EQ(Output(followed), "e\n");
}

}  // namespace
}  // namespace anneal
