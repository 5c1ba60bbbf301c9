// Tests anneal submit: sources of configs, refusals, and output.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/config/text.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "tests/e2e/records.h"
#include "tests/e2e/test_daemon.h"

namespace anneal {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

constexpr char kLayers[] =
    R"(network.layers=[{"conv":{"filters":4,"kernel":3,"pool":"POOL_MAX","pool_size":2}}])";

class SubmitTest : public ::testing::Test {
 protected:
  // Returns the expanded submission from a dry run.
  v1::Experiment Preview(std::vector<std::string> arguments, const std::string& input = "") {
    arguments.insert(arguments.begin(), "submit");
    arguments.insert(arguments.end(), {"--dry-run", "--output", "json"});
    const Finished finished = daemon_.Anneal(arguments, {.input = input});
    EXPECT_EQ(finished.code, kFine) << finished.errors;
    return ParseJson<v1::Experiment>(finished.output);
  }

  TestDaemon daemon_;
};

TEST_F(SubmitTest, RunsAPresetOnTheGivenDataSet) {
  const Finished finished =
      daemon_.Anneal({"submit", "--preset", "annealed", "--set", "dataset.name=tiny", "--set",
                      kLayers, "--set", "epochs=2", "--id", "first", "-f"});
  EXPECT_EQ(finished.code, kFine) << finished.errors;
  EXPECT_EQ(Lines(finished.output).size(), 1U) << finished.output;
  EXPECT_THAT(finished.output, HasSubstr("first"));
  EXPECT_THAT(finished.errors, HasSubstr("first/0"));
  const v1::Run run = daemon_.GetRun("first/0");
  EXPECT_EQ(run.state(), v1::RUN_STATE_SUCCEEDED);
  EXPECT_EQ(run.epochs_done(), 2);
  EXPECT_EQ(run.config().dataset().name(), "tiny");
  EXPECT_EQ(run.config().theta().policy(), v1::THETA_POLICY_SCHEDULED);
  const auto experiment =
      ParseJson<v1::Experiment>(daemon_.Anneal({"show", "first", "--output", "json"}).output);
  EXPECT_EQ(experiment.preset(), "annealed");
}

TEST_F(SubmitTest, AcceptsPrintedPresetsInBothFormats) {
  const std::vector<std::string> presets = Lines(daemon_.Anneal({"presets", "-q"}).output);
  ASSERT_THAT(presets, ::testing::IsSupersetOf(
                           {"baseline", "annealed", "trainable-shared", "trainable-per-neuron"}));
  for (const std::string& preset : presets) {
    const std::string text = daemon_.Anneal({"presets", "show", preset}).output;
    const std::string json = daemon_.Anneal({"presets", "show", preset, "--output", "json"}).output;
    const auto config = config::ParseConfig(text);
    ASSERT_TRUE(config.ok()) << config.status();
    const v1::Experiment from_text =
        Preview({"--file", daemon_.WriteFile(preset + ".textproto", text)});
    const v1::Experiment from_json = Preview({"--file", daemon_.WriteFile(preset + ".json", json)});
    EXPECT_TRUE(MessageDifferencer::Equals(from_text.config(), *config)) << preset;
    EXPECT_TRUE(MessageDifferencer::Equals(from_json.config(), *config)) << preset;
  }
}

TEST_F(SubmitTest, ReadsAConfigFromStdin) {
  const v1::Experiment experiment =
      Preview({"--file", "-"},
              "dataset { name: \"tiny\" } epochs: 7 network { layers { dense { "
              "units: 3 } } }");
  EXPECT_EQ(experiment.config().epochs(), 7);
  EXPECT_EQ(experiment.config().network().layers(0).dense().units(), 3);
}

TEST_F(SubmitTest, StartsFromTheConfigOfAnEarlierRun) {
  daemon_.RunToEnd("first", {"--set", "epochs=2", "--set", "optimizer.learning_rate=0.0123"});
  const Finished finished =
      daemon_.Anneal({"submit", "--like", "first/0", "--set", "epochs=3", "--id", "second", "-f"});
  ASSERT_EQ(finished.code, kFine) << finished.errors;
  v1::Run first = daemon_.GetRun("first/0");
  const v1::Run second = daemon_.GetRun("second/0");
  EXPECT_EQ(second.config().epochs(), 3);
  first.mutable_config()->set_epochs(3);
  EXPECT_TRUE(MessageDifferencer::Equals(first.config(), second.config()))
      << second.config().DebugString();
}

TEST_F(SubmitTest, SetsFieldsOfEveryTypeAndTheLastOneWins) {
  const v1::Experiment experiment =
      Preview({"--file", daemon_.tiny_config(), "--set", "epochs=5", "--set", "epochs=6", "--set",
               "theta.start=pi/8", "--set", "optimizer.kind=sgd", "--set", "optimizer.momentum=0.5",
               "--set", "optimizer.nesterov=true", "--set", "network.layers.0.conv.filters=8"});
  EXPECT_EQ(experiment.config().epochs(), 6);
  EXPECT_DOUBLE_EQ(experiment.config().theta().start(), 0.39269908169872414);
  EXPECT_EQ(experiment.config().optimizer().kind(), v1::OPTIMIZER_KIND_SGD);
  EXPECT_TRUE(experiment.config().optimizer().nesterov());
  EXPECT_EQ(experiment.config().network().layers(0).conv().filters(), 8);
}

TEST_F(SubmitTest, MakesARunForEveryCellAndSeedWithTheSeedFastest) {
  daemon_.RunToEnd("grid", {"--set", "epochs=2", "--sweep", "batch_size=16,32", "--sweep",
                            "optimizer.learning_rate=0.01,0.02", "--seeds", "4..5"});
  const auto runs =
      ParseJsonList<v1::Run>(daemon_.Anneal({"list", "grid", "--output", "json"}).output);
  ASSERT_EQ(runs.size(), 8U);
  const std::vector<std::string> sizes = {"16", "16", "16", "16", "32", "32", "32", "32"};
  const std::vector<std::string> rates = {"0.01", "0.01", "0.02", "0.02",
                                          "0.01", "0.01", "0.02", "0.02"};
  for (size_t i = 0; i < runs.size(); ++i) {
    EXPECT_EQ(runs[i].name(), "experiments/grid/runs/" + std::to_string(i));
    EXPECT_EQ(runs[i].seed(), i % 2 == 0 ? 4 : 5);
    EXPECT_EQ(runs[i].parameters().at("batch_size"), sizes[i]);
    EXPECT_EQ(runs[i].parameters().at("optimizer.learning_rate"), rates[i]);
    EXPECT_EQ(runs[i].state(), v1::RUN_STATE_SUCCEEDED);
  }
  EXPECT_EQ(daemon_.GetRun("grid/2").config().optimizer().learning_rate(), 0.02);
  EXPECT_EQ(daemon_.GetRun("grid/6").config().batch_size(), 32);
}

TEST_F(SubmitTest, ADryRunShowsTheNetworkAndStoresNothing) {
  const Finished finished =
      daemon_.Anneal({"submit", "--file", daemon_.tiny_config(), "--seeds", "0..2", "--sweep",
                      "batch_size=16,32", "--id", "first", "--dry-run"});
  EXPECT_EQ(finished.code, kFine) << finished.errors;
  EXPECT_THAT(finished.output, HasSubstr("6 runs"));
  EXPECT_THAT(finished.output, HasSubstr("conv 4@3x3, max-pool 2"));
  EXPECT_THAT(finished.output, HasSubstr("name: \"tiny\""));
  EXPECT_EQ(daemon_.Anneal({"list", "-q"}).output, "");
}

TEST_F(SubmitTest, AQuietDryRunPrintsAtMostOneLine) {
  const Finished finished =
      daemon_.Anneal({"submit", "--file", daemon_.tiny_config(), "--dry-run", "-q"});
  EXPECT_EQ(finished.code, kFine) << finished.errors;
  EXPECT_LE(Lines(finished.output).size(), 1U) << finished.output;
}

TEST_F(SubmitTest, QuietPrintsOnlyANameThatOtherCommandsAccept) {
  const Finished finished =
      daemon_.Anneal({"submit", "--file", daemon_.tiny_config(), "-q", "--set", "epochs=2"});
  ASSERT_EQ(finished.code, kFine) << finished.errors;
  ASSERT_THAT(Lines(finished.output), ElementsAre(MatchesRegex("[a-z0-9][a-z0-9-]*")));
  EXPECT_EQ(finished.errors, "");
  const std::string name = Lines(finished.output)[0];
  EXPECT_EQ(daemon_.Anneal({"wait", name}).code, kFine);
  EXPECT_EQ(daemon_.Anneal({"list", "-q"}).output, name + "\n");
}

TEST_F(SubmitTest, QuietFollowPrintsOnlyTheName) {
  const Finished finished = daemon_.Anneal({"submit", "--file", daemon_.tiny_config(), "-q", "-f"});
  EXPECT_EQ(finished.code, kFine);
  EXPECT_EQ(Lines(finished.output).size(), 1U) << finished.output;
  EXPECT_EQ(finished.errors, "");
}

TEST_F(SubmitTest, PrintsTheExperimentAsJson) {
  const Finished finished = daemon_.Anneal(
      {"submit", "--file", daemon_.tiny_config(), "--id", "first", "--seeds", "1,5", "--label",
       "owner=ada", "--note", "a \"note\", and more", "--priority", "7", "--output", "json"});
  ASSERT_EQ(finished.code, kFine) << finished.errors;
  const auto experiment = ParseJson<v1::Experiment>(finished.output);
  EXPECT_EQ(experiment.name(), "experiments/first");
  EXPECT_THAT(experiment.seeds(), ElementsAre(1, 5));
  EXPECT_EQ(experiment.labels().at("owner"), "ada");
  EXPECT_EQ(experiment.note(), "a \"note\", and more");
  EXPECT_EQ(experiment.priority(), 7);
  EXPECT_EQ(experiment.run_counts().total(), 2);
}

TEST_F(SubmitTest, PrintsTheExperimentAsCsv) {
  const Finished finished = daemon_.Anneal(
      {"submit", "--file", daemon_.tiny_config(), "--id", "first", "--output", "csv"});
  ASSERT_EQ(finished.code, kFine) << finished.errors;
  const Csv csv = ParseCsv(finished.output);
  EXPECT_EQ(csv.rows.size(), 1U) << finished.output;
  EXPECT_EQ(csv.Cell(0, "name"), "experiments/first");
}

TEST_F(SubmitTest, FollowingAFailingRunFails) {
  const Finished finished =
      daemon_.Anneal({"submit", "--file", daemon_.tiny_config(), "--set", "optimizer.kind=SGD",
                      "--set", "optimizer.learning_rate=1000", "--id", "wild", "-f"});
  EXPECT_EQ(finished.code, kFailed);
  EXPECT_THAT(finished.errors, HasSubstr("wild/0 FAILED: diverged"));
  EXPECT_THAT(finished.errors, HasSubstr("optimizer.learning_rate"));
}

TEST_F(SubmitTest, SendingTheSameRequestAgainIsHarmless) {
  const std::vector<std::string> submit = {"submit",       "--file", daemon_.tiny_config(),
                                           "--request-id", "key-1",  "-q"};
  const Finished first = daemon_.Anneal(submit);
  const Finished again = daemon_.Anneal(submit);
  EXPECT_EQ(again.code, kFine);
  EXPECT_EQ(first.output, again.output);
  EXPECT_EQ(daemon_.Anneal({"list", "-q"}).output, first.output);
  const Finished other = daemon_.Anneal(
      {"submit", "--file", daemon_.tiny_config(), "--request-id", "key-1", "--set", "epochs=9"});
  EXPECT_TRUE(IsOneLineError(other, kFailed, {"--request-id"}));
}

TEST_F(SubmitTest, ATakenNameIsRefused) {
  daemon_.Submit("first");
  EXPECT_TRUE(
      IsOneLineError(daemon_.Anneal({"submit", "--file", daemon_.tiny_config(), "--id", "first"}),
                     kFailed, {"anneal: ", "\"first\"", "choose another id"}));
}

TEST_F(SubmitTest, AnInvalidConfigIsRejectedWithFieldValueAndRange) {
  struct Case {
    std::vector<std::string> arguments;
    std::vector<std::string> words;
  };
  const std::vector<Case> cases = {
      {{"--set", "epohcs=3"}, {"epohcs", "epochs"}},
      {{"--set", "theta.polcy=FIXED"}, {"theta.polcy", "theta.policy"}},
      {{"--set", "optimizer.learning_rat=1"},
       {"optimizer.learning_rat ", "optimizer.learning_rate"}},
      {{"--sweep", "batchsize=1,2"}, {"batchsize", "batch_size"}},
      {{"--set", "epochs=abc"}, {"epochs", "\"abc\"", "whole number"}},
      {{"--set", "epochs=1.5"}, {"epochs", "1.5"}},
      {{"--set", "epochs=0"}, {"epochs is 0", "1..100000"}},
      {{"--set", "theta.policy=BENT"}, {"theta.policy", "BENT", "TRAINABLE"}},
      {{"--set", "theta.start=1"}, {"theta.start is 1", "pi/4"}},
      {{"--set", "optimizer.learning_rate=nan"}, {"optimizer.learning_rate"}},
      {{"--set", "network.layers.0.conv.kernel=13"}, {"kernel", "13", "12"}},
      {{"--set", "dataset.name=nope"}, {"dataset.name", "\"nope\"", "tiny"}},
      {{"--set", "dataset.name=../tiny"}, {"dataset.name", "../tiny"}},
      {{"--sweep", "theta.start=0.1,9"}, {"theta.start is 9", "pi/4"}},
      {{"--sweep", "epochs"}, {"--sweep", "\"epochs\"", "="}},
      {{"--set", "epochs"}, {"--set", "\"epochs\"", "="}},
      {{"--label", "owner"}, {"--label", "\"owner\"", "="}},
      {{"--seeds", "3..1"}, {"--seeds", "3..1"}},
      {{"--seeds", "1,1"}, {"seeds", "1"}},
      {{"--seeds", "0..10000"}, {"--seeds", "10000"}},
      {{"--id", "First"}, {"First", "a-z"}},
      {{"--id", "../x"}, {"../x"}},
  };
  for (const Case& bad : cases) {
    std::vector<std::string> arguments = {"submit", "--file", daemon_.tiny_config()};
    arguments.insert(arguments.end(), bad.arguments.begin(), bad.arguments.end());
    EXPECT_TRUE(IsOneLineError(daemon_.Anneal(arguments), kBadUsage, bad.words))
        << bad.arguments[0] << " " << bad.arguments[1];
  }
  EXPECT_EQ(daemon_.Anneal({"list", "-q"}).output, "");
}

TEST_F(SubmitTest, AnInvalidConfigFileIsRejectedWithFieldOrPosition) {
  struct Case {
    std::string text;
    std::vector<std::string> words;
  };
  const std::vector<Case> cases = {
      {"epochs: 1\nfoo: 3\n", {"line 2", "foo"}},
      {"epochs: \"x\"", {"line 1"}},
      {R"({"epochs": 1, "datset": {}})", {"datset"}},
      {R"({"epochs": "x"})", {"epochs", "x"}},
      {R"({"epochs": )", {"JSON"}},
  };
  for (const Case& bad : cases) {
    const Finished finished = daemon_.Anneal({"submit", "--file", "-"}, {.input = bad.text});
    EXPECT_TRUE(IsOneLineError(finished, kBadUsage, bad.words)) << bad.text;
  }
  EXPECT_TRUE(IsOneLineError(daemon_.Anneal({"submit", "--file", "/nowhere/x"}), kBadUsage,
                             {"--file", "/nowhere/x"}));
  EXPECT_EQ(daemon_.Anneal({"list", "-q"}).output, "");
}

TEST_F(SubmitTest, EveryViolationIsReportedOnItsOwnLine) {
  const Finished finished =
      daemon_.Anneal({"submit", "--file", daemon_.tiny_config(), "--set", "epochs=0", "--set",
                      "batch_size=-1", "--set", "optimizer.learning_rate=0"});
  EXPECT_EQ(finished.code, kBadUsage);
  EXPECT_THAT(Lines(finished.errors), ::testing::UnorderedElementsAre(
                                          HasSubstr("epochs is 0"), HasSubstr("batch_size is -1"),
                                          HasSubstr("optimizer.learning_rate is 0")));
}

TEST_F(SubmitTest, AnOptionThatCannotBeParsedHidesNoOtherViolation) {
  const Finished finished = daemon_.Anneal(
      {"submit", "--file", daemon_.tiny_config(), "--set", "epochs=many", "--set", "batch_size=-1",
       "--set", "theta", "--seeds", "1,1", "--priority", "5000", "--id", "Bad"});
  EXPECT_EQ(finished.code, kBadUsage);
  EXPECT_THAT(
      Lines(finished.errors),
      ::testing::ElementsAre(HasSubstr("epochs is \"many\""), HasSubstr("--set is \"theta\""),
                             HasSubstr("batch_size is -1"), HasSubstr("--seeds has 1 twice"),
                             HasSubstr("--priority is 5000"), HasSubstr("--id is \"Bad\"")));
  EXPECT_EQ(daemon_.Anneal({"list", "-q"}).output, "");
}

TEST_F(SubmitTest, ErrorsOfAFileNameTheOptionAndTheField) {
  const auto error_of = [&](const std::string& text) {
    return daemon_.Anneal({"submit", "--file", "-"}, {.input = text}).errors;
  };
  EXPECT_THAT(error_of("epochs: 1 theta { stort: 1 }"),
              HasSubstr("--file is not a config in text format: line 1, column 24: \"stort\" is an "
                        "unknown field"));
  EXPECT_THAT(error_of(R"({"theta": {"stort": 1}})"),
              HasSubstr("--file is not a config in JSON: theta.stort is an unknown field"));
  EXPECT_THAT(daemon_.Anneal({"submit", "--like", "first"}).errors,
              HasSubstr("--like is \"first\"; expected a run, such as first/0"));
}

TEST_F(SubmitTest, OneSourceOfAConfigIsEnough) {
  const Finished finished =
      daemon_.Anneal({"submit", "--preset", "annealed", "--file", daemon_.tiny_config()});
  EXPECT_EQ(finished.code, kBadUsage);
  EXPECT_THAT(finished.errors, HasSubstr("--preset"));
  EXPECT_THAT(finished.errors, HasSubstr("--file"));
  EXPECT_EQ(daemon_.Anneal({"list", "-q"}).output, "");
}

TEST_F(SubmitTest, AnUnknownPresetListsTheAvailableOnes) {
  EXPECT_TRUE(IsOneLineError(daemon_.Anneal({"submit", "--preset", "nope"}), kFailed,
                             {"\"nope\"", "baseline", "annealed"}));
}

}  // namespace
}  // namespace anneal
