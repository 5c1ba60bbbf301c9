// Tests the output of list, show, history, theta, compare, presets and server in every format.

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "tests/e2e/records.h"
#include "tests/e2e/test_daemon.h"

namespace anneal {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::util::MessageDifferencer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// One daemon for all tests: `first` has two seeds of three epochs, `channels` a trainable theta for
// each of 4 channels, `wild` failed, and `sweep` swept over five fields.
class QueryTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    daemon_ = std::make_unique<TestDaemon>();
    daemon_->RunToEnd("first", {"--seeds", "0..1"});
    daemon_->RunToEnd("channels",
                      {"--set", "theta.policy=TRAINABLE", "--set", "theta.granularity=CHANNEL",
                       "--set", "theta.learning_rate=0.1", "--set", "epochs=2"});
    daemon_->RunToEnd("wild",
                      {"--set", "optimizer.kind=SGD", "--set", "optimizer.learning_rate=1000"});
    daemon_->RunToEnd("sweep", {"--set",   "epochs=2",
                                "--sweep", "batch_size=16,32",
                                "--sweep", "regularizer.l1=0",
                                "--sweep", "regularizer.l2=0",
                                "--sweep", "optimizer.beta1=0.8",
                                "--sweep", "optimizer.beta2=0.9",
                                "--label", "owner=ada",
                                "--label", "b=2",
                                "--label", "c=3",
                                "--label", "d=4"});
  }
  static void TearDownTestSuite() { daemon_.reset(); }

  static Finished Anneal(const std::vector<std::string>& arguments) {
    return daemon_->Anneal(arguments);
  }
  static std::string Print(std::vector<std::string> arguments, const std::string& output) {
    arguments.insert(arguments.end(), {"--output", output});
    const Finished finished = Anneal(arguments);
    EXPECT_EQ(finished.code, kFine)
        << arguments[0] << " --output " << output << ": " << finished.errors;
    EXPECT_EQ(finished.errors, "");
    return finished.output;
  }

  // All commands that print lists.
  static std::vector<std::vector<std::string>> Lists() {
    return {{"list"},
            {"list", "first"},
            {"history", "first/0"},
            {"theta", "first/0"},
            {"compare", "first", "sweep"},
            {"presets"},
            {"list", "sweep"},
            {"list", "wild"}};
  }

  static std::unique_ptr<TestDaemon> daemon_;
};

std::unique_ptr<TestDaemon> QueryTest::daemon_;

TEST_F(QueryTest, ListShowsExperimentsNewestFirst) {
  EXPECT_EQ(Anneal({"list", "-q"}).output, "sweep\nwild\nchannels\nfirst\n");
  const std::vector<std::string> lines = Lines(Print({"list"}, "table"));
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_THAT(lines[2], HasSubstr("wild"));
  EXPECT_THAT(lines[2], HasSubstr("FAILED"));
  EXPECT_THAT(lines[4], HasSubstr("first"));
  EXPECT_THAT(lines[4], HasSubstr("SUCCEEDED"));
  EXPECT_THAT(lines[4], HasSubstr("2/2"));
}

TEST_F(QueryTest, ListShowsTheRunsOfAnExperimentWithTheMetricsAskedFor) {
  EXPECT_THAT(Print({"list", "first"}, "table"), Not(HasSubstr("TEST")))
      << "test results are asked for by name";
  const std::vector<std::string> lines =
      Lines(Print({"list", "first", "--columns", "name,epochs,test_accuracy,validation_accuracy"},
                  "table"));
  ASSERT_EQ(lines.size(), 3U);
  for (size_t i = 0; i < 2; ++i) {
    const v1::Run run = daemon_->GetRun(absl::StrCat("first/", i));
    EXPECT_THAT(lines[i + 1], HasSubstr(absl::StrCat("first/", i)));
    EXPECT_THAT(lines[i + 1], HasSubstr("3/3"));
    ASSERT_EQ(run.test_results_size(), 2);
    char accuracy[32];
    std::snprintf(accuracy, sizeof(accuracy), "%.2f", 100 * run.test_results(0).accuracy());
    EXPECT_THAT(lines[i + 1], HasSubstr(accuracy));
    std::snprintf(accuracy, sizeof(accuracy), "%.2f", 100 * run.last_epoch().validation_accuracy());
    EXPECT_THAT(lines[i + 1], HasSubstr(accuracy));
  }
}

