#include "client/exporters/tables.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "common/metric.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anneal::client::exporters {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;

v1::TestResult ResultWith(v1::TestResult::Weights weights, int run_epochs, double accuracy) {
  v1::TestResult result;
  result.set_weights(weights);
  result.set_epoch(run_epochs);
  result.set_run_epochs(run_epochs);
  result.set_accuracy(accuracy);
  result.add_classes()->set_f1(0.5);
  return result;
}

// A run that has everything a run can have.
v1::Run CompleteRun() {
  v1::Run run;
  run.set_name("experiments/first/runs/0");
  run.set_state(v1::RUN_STATE_SUCCEEDED);
  (*run.mutable_parameters())["optimizer.learning_rate"] = "0.1";
  (*run.mutable_labels())["team"] = "vision";
  run.mutable_config()->mutable_network()->add_layers()->mutable_dense()->set_units(8);
  run.mutable_network()->add_layers()->set_description("dense 8");
  run.mutable_last_epoch()->add_layers()->set_gradient_norm(1);
  *run.add_test_results() = ResultWith(v1::TestResult::WEIGHTS_LAST, 6, 0.75);
  *run.add_test_results() = ResultWith(v1::TestResult::WEIGHTS_BEST, 6, 0.875);
  *run.add_earlier_test_results() = ResultWith(v1::TestResult::WEIGHTS_LAST, 3, 0.5);
  run.add_extended_from(3);
  run.add_extended_from(4);
  for (const int64_t images : {70, 50}) run.mutable_split()->add_train(images);
  for (const int64_t images : {7, 5}) run.mutable_split()->add_validation(images);
  for (const int64_t images : {10, 20}) run.mutable_split()->add_test(images);
  run.add_attempt_log()->mutable_provenance()->set_host("old");
  v1::Attempt* last = run.add_attempt_log();
  last->mutable_provenance()->set_host("new");
  last->mutable_provenance()->set_git_dirty(true);
  for (const Metric& metric : ExtremeMetrics()) {
    v1::MetricValue& value = (*run.mutable_metrics())[metric.name];
    value.set_value(0.25);
    value.set_epoch(2);
  }
  return run;
}

v1::Experiment CompleteExperiment() {
  v1::Experiment experiment;
  experiment.set_name("experiments/first");
  (*experiment.mutable_labels())["team"] = "vision";
  v1::SweepAxis* axis = experiment.add_axes();
  axis->set_field("optimizer.learning_rate");
  axis->add_values("0.1");
  return experiment;
}

using Cells = std::map<std::string, std::string>;
Cells RowOf(const render::Table& table, size_t index) {
  Cells cells;
  for (size_t c = 0; c < table.columns().size(); ++c) {
    cells[table.columns()[c].key] = table.rows().at(index).at(c);
  }
  return cells;
}

TEST(RunsTableTest, BeginsWithTheKeyThatJoinsTheOtherTables) {
  const render::Table table = RunsTable({CompleteRun()});
  EXPECT_EQ(table.keys().front(), "run");
  EXPECT_EQ(table.rows()[0].front(), "first/0");
  EXPECT_EQ(ExperimentsTable({CompleteExperiment()}).keys().front(), "experiment");
  EXPECT_EQ(ExperimentsTable({CompleteExperiment()}).rows()[0].front(), "first");
}

TEST(RunsTableTest, HasExtremesSplitProvenanceAndExtensions) {
  Cells row = RowOf(RunsTable({CompleteRun()}), 0);
  EXPECT_EQ(row["best.validation_accuracy"], "0.25");
  EXPECT_EQ(row["best.validation_accuracy.epoch"], "2");
  EXPECT_EQ(row["min.theta_mean"], "0.25");
  EXPECT_FALSE(row.contains("best.theta_mean"));
  EXPECT_EQ(row["split_train"], "120");
  EXPECT_EQ(row["split_train_1"], "50");
  EXPECT_EQ(row["split_validation"], "12");
  EXPECT_EQ(row["split_test_0"], "10");
  EXPECT_EQ(row["provenance_host"], "new") << "of the last attempt";
  EXPECT_EQ(row["provenance_git_dirty"], "true");
  EXPECT_EQ(row["extended_from"], "3 4");
  EXPECT_EQ(row["test_results_1_accuracy"], "0.875");
}

