// Tests what a report says of runs, builds and looks, and the commands that it ends with.

#include "client/report/report.h"

#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anneal::client::report {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// An experiment of one arm with these outcomes, one for each seed.
ReportData DataOf(const std::vector<v1::RunOutcome>& outcomes, const std::string& metric) {
  ReportData data = {.title = "a study", .made = "today"};
  Submission& submission = data.submissions.emplace_back();
  submission.experiment.set_name("experiments/first");
  submission.experiment.mutable_run_counts()->set_total(static_cast<int32_t>(outcomes.size()));
  v1::CompareExperimentsResponse& comparison = data.comparison;
  comparison.set_metric(metric);
  comparison.set_baseline("first");
  v1::Arm* arm = comparison.add_arms();
  arm->set_name("first");
  arm->set_total(static_cast<int32_t>(outcomes.size()));
  v1::CompareExperimentsRequest request;
  request.set_metric(metric);
  CompleteRequest(data.submissions, &request);
  v1::ArmsOfRuns* runs = comparison.add_arms_of_runs();
  runs->set_experiment("experiments/first");
  for (const std::string& name : request.run_metrics()) runs->add_values()->set_metric(name);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    runs->add_arms(0);
    runs->add_seeds(static_cast<int64_t>(i));
    runs->add_outcomes(outcomes[i]);
    runs->add_duplicates(false);
    for (v1::RunValues& values : *runs->mutable_values()) values.add_values(0.1234);
    const bool succeeded =
        outcomes[i] == v1::RUN_OUTCOME_SUCCEEDED || outcomes[i] == v1::RUN_OUTCOME_COLLAPSED;
    if (succeeded) arm->set_succeeded(arm->succeeded() + 1);
    if (outcomes[i] == v1::RUN_OUTCOME_COLLAPSED) arm->set_collapsed(arm->collapsed() + 1);
    if (outcomes[i] == v1::RUN_OUTCOME_DIVERGED) arm->set_diverged(arm->diverged() + 1);
    if (outcomes[i] == v1::RUN_OUTCOME_MISSING) arm->set_missing(arm->missing() + 1);
  }
  return data;
}

std::string PageOf(const ReportData& data) {
  const auto html = ToHtml(data);
  EXPECT_TRUE(html.ok()) << html.status();
  return html.value_or("");
}

size_t CountOf(const std::string& text, const std::string& page) {
  size_t count = 0;
  for (size_t at = 0; (at = page.find(text, at)) != std::string::npos; ++at) ++count;
  return count;
}

TEST(ReportTest, EveryRunIsShownWithItsOutcome) {
  ReportData data = DataOf({v1::RUN_OUTCOME_SUCCEEDED, v1::RUN_OUTCOME_COLLAPSED,
                            v1::RUN_OUTCOME_DIVERGED, v1::RUN_OUTCOME_MISSING},
                           "validation_accuracy");
  data.comparison.mutable_arms_of_runs(0)->set_duplicates(1, true);
  const std::string page = PageOf(data);
  EXPECT_THAT(page,
              HasSubstr("2 of 4 runs succeeded (1 of them collapsed), 1 diverged, 1 missing."));
  EXPECT_THAT(page, HasSubstr("<td>first/0<td>0<td>SUCCEEDED<td>0.1234"));
  EXPECT_THAT(page, HasSubstr("<td>first/1<td>1<td>COLLAPSED (duplicate)"));
  EXPECT_THAT(page, HasSubstr("<td>first/2<td>2<td>DIVERGED<td>-<td>-<td>-"))
      << "a value that stands in for another is not one of the run";
  EXPECT_THAT(page, HasSubstr("<td>first/3<td>3<td>MISSING"));
}

