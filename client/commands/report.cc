// anneal report writes an HTML report about experiments.

#include "client/report/report.h"

#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/commands/command.h"
#include "client/exporters/output_file.h"
#include "client/plot/arms.h"
#include "common/resource_name.h"
#include "common/status.h"

namespace anneal::client::commands {
namespace {

struct ReportOptions {
  std::vector<std::string> names;
  std::string out;
  std::string title;
  std::string question;
  std::vector<std::string> by;
  v1::CompareExperimentsRequest compare;
};

absl::StatusOr<report::ReportData> Collect(Connection* connection, const ReportOptions& options) {
  report::ReportData data = {
      .title = options.title.empty() ? absl::StrJoin(options.names, ", ") : options.title,
      .question = options.question,
      .made = absl::FormatTime("%Y-%m-%d %H:%M UTC", absl::Now(), absl::UTCTimeZone())};
  ANNEAL_ASSIGN_OR_RETURN(data.server, connection->GetServerInfo());
  v1::CompareExperimentsRequest request = options.compare;
  request.mutable_group_by()->Assign(options.by.begin(), options.by.end());
  for (const std::string& typed : options.names) {
    const std::string name = ExpandName(typed);
    if (IsRunName(name)) {
      return InvalidField("experiments", absl::StrCat("include the run ", typed,
                                                      "; reports take experiments, such as ",
                                                      typed.substr(0, typed.find('/'))));
    }
    request.add_names(name);
    report::Submission& submission = data.submissions.emplace_back();
    ANNEAL_ASSIGN_OR_RETURN(submission.experiment, connection->GetExperiment(name));
    const std::string& preset = submission.experiment.preset();
    if (preset.empty()) continue;
    ANNEAL_ASSIGN_OR_RETURN(const v1::Preset found,
                            connection->GetPreset(absl::StrCat("presets/", preset)));
    submission.base = found.config();
  }
  ANNEAL_ASSIGN_OR_RETURN(auto runs,
                          plot::FetchRuns(connection, options.names, /*with_epochs=*/true));
  ANNEAL_ASSIGN_OR_RETURN(data.comparison, connection->Compare(request));
  ANNEAL_ASSIGN_OR_RETURN(data.arms, plot::SortIntoArms(std::move(runs), data.comparison));
  ANNEAL_ASSIGN_OR_RETURN(data.thetas, plot::FetchLastThetas(connection, data.arms));
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
  report->add_option("--metric", *options->compare.mutable_metric(),
                     "Metric to compare. Default: test_accuracy");
  report
      ->add_option("--by", options->by,
                   "Group runs into arms by fields such as theta.policy or experiment. Default: "
                   "experiment and sweep values")
      ->delimiter(',');
  report->add_option("--baseline", *options->compare.mutable_baseline(),
                     "Arm to compare with, by name. Default: the first");
  report->footer("Example: anneal report first --out report.html");
  report->callback([globals, options] {
    globals->command = [options](Connection* connection) {
      const absl::Status status = Report(connection, *options);
      return status.ok() ? kSuccess : PrintError(status);
    };
  });
}

}  // namespace anneal::client::commands