TEST(RunsTableTest, ARunWithoutARecordHasEmptyCells) {
  v1::Run pending;
  pending.set_name("experiments/first/runs/1");
  pending.set_state(v1::RUN_STATE_PENDING);
  Cells row = RowOf(RunsTable({CompleteRun(), pending}), 1);
  for (const char* column :
       {"failure_reason", "best.validation_accuracy", "best.validation_accuracy.epoch",
        "split_train", "split_train_0", "provenance_host", "provenance_git_dirty", "extended_from",
        "last_epoch_train_loss", "test_results_0_accuracy"}) {
    ASSERT_TRUE(row.contains(column)) << column;
    EXPECT_EQ(row[column], "") << column;
  }
}

TEST(RunsTableTest, SaysWhatComparisonsCountARunAs) {
  v1::Run succeeded;
  succeeded.set_state(v1::RUN_STATE_SUCCEEDED);
  succeeded.set_collapsed(true);
  v1::Run diverged;
  diverged.set_state(v1::RUN_STATE_FAILED);
  diverged.mutable_failure()->set_reason(v1::FAILURE_REASON_DIVERGED);
  v1::Run lost = diverged;
  lost.mutable_failure()->set_reason(v1::FAILURE_REASON_WORKER_LOST);
  v1::Run cancelled;
  cancelled.set_state(v1::RUN_STATE_CANCELLED);
  const render::Table table = RunsTable({succeeded, diverged, lost, cancelled});
  const auto outcome = [&table](size_t index) {
    Cells row = RowOf(table, index);
    return std::vector<std::string>{row["diverged"], row["collapsed"], row["missing"]};
  };
  EXPECT_THAT(outcome(0), ElementsAre("false", "true", "false"));
  EXPECT_THAT(outcome(1), ElementsAre("true", "false", "false"));
  EXPECT_THAT(outcome(2), ElementsAre("false", "false", "true"));
  EXPECT_THAT(outcome(3), ElementsAre("false", "false", "true"));
}

TEST(TestResultsTableTest, KeepsResultsFromBeforeAnExtensionApart) {
  const render::Table table = TestResultsTable({CompleteRun()});
  ASSERT_EQ(table.rows().size(), 3U);
  EXPECT_THAT(table.keys(), IsSupersetOf({"loss", "relu_accuracy", "classes_0_f1"}));
  const auto key = [&table](size_t index) {
    Cells row = RowOf(table, index);
    return std::vector<std::string>{row["run"], row["current"], row["weights"], row["run_epochs"],
                                    row["accuracy"]};
  };
  EXPECT_THAT(key(0), ElementsAre("first/0", "true", "LAST", "6", "0.75"));
  EXPECT_THAT(key(1), ElementsAre("first/0", "true", "BEST", "6", "0.875"));
  EXPECT_THAT(key(2), ElementsAre("first/0", "false", "LAST", "3", "0.5"));
  EXPECT_EQ(RowOf(table, 0)["relu_accuracy"], "") << "not measured";
}

// The columns in the README: names, in which METRIC, FIELD, N and KEY stand for others.
using Documented = std::map<std::string, std::vector<std::string>>;