TEST_F(QueryTest, ShortAndFullNamesAreTheSame) {
  const std::vector<std::vector<std::string>> commands = {
      {"list", "first"},    {"show", "first"},  {"show", "first/0"}, {"history", "first/0"},
      {"theta", "first/0"}, {"watch", "first"}, {"compare", "first"}};
  for (const std::vector<std::string>& command : commands) {
    const std::string full =
        absl::StrContains(command[1], '/') ? "experiments/first/runs/0" : "experiments/first";
    const Finished with_short = Anneal(command);
    const Finished with_full = Anneal({command[0], full});
    EXPECT_EQ(with_full.code, kFine) << command[0] << ": " << with_full.errors;
    EXPECT_EQ(with_full.output, with_short.output) << command[0];
    EXPECT_NE(with_full.output, "") << command[0];
  }
}

TEST_F(QueryTest, JsonOfEveryListIsAnArrayOfItsMessages) {
  EXPECT_EQ(ParseJsonList<v1::Experiment>(Print({"list"}, "json")).size(), 4U);
  EXPECT_EQ(ParseJsonList<v1::Run>(Print({"list", "first"}, "json")).size(), 2U);
  EXPECT_EQ(ParseJsonList<v1::Epoch>(Print({"history", "first/0"}, "json")).size(), 3U);
  EXPECT_EQ(ParseJsonList<v1::ThetaVector>(Print({"theta", "first/0"}, "json")).size(), 3U);
  EXPECT_EQ(ParseJsonList<v1::Arm>(Print({"compare", "first", "sweep"}, "json")).size(), 3U);
  EXPECT_GE(ParseJsonList<v1::Preset>(Print({"presets"}, "json")).size(), 4U);
}

TEST_F(QueryTest, JsonOfOneResourceIsItsMessage) {
  const auto experiment = ParseJson<v1::Experiment>(Print({"show", "first"}, "json"));
  EXPECT_EQ(experiment.name(), "experiments/first");
  EXPECT_EQ(experiment.run_counts().succeeded(), 2);
  EXPECT_GT(experiment.network().parameter_count(), 0);
  const auto run = ParseJson<v1::Run>(Print({"show", "first/1"}, "json"));
  EXPECT_EQ(run.name(), "experiments/first/runs/1");
  EXPECT_EQ(run.config().dataset().name(), "tiny");
  EXPECT_EQ(run.config().optimizer().beta2(), 0.999);
  const auto info = ParseJson<v1::ServerInfo>(Print({"server"}, "json"));
  EXPECT_EQ(info.workers(), 2);
  EXPECT_EQ(info.runs_pending(), 0);
}

TEST_F(QueryTest, CsvOfEveryListHasOneRowPerItem) {
  EXPECT_EQ(ParseCsv(Print({"list"}, "csv")).rows.size(), 4U);
  EXPECT_EQ(ParseCsv(Print({"list", "first"}, "csv")).rows.size(), 2U);
  EXPECT_EQ(ParseCsv(Print({"history", "first/0"}, "csv")).rows.size(), 3U);
  EXPECT_EQ(ParseCsv(Print({"theta", "first/0"}, "csv")).rows.size(), 3U);
  EXPECT_EQ(ParseCsv(Print({"compare", "first", "sweep"}, "csv")).rows.size(), 3U);
  EXPECT_EQ(ParseCsv(Print({"show", "first"}, "csv")).rows.size(), 1U);
  EXPECT_EQ(ParseCsv(Print({"show", "first/0"}, "csv")).rows.size(), 1U);
  EXPECT_GE(ParseCsv(Print({"presets"}, "csv")).rows.size(), 4U);
}

