// anneal report writes an HTML report about experiments.

#include "client/report/report.h"

#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/commands/command.h"
#include "client/commands/comparison_options.h"
#include "client/exporters/output_file.h"
#include "client/named_runs.h"
#include "client/plot/arms.h"
#include "common/resource_name.h"
#include "common/status.h"

namespace anneal::client::commands {
namespace {

// All runs of an experiment with no more are asked where they trained; of others, the first is.
constexpr int kMaxExaminedRuns = 200;

struct ReportOptions {
  std::vector<std::string> names;
  std::string out;
  std::string title;
  std::string question;
  v1::CompareExperimentsRequest request;  // without names
};

absl::StatusOr<std::vector<v1::Run>> FetchExamined(Connection* connection,
                                                   const v1::Experiment& experiment) {
  if (experiment.run_counts().total() <= kMaxExaminedRuns) {
    return FetchNamedRuns(connection, {experiment.name()}, v1::RUN_VIEW_FULL);
  }
  return FetchNamedRuns(connection, {absl::StrCat(experiment.name(), "/runs/0")},
                        v1::RUN_VIEW_FULL);
}

absl::StatusOr<std::vector<v1::Run>> FetchExtended(Connection* connection,
                                                   const v1::Experiment& experiment) {
  v1::ListRunsRequest request;
  request.set_parent(experiment.name());
  request.set_view(v1::RUN_VIEW_BASIC);
  request.set_filter(report::ExtendedFilter(experiment));
  return connection->ListRuns(request, /*limit=*/0);
}

absl::StatusOr<report::Submission> FetchSubmission(Connection* connection,
                                                   const std::string& typed) {
  const std::string name = ExpandName(typed);
  if (IsRunName(name)) {
    return InvalidField("experiments", absl::StrCat("include the run ", typed,
                                                    "; reports take experiments, such as ",
                                                    typed.substr(0, typed.find('/'))));
  }
  report::Submission submission;
  ANNEAL_ASSIGN_OR_RETURN(submission.experiment, connection->GetExperiment(name));
  ANNEAL_ASSIGN_OR_RETURN(submission.examined, FetchExamined(connection, submission.experiment));
  ANNEAL_ASSIGN_OR_RETURN(submission.extended, FetchExtended(connection, submission.experiment));
  const std::string& preset = submission.experiment.preset();
  if (preset.empty()) return submission;
  ANNEAL_ASSIGN_OR_RETURN(const v1::Preset found,
                          connection->GetPreset(absl::StrCat("presets/", preset)));
  submission.base = found.config();
  return submission;
}

absl::StatusOr<report::ReportData> Collect(Connection* connection, const ReportOptions& options) {
  report::ReportData data = {
      .title = options.title.empty() ? absl::StrJoin(options.names, ", ") : options.title,
      .question = options.question,
      .made = absl::FormatTime("%Y-%m-%d %H:%M UTC", absl::Now(), absl::UTCTimeZone())};
  ANNEAL_ASSIGN_OR_RETURN(data.server, connection->GetServerInfo());
  for (const std::string& typed : options.names) {
    ANNEAL_ASSIGN_OR_RETURN(data.submissions.emplace_back(), FetchSubmission(connection, typed));
  }
  v1::CompareExperimentsRequest request = options.request;
  report::CompleteRequest(data.submissions, &request);
  ANNEAL_ASSIGN_OR_RETURN(data.comparison, connection->Compare(request));
  ANNEAL_RETURN_IF_ERROR(plot::CheckRecorded(data.comparison, options.names));
  ANNEAL_ASSIGN_OR_RETURN(data.thetas, plot::FetchLastThetas(connection, data.comparison));
  return data;
}

absl::Status Report(Connection* connection, const ReportOptions& options) {
  ANNEAL_ASSIGN_OR_RETURN(const report::ReportData data, Collect(connection, options));
  ANNEAL_ASSIGN_OR_RETURN(const std::string html, report::ToHtml(data));
  exporters::OutputFile file("--out", options.out);
  file.Write(html);
  ANNEAL_RETURN_IF_ERROR(file.Finish());
  std::cout << options.out << "\n";
  return absl::OkStatus();
}

}  // namespace

void AddReportCommand(CLI::App* app, Globals* globals) {
  CLI::App* report = app->add_subcommand(
      "report",
      "Write an HTML report: tables, figures, statistics, and how to reproduce the results");
  const auto options = std::make_shared<ReportOptions>();
  report->add_option("experiments", options->names, "Experiments, such as first second")
      ->required();
  report->add_option("--out", options->out, "Output file (HTML)")->required();
  report->add_option("--title", options->title, "Title. Default: the names of the experiments");
  report->add_option("--question", options->question, "The question that the experiments answer");
  report->add_option("--metric", *options->request.mutable_metric(),
                     "Metric to compare; one of the test split adds test results to the report, "
                     "which is a look at them that is logged. Default: validation_accuracy");
  AddComparisonOptions(report, &options->request);
  report->footer("Example: anneal report first --out report.html");
  report->callback([globals, options] {
    globals->command = [options](Connection* connection) {
      const absl::Status status = Report(connection, *options);
      return status.ok() ? kSuccess : PrintError(status);
    };
  });
}

}  // namespace anneal::client::commands
