#include "client/report/report.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/exporters/fields.h"
#include "client/plot/gnuplot.h"
#include "client/render/comparison.h"
#include "client/render/format.h"
#include "client/render/table.h"
#include "common/config/field_path.h"
#include "common/config/text.h"
#include "common/enum_name.h"
#include "common/metric.h"
#include "common/resource_name.h"
#include "common/status.h"
#include "common/version.h"

namespace anneal::client::report {
namespace {

using Align = render::Table::Align;
using render::EscapeHtml;

// The colours of figures assume a white background. Wide figures and tables scroll on narrow pages.
constexpr absl::string_view kStyle = R"(
:root { color-scheme: light dark; --text: #1b1b1b; --page: #fff; --line: #d5d5d5; --soft: #f4f4f4; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e4e4; --page: #161616; --line: #3c3c3c; --soft: #232323; }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page);
  max-width: 70rem; margin: 0 auto; padding: 1rem; }
h1 { line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 0.25rem 0.75rem 0.25rem 0; border-bottom: 1px solid var(--line);
  white-space: nowrap; vertical-align: top; }
.number { text-align: right; }
figure { margin: 1.5rem 0; }
figure img { display: block; max-width: max(100%, 44rem); height: auto; background: #fff;
  border-radius: 4px; }
figcaption { font-size: 0.875rem; margin-top: 0.5rem; }
pre { background: var(--soft); padding: 0.75rem; border-radius: 4px; overflow-x: auto;
  font-size: 0.8125rem; }
summary { cursor: pointer; }
@media print { details { display: block; } body { max-width: none; } }
)";

std::string Heading(absl::string_view text) {
  return absl::StrCat("<h2>", EscapeHtml(text), "</h2>\n");
}
std::string Paragraph(absl::string_view text) {
  return absl::StrCat("<p>", EscapeHtml(text), "</p>\n");
}
std::string Wide(const render::Table& table) {
  return absl::StrCat("<div class=\"wide\" tabindex=\"0\">\n", table.ToHtml(), "</div>\n");
}
std::string Preformatted(absl::string_view text) {
  return absl::StrCat("<pre tabindex=\"0\">", EscapeHtml(text), "</pre>\n");
}

absl::StatusOr<std::string> FigureHtml(const plot::Figure& figure, absl::string_view caption) {
  ANNEAL_ASSIGN_OR_RETURN(const std::string svg, plot::Draw(figure, plot::Format::kSvg, {}));
  return absl::StrCat("<figure>\n<div class=\"wide\" tabindex=\"0\"><img alt=\"",
                      EscapeHtml(caption), "\" src=\"data:image/svg+xml;base64,",
                      absl::Base64Escape(svg), "\"></div>\n<figcaption>", EscapeHtml(caption),
                      "</figcaption>\n</figure>\n");
}

std::string Summary(const ReportData& data) {
  int runs = 0;
  int succeeded = 0;
  for (const Submission& submission : data.submissions) {
    runs += submission.experiment.run_counts().total();
    succeeded += submission.experiment.run_counts().succeeded();
  }
  std::string html;
  if (!data.question.empty()) html += Paragraph(data.question);
  for (const Submission& submission : data.submissions) {
    const v1::Experiment& experiment = submission.experiment;
    if (experiment.note().empty() || experiment.note() == data.question) continue;
    html += Paragraph(absl::StrCat(ShortenName(experiment.name()), ": ", experiment.note()));
  }
  return absl::StrCat(
      html, Paragraph(absl::StrCat(succeeded, " of ", runs, " runs succeeded. Created ", data.made,
                                   " by anneal ", kVersion, " from anneald ", data.server.version(),
                                   ".")));
}

std::string Results(const ReportData& data) {
  const v1::CompareExperimentsResponse& comparison = data.comparison;
  std::string html =
      absl::StrCat(Heading("Results"), Wide(render::ArmTable(comparison, comparison.arms_size())),
                   Paragraph("Means ± sample standard deviations over succeeded runs."));
  if (comparison.arms_size() > 1) {
    absl::StrAppend(
        &html, Wide(render::DifferenceTable(comparison, comparison.arms_size())),
        Paragraph(absl::StrCat(
            render::MetricWithDirection(comparison), ", paired by seed with ",
            comparison.baseline(),
            ". Intervals: 95 % bootstrap. P: two-sided randomisation test (sign flips); Holm: "
            "corrected for multiple comparisons. P(better): probability that a run of the arm is "
            "better than a run of the baseline.")));
  }
  return html;
}

absl::StatusOr<std::string> Figures(const ReportData& data) {
  const Metric& train_loss = RunMetric("train_loss");
  const Metric& loss = RunMetric("validation_loss");
  const Metric& accuracy = RunMetric("validation_accuracy");
  std::vector<std::pair<plot::Figure, std::string>> figures;
  figures.emplace_back(plot::Curves(data.arms, {train_loss, loss, accuracy}, /*log_y=*/false),
                       "Means over seeds by epoch; bands show ±1 sample standard deviation.");
  figures.emplace_back(plot::Thetas(data.arms, data.thetas), "θ by epoch, in radians.");
  figures.emplace_back(
      plot::Youden(data.arms, train_loss, loss, plot::Pick::kFinal),
      "Youden plot of the last epoch: points above the line have a higher validation loss.");
  figures.emplace_back(plot::Compare(data.comparison, data.arms),
                       "The compared metric, with 95 % bootstrap intervals.");
  if (auto confusion = plot::Confusions(data.arms, v1::TestResult::WEIGHTS_LAST); confusion.ok()) {
    figures.emplace_back(*std::move(confusion),
                         "Test images by true class (rows) and predicted class (columns).");
  }
  if (auto landscape = plot::Landscape(data.arms); landscape.ok()) {
    figures.emplace_back(*std::move(landscape), "Diagnostics of the loss landscape.");
  }
  std::string html = Heading("Figures");
  for (const auto& [figure, caption] : figures) {
    ANNEAL_ASSIGN_OR_RETURN(const std::string drawn, FigureHtml(figure, caption));
    html += drawn;
  }
  return html;
}

std::string Differences(const ReportData& data) {
  std::vector<const v1::TrainingConfig*> configs;
  for (const plot::ArmData& arm : data.arms) configs.push_back(&arm.runs[0].run.config());
  const std::vector<std::string> fields = exporters::DifferingFields(configs);
  std::string html = Heading("Differences between the configs");
  if (fields.empty()) return html + Paragraph("None: all runs have the same config.");
  std::vector<render::Table::Column> columns = {{"field", "FIELD", Align::kLeft}};
  for (const plot::ArmData& arm : data.arms) columns.push_back({arm.name, arm.name, Align::kLeft});
  render::Table table(std::move(columns));
  for (const std::string& field : fields) {
    std::vector<std::string> row = {field};
    for (const v1::TrainingConfig* config : configs) {
      row.push_back(config::GetField(*config, field).value_or("-"));
    }
    table.AddRow(std::move(row));
  }
  return html + Wide(table);
}

std::string Runs(const ReportData& data) {
  render::Table table({{"run", "RUN", Align::kLeft},
                       {"arm", "ARM", Align::kLeft},
                       {"seed", "SEED"},
                       {"state", "STATE", Align::kLeft},
                       {"epochs", "EPOCHS"},
                       render::MetricColumn("train_loss"),
                       render::MetricColumn("validation_loss"),
                       render::MetricColumn("validation_accuracy"),
                       render::MetricColumn("test_accuracy"),
                       {"theta", "θ"},
                       {"seconds", "TIME"}});
  for (const plot::ArmData& arm : data.arms) {
    for (const plot::RunData& with_epochs : arm.runs) {
      const v1::Run& run = with_epochs.run;
      table.AddRow({ShortenName(run.name()), arm.name, absl::StrCat(run.seed()),
                    run.has_failure() ? absl::StrCat("FAILED: ", run.failure().message())
                                      : EnumName(run.state()),
                    absl::StrCat(run.epochs_done(), "/", run.epochs_total()),
                    render::MetricText("train_loss", run),
                    render::MetricText("validation_loss", run),
                    render::MetricText("validation_accuracy", run),
                    render::MetricText("test_accuracy", run), render::MetricText("theta_mean", run),
                    render::Duration(run.last_epoch().elapsed_seconds())});
    }
  }
  return absl::StrCat(Heading("Runs"), Wide(table));
}

std::string Reproduce(const ReportData& data) {
  std::string html = Heading("How to reproduce the results");
  html += Paragraph(
      "The same version on the same kind of processor reproduces bit-identical results from the "
      "same config and seed. anneal show RUN prints the data set's SHA-256 and the engine.");
  std::string commands;
  for (const Submission& submission : data.submissions) {
    absl::StrAppend(&commands, SubmitCommand(submission), "\n");
  }
  html += Preformatted(commands);
  for (const Submission& submission : data.submissions) {
    absl::StrAppend(&html, "<details>\n<summary>Config of ",
                    EscapeHtml(ShortenName(submission.experiment.name())), "</summary>\n",
                    Preformatted(config::ToTextFormat(submission.experiment.config())),
                    "</details>\n");
  }
  return html;
}

}  // namespace