TEST(ReportTest, TestResultsAreShownOnlyIfTheMetricNamesThem) {
  const auto request = [](const std::string& metric) {
    v1::CompareExperimentsRequest made;
    made.set_metric(metric);
    CompleteRequest({}, &made);
    return made;
  };
  EXPECT_EQ(request("").confusion(), v1::TestResult::WEIGHTS_UNSPECIFIED);
  EXPECT_EQ(request("validation_loss").confusion(), v1::TestResult::WEIGHTS_UNSPECIFIED);
  EXPECT_EQ(request("test_loss").confusion(), v1::TestResult::WEIGHTS_LAST);
  EXPECT_EQ(request("best_test_accuracy").confusion(), v1::TestResult::WEIGHTS_BEST);
  EXPECT_THAT(request("test_loss").run_metrics(), Contains("test_loss"));
  EXPECT_EQ(request("test_loss").look(), v1::Look::KIND_REPORT);
  const v1::CompareExperimentsRequest of_losses = request("validation_loss");
  for (const std::string& name : of_losses.run_metrics()) {
    EXPECT_THAT(name, Not(HasSubstr("test")));
  }
  ReportData data = DataOf({v1::RUN_OUTCOME_SUCCEEDED}, "test_accuracy");
  for (const int count : {3, 1, 0, 4}) data.comparison.mutable_arms(0)->add_confusion(count);
  EXPECT_THAT(PageOf(data), AllOf(HasSubstr("TEST ACC"), HasSubstr("Test images by true class")));
  const std::string page = PageOf(DataOf({v1::RUN_OUTCOME_SUCCEEDED}, "validation_accuracy"));
  EXPECT_THAT(page, AllOf(Not(HasSubstr("TEST ACC")), Not(HasSubstr("Test images by"))));
}

TEST(ReportTest, LooksAreCounted) {
  ReportData data = DataOf({v1::RUN_OUTCOME_SUCCEEDED}, "validation_accuracy");
  EXPECT_THAT(PageOf(data), HasSubstr("Nobody has looked at test results"));
  data.comparison.set_looks(3);
  EXPECT_THAT(PageOf(data), HasSubstr("were looked at 3 times, summed over the experiments."));
}

TEST(ReportTest, ExclusionIsRepeated) {
  ReportData data =
      DataOf({v1::RUN_OUTCOME_SUCCEEDED, v1::RUN_OUTCOME_DIVERGED}, "validation_accuracy");
  data.comparison.set_diverged(v1::DIVERGED_RUNS_EXCLUDE);
  EXPECT_GE(CountOf("diverged runs excluded", PageOf(data)), 3U) << "table and captions";
}

TEST(ReportTest, NotesOfTheServerAreShown) {
  ReportData data = DataOf({v1::RUN_OUTCOME_SUCCEEDED}, "validation_accuracy");
  data.comparison.add_notes("2 runs diverged & count <as chance>.");
  EXPECT_THAT(PageOf(data), HasSubstr("2 runs diverged &amp; count &lt;as chance&gt;."));
}