TEST_F(QueryTest, QuietAndOutputNamePrintTheSameNames) {
  for (std::vector<std::string> list : Lists()) {
    const std::string names = Print(list, "name");
    EXPECT_NE(names, "") << list[0];
    EXPECT_THAT(names, Not(HasSubstr(" "))) << list[0];
    list.push_back("-q");
    EXPECT_EQ(Anneal(list).output, names) << list[0];
  }
  EXPECT_EQ(Print({"list", "first"}, "name"), "first/0\nfirst/1\n");
  EXPECT_EQ(Print({"show", "first"}, "name"), "first\n");
  EXPECT_EQ(Print({"show", "experiments/first/runs/1"}, "name"), "first/1\n");
}

TEST_F(QueryTest, JsonLinesHaveOneMessagePerLine) {
  for (const std::vector<std::string>& list : Lists()) {
    const std::vector<std::string> lines = Lines(Print(list, "jsonl"));
    const auto messages = ParseJsonList<google::protobuf::Struct>(Print(list, "json"));
    ASSERT_EQ(lines.size(), messages.size()) << list[0];
    for (size_t i = 0; i < lines.size(); ++i) {
      EXPECT_TRUE(
          MessageDifferencer::Equals(ParseJson<google::protobuf::Struct>(lines[i]), messages[i]))
          << list[0];
    }
  }
  EXPECT_EQ(ParseJson<v1::Run>(Print({"show", "first/1"}, "jsonl")).name(),
            "experiments/first/runs/1");
}

TEST_F(QueryTest, ColumnsOfTablesAndCsvCanBeSelected) {
  EXPECT_EQ(Anneal({"list", "first", "--columns", "seed,name"}).output,
            "SEED  RUN\n   0  first/0\n   1  first/1\n");
  // Fields that only the complete record has.
  EXPECT_THAT(Anneal({"history", "first/0", "--columns", "epoch,validation_recall"}).output,
              HasSubstr("EPOCH    validation_recall\n"));
  const auto csv =
      ParseCsv(Print({"history", "first/0", "--columns", "validation_loss,epoch"}, "csv"));
  EXPECT_THAT(csv.header, ElementsAre("validation_loss", "epoch"));
  ASSERT_EQ(csv.rows.size(), 3U);
  EXPECT_EQ(csv.Cell(2, "epoch"), "3");
  EXPECT_TRUE(IsOneLineError(Anneal({"list", "--columns", "name,stat"}), kBadUsage,
                             {"--columns", "\"stat\"", "state"}));
  EXPECT_TRUE(IsOneLineError(Anneal({"list", "--columns", "name", "-o", "json"}), kBadUsage,
                             {"--columns", "csv"}));
}

TEST_F(QueryTest, RowsAreFilteredAndSortedInEveryFormat) {
  const std::vector<v1::Epoch> epochs = daemon_->History("first/0");
  std::vector<std::pair<double, int>> by_loss;
  for (const v1::Epoch& epoch : epochs) by_loss.emplace_back(epoch.train_loss(), epoch.epoch());
  std::sort(by_loss.begin(), by_loss.end());
  const std::vector<std::string> sorted = {"history", "first/0", "--sort", "train_loss"};
  std::string names;
  for (const auto& [loss, epoch] : by_loss) absl::StrAppend(&names, epoch, "\n");
  EXPECT_EQ(Print(sorted, "name"), names);
  const Csv csv = ParseCsv(Print(sorted, "csv"));
  const auto messages = ParseJsonList<v1::Epoch>(Print(sorted, "json"));
  ASSERT_EQ(messages.size(), by_loss.size());
  for (size_t i = 0; i < by_loss.size(); ++i) {
    EXPECT_EQ(messages[i].epoch(), by_loss[i].second);
    EXPECT_EQ(csv.Cell(i, "epoch"), absl::StrCat(by_loss[i].second));
  }
  EXPECT_EQ(Anneal({"history", "first/0", "--filter", "epoch > 1 AND NOT epoch = 3", "-q"}).output,
            "2\n");
  // The limit applies after the filter.
  EXPECT_EQ(Anneal({"history", "first/0", "--sort", "epoch desc", "--limit", "1", "-q"}).output,
            "3\n");
  EXPECT_EQ(Anneal({"compare", "first", "sweep", "--filter", "name:sweep", "-q", "--sort",
                    "name desc", "--limit", "1"})
                .code,
            kFine);
  EXPECT_EQ(Anneal({"history", "first/0", "--filter", "epoch > 99", "-q"}).output, "");
  EXPECT_EQ(Anneal({"list", "--sort", "id", "-q"}).output, "channels\nfirst\nsweep\nwild\n");
  EXPECT_TRUE(IsOneLineError(Anneal({"history", "first/0", "--sort", "epch"}), kBadUsage,
                             {"--sort", "\"epch\"", "epoch"}));
  EXPECT_TRUE(IsOneLineError(Anneal({"history", "first/0", "--filter", "epch > 1"}), kBadUsage,
                             {"--filter", "\"epch\"", "epoch"}));
}