std::string SeedsText(const google::protobuf::RepeatedField<int64_t>& seeds) {
  bool is_range = seeds.size() > 1;
  for (int i = 1; i < seeds.size(); ++i) is_range = is_range && seeds[i] - seeds[i - 1] == 1;
  return is_range ? absl::StrCat(seeds[0], "..", seeds[seeds.size() - 1])
                  : absl::StrJoin(seeds, ",");
}

std::string SubmitCommand(const Submission& submission) {
  const v1::Experiment& experiment = submission.experiment;
  std::string options;
  for (const v1::SweepAxis& axis : experiment.axes()) {
    absl::StrAppend(
        &options, " --sweep ",
        exporters::ShellWord(absl::StrCat(axis.field(), "=", absl::StrJoin(axis.values(), ","))));
  }
  if (!experiment.seeds().empty()) {
    absl::StrAppend(&options, " --seeds ", SeedsText(experiment.seeds()));
  }
  const std::optional<std::string> fields =
      exporters::SubmitArguments(experiment.preset(), submission.base, experiment.config());
  if (fields.has_value()) return absl::StrCat("anneal submit", *fields, options);
  return absl::StrCat("anneal submit --file -", options, " <<'END'\n",
                      config::ToTextFormat(experiment.config()), "END");
}

absl::StatusOr<std::string> ToHtml(const ReportData& data) {
  ANNEAL_ASSIGN_OR_RETURN(const std::string figures, Figures(data));
  const std::string title = EscapeHtml(data.title);
  return absl::StrCat(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
      title, "</title>\n<style>", kStyle, "</style>\n</head>\n<body>\n<h1>", title, "</h1>\n",
      Summary(data), Results(data), figures, Differences(data), Runs(data), Reproduce(data),
      "</body>\n</html>\n");
}

}  // namespace anneal::client::report