std::string Readme() {
  const auto root = std::filesystem::path(CONFIG_PAGE).parent_path().parent_path();
  std::ifstream file(root / "client/exporters/README.md");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Returns the words between backticks.
std::vector<std::string> CodeIn(absl::string_view text) {
  std::vector<std::string> words;
  const std::vector<std::string> parts = absl::StrSplit(text, '`');
  for (size_t i = 1; i < parts.size(); i += 2) words.push_back(parts[i]);
  return words;
}

// Reads the first cells of the tables below headings such as "### `runs.csv`".
Documented DocumentedColumns() {
  Documented documented;
  std::string file;
  for (const absl::string_view line : absl::StrSplit(Readme(), '\n')) {
    if (absl::StartsWith(line, "#")) {
      file = absl::StartsWith(line, "### ") ? CodeIn(line).at(0) : "";
    } else if (!file.empty() && absl::StartsWith(line, "| `")) {
      const std::vector<absl::string_view> cells = absl::StrSplit(line, '|');
      for (std::string& column : CodeIn(cells[1])) documented[file].push_back(std::move(column));
    }
  }
  return documented;
}

// Returns a documented name once for each metric that it stands for.
std::vector<std::string> Expanded(const std::string& name) {
  if (!absl::StrContains(name, "METRIC")) return {name};
  const std::string form = name.substr(0, name.find("METRIC"));
  const std::string least = form.empty() ? "min." : form;
  std::vector<std::string> names;
  for (const Metric& metric : ExtremeMetrics()) {
    if (!absl::StartsWith(metric.name, least)) continue;
    const std::string own = metric.name.substr(least.size());
    names.push_back(absl::StrReplaceAll(name, {{"METRIC", own}}));
  }
  return names;
}

// Returns the pattern of a name with placeholders; nothing for one without.
std::optional<std::regex> PatternOf(const std::string& name) {
  std::vector<std::string> parts = absl::StrSplit(name, '_');
  bool is_pattern = false;
  for (std::string& part : parts) {
    const bool is_number = part == "N";
    if (!is_number && part != "FIELD" && part != "KEY") continue;
    part = is_number ? "[0-9]+" : ".+";
    is_pattern = true;
  }
  return is_pattern ? std::optional(std::regex(absl::StrJoin(parts, "_"))) : std::nullopt;
}

// Returns the columns that no name stands for, and the names that stand for none.
struct Mismatch {
  std::vector<std::string> undocumented;
  std::vector<std::string> missing;
};
Mismatch Compare(const std::vector<std::string>& documented,
                 const std::vector<std::string>& columns) {
  std::set<std::string> names;
  std::map<std::string, std::regex> patterns;
  for (const std::string& name : documented) {
    const auto pattern = PatternOf(name);
    if (pattern.has_value()) patterns[name] = *pattern;
    for (const std::string& one : Expanded(name)) names.insert(one);
  }
  Mismatch mismatch;
  std::set<std::string> unused = names;
  for (const std::string& column : columns) {
    bool found = names.contains(column);
    unused.erase(column);
    for (const auto& [name, pattern] : patterns) {
      if (found || !std::regex_match(column, pattern)) continue;
      unused.erase(name);
      found = true;
    }
    if (!found) mismatch.undocumented.push_back(column);
  }
  mismatch.missing.assign(unused.begin(), unused.end());
  return mismatch;
}

TEST(ReadmeTest, DocumentsExactlyTheColumnsThatAreWritten) {
  Documented documented = DocumentedColumns();
  const auto headers = CsvHeaders({CompleteExperiment()}, {CompleteRun()});
  EXPECT_EQ(documented.size(), headers.size());
  for (const CsvHeader& header : headers) {
    const Mismatch mismatch = Compare(documented[header.file], header.columns);
    EXPECT_THAT(mismatch.undocumented, IsEmpty()) << header.file;
    EXPECT_THAT(mismatch.missing, IsEmpty()) << header.file;
  }
}

TEST(ReadmeTest, ColumnsAreWrittenOnce) {
  for (const CsvHeader& header : CsvHeaders({CompleteExperiment()}, {CompleteRun()})) {
    const std::set<std::string> distinct(header.columns.begin(), header.columns.end());
    EXPECT_EQ(distinct.size(), header.columns.size()) << header.file;
  }
}

}  // namespace
}  // namespace anneal::client::exporters