TEST_F(QueryTest, EveryListAcceptsLimit) {
  for (std::vector<std::string> list : Lists()) {
    list.insert(list.end(), {"--limit", "1", "-q"});
    const Finished finished = Anneal(list);
    EXPECT_EQ(finished.code, kFine) << list[0] << ": " << finished.errors;
    EXPECT_EQ(Lines(finished.output).size(), 1U) << list[0] << ": " << finished.output;
  }
}

TEST_F(QueryTest, LimitKeepsTheFirstOnesAndZeroIsAll) {
  EXPECT_EQ(Anneal({"list", "--limit", "2", "-q"}).output, "sweep\nwild\n");
  EXPECT_EQ(Anneal({"history", "first/0", "--limit", "2", "-q"}).output, "1\n2\n");
  EXPECT_EQ(Anneal({"history", "first/0", "--limit", "0", "-q"}).output, "1\n2\n3\n");
  EXPECT_EQ(Anneal({"history", "first/0", "--limit", "99", "-q"}).output, "1\n2\n3\n");
  for (const char* bad : {"-1", "x", "1.5"}) {
    EXPECT_EQ(Anneal({"list", "--limit", bad}).code, kBadUsage) << bad;
  }
}

TEST_F(QueryTest, HistoryKeysAreTheNamesOfTheProtosFields) {
  const auto list = ParseJson<google::protobuf::ListValue>(Print({"history", "first/0"}, "json"));
  const v1::Epoch epoch = daemon_->History("first/0").at(0);
  std::set<std::string> expected;
  for (int i = 0; i < v1::Epoch::descriptor()->field_count(); ++i) {
    const FieldDescriptor* field = v1::Epoch::descriptor()->field(i);
    const bool unset =
        field->has_optional_keyword() && !epoch.GetReflection()->HasField(epoch, field);
    if (!unset) expected.insert(field->name());
  }
  ASSERT_EQ(list.values_size(), 3);
  for (const auto& value : list.values()) {
    std::set<std::string> keys;
    for (const auto& [key, ignored] : value.struct_value().fields()) keys.insert(key);
    EXPECT_EQ(keys, expected);
    for (const char* summary : {"min", "mean", "max", "q05", "median", "q95"}) {
      EXPECT_TRUE(
          value.struct_value().fields().at("theta").struct_value().fields().contains(summary));
    }
    const auto& layers = value.struct_value().fields().at("layers").list_value();
    ASSERT_EQ(layers.values_size(), 2);
    EXPECT_GT(layers.values(0).struct_value().fields().at("gradient_norm").number_value(), 0);
  }
}