TEST(ReportTest, TenThousandRunsStayUsable) {
  ReportData data =
      DataOf(std::vector<v1::RunOutcome>(10'000, v1::RUN_OUTCOME_SUCCEEDED), "validation_accuracy");
  for (v1::RunValues& values : *data.comparison.mutable_arms_of_runs(0)->mutable_values()) {
    for (int i = 0; i < values.values_size(); ++i) {
      values.set_values(i, 0.5 + 0.4 * std::sin(i * 1.7 + values.metric().size()));
    }
  }
  const std::string page = PageOf(data);
  EXPECT_LT(page.size(), 3'000'000U);
  EXPECT_THAT(page, HasSubstr("<summary>All 10000 runs</summary>"));
  EXPECT_THAT(page, HasSubstr("first/9999"));
  EXPECT_THAT(page, HasSubstr("data:image/png")) << "a drawing of so many points is a bitmap";
}

TEST(ReportTest, FiguresNameTheArmsThatTheyLeaveOut) {
  ReportData data = DataOf({v1::RUN_OUTCOME_SUCCEEDED}, "validation_accuracy");
  for (int i = 1; i < 45; ++i) {
    data.comparison.add_arms()->set_name(absl::StrCat("arm", i));
  }
  const std::string page = PageOf(data);
  EXPECT_THAT(page, HasSubstr("Drawn: the first 40 of 45 arms."));
  EXPECT_THAT(page, HasSubstr("arm44")) << "in the tables";
}

v1::Run RunOn(const std::string& version, const std::string& cpu) {
  v1::Run run;
  run.set_dataset_sha256("abc123");
  run.set_engine("FUSED");
  run.mutable_config()->mutable_dataset()->set_name("mnist");
  v1::Provenance* provenance = run.add_attempt_log()->mutable_provenance();
  provenance->set_version(version);
  provenance->set_git_commit("0123456789abcdef");
  provenance->set_git_dirty(true);
  provenance->set_cpu_model(cpu);
  return run;
}

TEST(ReproduceTest, EachKindOfBuildAndProcessorIsARow) {
  Submission submission;
  submission.examined = {RunOn("1.0", "EPYC"), RunOn("1.0", "EPYC"), RunOn("1.1", "Xeon")};
  const render::Table table = BuildTable({submission});
  ASSERT_EQ(table.rows().size(), 2U);
  EXPECT_THAT(table.rows()[0], ElementsAre("1.0", "0123456789ab + uncommitted changes", "-", "-",
                                           "-", "EPYC", "-", "-", "2"));
  EXPECT_EQ(table.rows()[1].back(), "1");
  EXPECT_THAT(DataAndEngines({submission}),
              ElementsAre("mnist with SHA-256 abc123, trained by engine FUSED"));
  EXPECT_THAT(BuildTable({Submission()}).rows(), IsEmpty());
}

TEST(ReproduceTest, ReportSaysWhenOnlyFirstRunsWereAsked) {
  ReportData data =
      DataOf({v1::RUN_OUTCOME_SUCCEEDED, v1::RUN_OUTCOME_SUCCEEDED}, "validation_accuracy");
  data.submissions[0].examined = {RunOn("1.0", "EPYC")};
  EXPECT_THAT(PageOf(data), HasSubstr("Only the first run was asked"));
  data.submissions[0].examined.push_back(RunOn("1.0", "EPYC"));
  EXPECT_THAT(PageOf(data), HasSubstr("Of all attempts at all runs."));
}

TEST(ReproduceTest, RunsAreExtendedStepByStep) {
  v1::Run run;
  run.set_name("experiments/first/runs/3");
  run.set_epochs_total(6);
  EXPECT_EQ(ExtendCommands(run), "");
  run.add_extended_from(3);
  EXPECT_EQ(ExtendCommands(run), "anneal wait first/3 && anneal extend first/3 --epochs 6\n");
  run.add_extended_from(5);
  EXPECT_EQ(ExtendCommands(run),
            "anneal wait first/3 && anneal extend first/3 --epochs 5\n"
            "anneal wait first/3 && anneal extend first/3 --epochs 6\n");
}

TEST(ReproduceTest, ExtendedRunsHaveMoreEpochsThanTheShortestThatWereSubmitted) {
  v1::Experiment experiment;
  experiment.mutable_config()->set_epochs(7);
  EXPECT_EQ(ExtendedFilter(experiment), "epochs_total > 7");
  v1::SweepAxis* axis = experiment.add_axes();
  axis->set_field("epochs");
  for (const char* epochs : {"20", "9", "12"}) axis->add_values(epochs);
  EXPECT_EQ(ExtendedFilter(experiment), "epochs_total > 9");
}

TEST(ReproduceTest, CommandsAreThoseOfTheExperiments) {
  ReportData data = DataOf({v1::RUN_OUTCOME_SUCCEEDED}, "validation_accuracy");
  Submission& submission = data.submissions[0];
  for (const int seed : {0, 1, 2}) submission.experiment.add_seeds(seed);
  EXPECT_THAT(SubmitCommand(submission), HasSubstr("--seeds 0..2"));
  submission.experiment.set_submit_command("anneal submit --file it.textproto");
  v1::Run& run = submission.extended.emplace_back();
  run.set_name("experiments/first/runs/1");
  run.add_extended_from(3);
  run.set_epochs_total(6);
  const std::string page = PageOf(data);
  EXPECT_THAT(page, HasSubstr("How to get the same results"));
  EXPECT_THAT(page, HasSubstr("anneal submit --file it.textproto"));
  EXPECT_THAT(page, HasSubstr("anneal extend first/1 --epochs 6"));
}

}  // namespace
}  // namespace anneal::client::report