TEST_F(QueryTest, HistoryAsCsvHasEveryNumberExactly) {
  const std::vector<v1::Epoch> epochs = daemon_->History("first/0");
  const Csv csv = ParseCsv(Print({"history", "first/0"}, "csv"));
  ASSERT_EQ(csv.rows.size(), epochs.size());
  int compared = 0;
  for (size_t row = 0; row < epochs.size(); ++row) {
    for (int i = 0; i < v1::Epoch::descriptor()->field_count(); ++i) {
      const FieldDescriptor* field = v1::Epoch::descriptor()->field(i);
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_DOUBLE) continue;
      const std::string cell = csv.Cell(row, field->name());
      if (field->has_optional_keyword() &&
          !epochs[row].GetReflection()->HasField(epochs[row], field)) {
        EXPECT_EQ(cell, "") << field->name();
        continue;
      }
      double value = std::nan("");
      EXPECT_TRUE(absl::SimpleAtod(cell, &value)) << field->name() << ": " << cell;
      EXPECT_EQ(value, epochs[row].GetReflection()->GetDouble(epochs[row], field)) << field->name();
      ++compared;
    }
    double gradient_norm = 0;
    EXPECT_TRUE(absl::SimpleAtod(csv.Cell(row, "layers_1_gradient_norm"), &gradient_norm));
    EXPECT_EQ(gradient_norm, epochs[row].layers(1).gradient_norm());
    double theta = -1;
    EXPECT_TRUE(absl::SimpleAtod(csv.Cell(row, "theta_mean"), &theta));
    EXPECT_EQ(theta, epochs[row].theta().mean());
  }
  EXPECT_GE(compared, 3 * 19);
}

TEST_F(QueryTest, HistoryIsCompleteAndInOrder) {
  const std::vector<v1::Epoch> epochs = daemon_->History("first/1");
  ASSERT_EQ(epochs.size(), 3U);
  double elapsed = 0;
  for (size_t i = 0; i < epochs.size(); ++i) {
    EXPECT_EQ(epochs[i].epoch(), static_cast<int>(i) + 1);
    EXPECT_EQ(epochs[i].step(), 9 * (static_cast<int>(i) + 1));
    elapsed += epochs[i].epoch_seconds();
    EXPECT_NEAR(epochs[i].elapsed_seconds(), elapsed, 1e-6);
  }
  EXPECT_NEAR(epochs[0].theta().mean(), std::atan(1), 1e-7);
  EXPECT_EQ(epochs[2].theta().mean(), 0);
}

TEST_F(QueryTest, AnEmptyHistoryHasTheHeaderOfAFullOne) {
  const Csv empty = ParseCsv(Print({"history", "wild/0"}, "csv"));
  EXPECT_TRUE(empty.rows.empty());
  // The layers' columns depend on the network; the epoch's own do not.
  EXPECT_THAT(empty.header, ::testing::IsSupersetOf({"epoch", "train_loss", "theta_mean"}));
  EXPECT_EQ(ParseJsonList<v1::Epoch>(Print({"history", "wild/0"}, "json")).size(), 0U);
  EXPECT_EQ(Print({"history", "wild/0"}, "name"), "");
}

TEST_F(QueryTest, RunColumnsDoNotDependOnTheOutcome) {
  EXPECT_EQ(ParseCsv(Print({"list", "wild"}, "csv")).header,
            ParseCsv(Print({"list", "first"}, "csv")).header);
}

TEST_F(QueryTest, TheColumnsOfACsvComeInTheSameOrderEveryTime) {
  for (const std::vector<std::string>& list : Lists()) {
    const Csv first = ParseCsv(Print(list, "csv"));
    for (int i = 0; i < 5; ++i) {
      ASSERT_EQ(ParseCsv(Print(list, "csv")).header, first.header) << list[0];
    }
  }
}

TEST_F(QueryTest, SweepValuesAndLabelsHaveTheirOwnColumns) {
  const Csv runs = ParseCsv(Print({"list", "sweep"}, "csv"));
  EXPECT_EQ(runs.Cell(0, "parameters_batch_size"), "16");
  EXPECT_EQ(runs.Cell(1, "parameters_batch_size"), "32");
  const Csv experiments = ParseCsv(Print({"list"}, "csv"));
  EXPECT_EQ(experiments.Cell(0, "labels_owner"), "ada");
  EXPECT_EQ(experiments.Cell(1, "labels_owner"), "");
}

TEST_F(QueryTest, AFailedRunShowsItsReasonInEveryFormat) {
  EXPECT_THAT(Print({"list", "wild"}, "table"), HasSubstr("DIVERGED"));
  EXPECT_THAT(Print({"show", "wild/0"}, "table"), HasSubstr("DIVERGED: diverged in epoch 1"));
  const Csv csv = ParseCsv(Print({"list", "wild"}, "csv"));
  EXPECT_EQ(csv.Cell(0, "failure_reason"), "DIVERGED");
  EXPECT_THAT(csv.Cell(0, "failure_message"), HasSubstr("optimizer.learning_rate"));
  const auto runs = ParseJsonList<v1::Run>(Print({"list", "wild"}, "json"));
  EXPECT_EQ(runs.at(0).failure().reason(), v1::FAILURE_REASON_DIVERGED);
}

TEST_F(QueryTest, ThetaPrintsTheFullVectors) {
  const auto thetas = ParseJsonList<v1::ThetaVector>(Print({"theta", "channels/0"}, "json"));
  ASSERT_EQ(thetas.size(), 2U);
  const Csv csv = ParseCsv(Print({"theta", "channels/0", "--epoch", "2"}, "csv"));
  EXPECT_THAT(csv.header, ElementsAre("epoch", "layer", "channel", "row", "column", "theta"));
  ASSERT_EQ(csv.rows.size(), 4U);
  EXPECT_THAT(thetas[1].shape(), ElementsAre(4));
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(csv.Cell(i, "epoch"), "2");
    EXPECT_EQ(csv.Cell(i, "layer"), "0");
    EXPECT_EQ(csv.Cell(i, "channel"), absl::StrCat(i));
    EXPECT_EQ(csv.Cell(i, "row"), "");
    float theta = -1;
    EXPECT_TRUE(absl::SimpleAtof(csv.Cell(i, "theta"), &theta));
    EXPECT_EQ(theta, thetas[1].values(static_cast<int>(i)));
  }
  EXPECT_EQ(ParseCsv(Print({"theta", "channels/0", "--layer", "0"}, "csv")).rows.size(), 8U);
}

TEST_F(QueryTest, MissingThetasFailWithTheRemedy) {
  EXPECT_TRUE(IsOneLineError(Anneal({"theta", "first/0", "--epoch", "9"}), kFailed,
                             {"anneal history first/0"}));
  EXPECT_TRUE(IsOneLineError(Anneal({"theta", "wild/0"}), kFailed, {"anneal history wild/0"}));
}

TEST_F(QueryTest, CompareSummarisesTheSeedsOfAnArm) {
  const auto runs = ParseJsonList<v1::Run>(Print({"list", "first"}, "json"));
  const auto arms = ParseJsonList<v1::Arm>(Print({"compare", "first", "wild"}, "json"));
  ASSERT_EQ(arms.size(), 2U);
  const double a = runs.at(0).test_results(0).accuracy();
  const double b = runs.at(1).test_results(0).accuracy();
  EXPECT_EQ(arms[0].succeeded(), 2);
  EXPECT_NEAR(arms[0].test_accuracy().mean(), (a + b) / 2, 1e-12);
  EXPECT_NEAR(arms[0].test_accuracy().standard_deviation(), std::abs(a - b) / std::sqrt(2), 1e-12);
  EXPECT_EQ(arms[1].succeeded(), 0);
  EXPECT_EQ(arms[1].total(), 1);
  const std::string table = Print({"compare", "first", "wild"}, "table");
  EXPECT_THAT(table, HasSubstr(" ± "));
  EXPECT_THAT(table, HasSubstr("1 run diverged"));
}

TEST_F(QueryTest, ShowOfARunHasTheConfusionMatrixAndTheCompleteConfig) {
  const std::string text = Print({"show", "first/0"}, "table");
  EXPECT_THAT(text, HasSubstr("first/0"));
  EXPECT_THAT(text, HasSubstr("Rows are the true classes"));
  EXPECT_THAT(text, HasSubstr("name: \"tiny\""));
  EXPECT_THAT(text, HasSubstr("beta2: 0.999"));
  const v1::Run run = daemon_->GetRun("first/0");
  for (const v1::TestResult& result : run.test_results()) {
    EXPECT_EQ(std::accumulate(result.confusion().begin(), result.confusion().end(), int64_t{0}),
              100);
  }
}

TEST_F(QueryTest, ServerShowsItsStateAndDataSets) {
  const std::string text = Print({"server"}, "table");
  EXPECT_THAT(text, HasSubstr(daemon_->address()));
  EXPECT_THAT(text, HasSubstr("0 of 2 busy"));
  EXPECT_THAT(text, HasSubstr("tiny"));
}

TEST_F(QueryTest, NoCommandPrintsEscapeSequencesToAPipe) {
  for (const std::vector<std::string>& command : Lists()) {
    EXPECT_THAT(Anneal(command).output, Not(HasSubstr("\x1b"))) << command[0];
  }
}

TEST_F(QueryTest, UnknownNamesFailAndMalformedNamesAreUsageErrors) {
  for (const char* command : {"list", "show", "compare", "watch", "wait", "cancel"}) {
    EXPECT_TRUE(IsOneLineError(Anneal({command, "nope"}), kFailed, {"nope"})) << command;
    EXPECT_TRUE(IsOneLineError(Anneal({command, "Not A Name"}), kBadUsage, {"Not A Name"}))
        << command;
  }
  for (const char* command : {"show", "history", "theta", "watch", "wait", "cancel"}) {
    EXPECT_TRUE(IsOneLineError(Anneal({command, "first/99"}), kFailed, {"first", "99"})) << command;
    EXPECT_TRUE(IsOneLineError(Anneal({command, "nope/0"}), kFailed, {"nope"})) << command;
  }
  EXPECT_TRUE(IsOneLineError(Anneal({"history", "first"}), kBadUsage, {"run"}));
  EXPECT_TRUE(IsOneLineError(Anneal({"presets", "show", "nope"}), kFailed, {"nope", "annealed"}));
}

TEST_F(QueryTest, UnambiguousCommandPrefixesAreAccepted) {
  EXPECT_EQ(Anneal({"hist", "first/0", "-q"}).output, "1\n2\n3\n");
  EXPECT_EQ(Anneal({"pre", "-q"}).output, Anneal({"presets", "-q"}).output);
  EXPECT_EQ(Anneal({"--server", daemon_->address(), "hist", "first/0", "-q"}).output, "1\n2\n3\n");
  const Finished ambiguous = Anneal({"s"});
  EXPECT_EQ(ambiguous.code, kBadUsage);
  EXPECT_NE(ambiguous.errors, "");
}

TEST(EmptyDaemonTest, ListsAreEmptyInEveryFormat) {
  const TestDaemon daemon;
  const Finished table = daemon.Anneal({"list"});
  EXPECT_EQ(table.code, kFine);
  EXPECT_EQ(Lines(table.output).size(), 1U) << table.output;
  EXPECT_EQ(daemon.Anneal({"list", "-q"}).output, "");
  const Finished json = daemon.Anneal({"list", "--output", "json"});
  EXPECT_EQ(ParseJsonList<v1::Experiment>(json.output).size(), 0U);
}

TEST(EmptyDaemonTest, PrintsTheHeaderOfACsvWithoutRows) {
  const TestDaemon daemon;
  const Csv csv = ParseCsv(daemon.Anneal({"list", "--output", "csv"}).output);
  EXPECT_TRUE(csv.rows.empty());
  EXPECT_THAT(csv.header, ::testing::IsSupersetOf({"name", "state", "create_time"}));
}

}  // namespace
}  // namespace anneal
