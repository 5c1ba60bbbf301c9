#include "client/report/report.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/exporters/fields.h"
#include "client/named_runs.h"
#include "client/plot/gnuplot.h"
#include "client/plot/series.h"
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
using Response = v1::CompareExperimentsResponse;
using render::EscapeHtml;

// The most arms that a figure can tell apart, and that get a panel or many lines each.
constexpr int kDrawnArms = 40;
constexpr int kDetailedArms = 12;
// Larger figures are embedded as PNG.
constexpr size_t kMaxSvgBytes = 400'000;
// Longer tables of runs are folded.
constexpr size_t kOpenRuns = 200;
// From this ratio of the largest loss to the smallest on, the axis is logarithmic.
constexpr double kLogarithmicRatio = 1000;

// The values of each run, beside the compared metric.
constexpr const char* kRunMetrics[] = {"train_loss", "validation_loss", "validation_accuracy",
                                       "theta_mean", "elapsed_seconds"};

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
.runs td:nth-child(2), .runs th:nth-child(2), .runs td:nth-child(n+4), .runs th:nth-child(n+4)
  { text-align: right; }
.runs tbody th { text-align: left; padding-top: 1rem; }
@media print { details { display: block; } body { max-width: none; } }
)";

std::string Heading(absl::string_view text) {
  return absl::StrCat("<h2>", EscapeHtml(text), "</h2>\n");
}
std::string Paragraph(absl::string_view text) {
  return absl::StrCat("<p>", EscapeHtml(text), "</p>\n");
}
std::string Paragraph(const std::vector<std::string>& sentences) {
  return sentences.empty() ? "" : Paragraph(absl::StrJoin(sentences, " "));
}
std::string Bullets(const std::vector<std::string>& items) {
  std::string html;
  for (const std::string& item : items) absl::StrAppend(&html, "<li>", EscapeHtml(item), "</li>\n");
  return html.empty() ? "" : absl::StrCat("<ul>\n", html, "</ul>\n");
}
std::string Wide(absl::string_view html) {
  return absl::StrCat("<div class=\"wide\" tabindex=\"0\">\n", html, "</div>\n");
}
std::string Preformatted(absl::string_view text) {
  return absl::StrCat("<pre tabindex=\"0\">", EscapeHtml(text), "</pre>\n");
}
std::string Folded(absl::string_view summary, absl::string_view html) {
  return absl::StrCat("<details>\n<summary>", EscapeHtml(summary), "</summary>\n", html,
                      "</details>\n");
}

// The weights that a metric of the test split is of; unspecified for others.
v1::TestResult::Weights WeightsOf(const std::string& name) {
  const auto metric = FindRunMetric("metric", name);
  if (!metric.ok() || !metric->is_of_test()) return v1::TestResult::WEIGHTS_UNSPECIFIED;
  return metric->source == Metric::Source::kBestTest ? v1::TestResult::WEIGHTS_BEST
                                                     : v1::TestResult::WEIGHTS_LAST;
}

// A drawing with thousands of points is smaller as a bitmap.
absl::StatusOr<std::string> FigureHtml(const plot::Figure& figure, absl::string_view caption) {
  ANNEAL_ASSIGN_OR_RETURN(std::string image, plot::Draw(figure, plot::Format::kSvg, {}));
  const char* type = "svg+xml";
  if (image.size() > kMaxSvgBytes) {
    ANNEAL_ASSIGN_OR_RETURN(image, plot::Draw(figure, plot::Format::kPng, {}));
    type = "png";
  }
  return absl::StrCat("<figure>\n<div class=\"wide\" tabindex=\"0\"><img alt=\"",
                      EscapeHtml(caption), "\" src=\"data:image/", type, ";base64,",
                      absl::Base64Escape(image), "\"></div>\n<figcaption>", EscapeHtml(caption),
                      "</figcaption>\n</figure>\n");
}

// Returns `7 of 10 runs succeeded (1 of them collapsed), 2 diverged, 1 missing.`
std::string OutcomeText(const Response& comparison) {
  int total = 0;
  int succeeded = 0;
  int collapsed = 0;
  int diverged = 0;
  int missing = 0;
  for (const v1::Arm& arm : comparison.arms()) {
    total += arm.total();
    succeeded += arm.succeeded();
    collapsed += arm.collapsed();
    diverged += arm.diverged();
    missing += arm.missing();
  }
  std::string text = absl::StrCat(succeeded, " of ", total, " runs succeeded");
  if (collapsed > 0) absl::StrAppend(&text, " (", collapsed, " of them collapsed)");
  if (diverged > 0) absl::StrAppend(&text, ", ", diverged, " diverged");
  if (missing > 0) absl::StrAppend(&text, ", ", missing, " missing");
  return text + ".";
}

std::string LooksText(int looks) {
  if (looks == 0) return "Nobody has looked at test results of these experiments.";
  return absl::StrCat("Test results of these experiments were looked at ", looks,
                      looks == 1 ? " time" : " times", ", summed over the experiments.");
}

std::string Summary(const ReportData& data) {
  std::string html;
  if (!data.question.empty()) html += Paragraph(data.question);
  for (const Submission& submission : data.submissions) {
    const v1::Experiment& experiment = submission.experiment;
    if (experiment.note().empty() || experiment.note() == data.question) continue;
    html += Paragraph(absl::StrCat(ShortenName(experiment.name()), ": ", experiment.note()));
  }
  return html + Paragraph(absl::StrCat(OutcomeText(data.comparison), " ",
                                       LooksText(data.comparison.looks()), " Created ", data.made,
                                       " by anneal ", kVersion, " from anneald ",
                                       data.server.version(), "."));
}

std::string Results(const ReportData& data) {
  const Response& comparison = data.comparison;
  const int arms = comparison.arms_size();
  std::string html = Heading("Results");
  if (const std::string title = render::ArmTitle(comparison); !title.empty()) {
    html += Paragraph(title);
  }
  absl::StrAppend(&html, Wide(render::ArmTable(comparison, arms).ToHtml()),
                  Paragraph(render::ArmLegend(comparison, arms)));
  if (arms > 1) {
    absl::StrAppend(&html, Paragraph(render::DifferenceTitle(comparison)),
                    Wide(render::DifferenceTable(comparison, arms).ToHtml()),
                    Paragraph(render::DifferenceLegend(comparison, arms)));
  }
  html += Bullets(render::Notes(comparison, arms));
  std::string explanation;
  for (const std::string& paragraph : render::Explanation(comparison)) {
    explanation += Paragraph(paragraph);
  }
  return html + Folded("How the numbers are computed", explanation);
}

// The comparison with only its first arms.
Response FirstArms(const Response& comparison, int count) {
  Response first = comparison;
  if (count < first.arms_size()) {
    first.mutable_arms()->DeleteSubrange(count, first.arms_size() - count);
  }
  return first;
}

std::string ArmsNote(const Response& comparison, int count) {
  if (comparison.arms_size() <= count) return "";
  return absl::StrCat(" Drawn: the first ", count, " of ", comparison.arms_size(), " arms.");
}

bool NeedsLogarithm(const Response& comparison, const std::vector<Metric>& metrics) {
  double low = std::numeric_limits<double>::infinity();
  double high = 0;
  const auto add = [&](double value) {
    if (!std::isfinite(value) || value <= 0) return;
    low = std::min(low, value);
    high = std::max(high, value);
  };
  for (const v1::Arm& arm : comparison.arms()) {
    for (const Metric& metric : metrics) {
      const v1::Curve* curve = plot::FindCurve(arm, metric.name);
      if (curve == nullptr) continue;
      for (const double mean : curve->means()) add(mean);
      for (const v1::CurveEnd& end : curve->diverged()) add(end.value());
    }
  }
  return high > kLogarithmicRatio * low;
}

struct CaptionedFigure {
  plot::Figure figure;
  std::string caption;
};

std::vector<CaptionedFigure> FiguresOf(const ReportData& data) {
  const Response drawn = FirstArms(data.comparison, kDrawnArms);
  const Response detailed = FirstArms(data.comparison, kDetailedArms);
  const std::string note = ArmsNote(data.comparison, kDrawnArms);
  const std::string detailed_note = ArmsNote(data.comparison, kDetailedArms);
  const std::vector<Metric> losses = {RunMetric("train_loss"), RunMetric("validation_loss")};
  const std::vector<Metric> accuracies = {RunMetric("validation_accuracy"),
                                          RunMetric("validation_relu_accuracy")};
  const std::string means =
      absl::StrCat(" by epoch: means over the ", plot::AveragedOver(drawn),
                   " that have the epoch (n); bands show ±1 sample standard deviation, × the last "
                   "values of runs that diverged",
                   plot::ExclusionNote(drawn), ".", note);
  const bool log = NeedsLogarithm(drawn, losses);
  std::vector<CaptionedFigure> figures = {
      {plot::Curves(drawn, losses, log), absl::StrCat("Loss", means)},
      {plot::Curves(drawn, accuracies, /*log_y=*/false),
       absl::StrCat("Validation accuracy, as trained and at θ = 0,", means)},
      {plot::Thetas(drawn, data.thetas), absl::StrCat("θ by epoch, in radians.", note)},
      {plot::Youden(drawn, losses[0], losses[1], plot::Pick::kFinal),
       absl::StrCat("Youden plot of the last epoch: points above the line have a higher validation "
                    "loss. Runs that diverged or are missing are not drawn.",
                    note)},
      {plot::Compare(drawn), absl::StrCat("The compared metric, with 95 % intervals over seeds",
                                          plot::ExclusionNote(drawn), ".", note)}};
  if (auto confusion = plot::Confusions(detailed, WeightsOf(drawn.metric())); confusion.ok()) {
    figures.push_back(
        {*std::move(confusion), absl::StrCat("Test images by true class (rows) and predicted class "
                                             "(columns), summed over runs.",
                                             detailed_note)});
  }
  if (auto landscape = plot::Landscape(detailed); landscape.ok()) {
    figures.push_back(
        {*std::move(landscape), absl::StrCat("Diagnostics of the loss landscape.", detailed_note)});
  }
  return figures;
}

absl::StatusOr<std::string> Figures(const ReportData& data) {
  std::string html = Heading("Figures");
  for (const CaptionedFigure& figure : FiguresOf(data)) {
    ANNEAL_ASSIGN_OR_RETURN(const std::string drawn, FigureHtml(figure.figure, figure.caption));
    html += drawn;
  }
  return html;
}

std::string Differences(const Response& comparison) {
  std::vector<const v1::TrainingConfig*> configs;
  for (const v1::Arm& arm : comparison.arms()) configs.push_back(&arm.config());
  const std::vector<std::string> fields = exporters::DifferingFields(configs);
  std::string html = Heading("Differences between the configs");
  if (fields.empty()) return html + Paragraph("None: all arms have the same config.");
  std::vector<render::Table::Column> columns = {{"arm", "ARM", Align::kLeft}};
  for (const std::string& field : fields) columns.push_back({field, field, Align::kLeft});
  render::Table table(std::move(columns));
  for (const v1::Arm& arm : comparison.arms()) {
    std::vector<std::string> row = {arm.name()};
    for (const std::string& field : fields) {
      row.push_back(config::GetField(arm.config(), field).value_or("-"));
    }
    table.AddRow(std::move(row));
  }
  return absl::StrCat(html, Paragraph("Of each arm's first run."), Wide(table.ToHtml()));
}

// The metrics of the table of runs.
std::vector<Metric> RunColumns(const Response& comparison) {
  std::vector<Metric> metrics;
  for (const char* name : kRunMetrics) metrics.push_back(RunMetric(name));
  const auto compared = FindRunMetric("metric", comparison.metric());
  const auto is_compared = [&](const Metric& metric) { return metric.name == compared->name; };
  if (compared.ok() && !absl::c_any_of(metrics, is_compared)) metrics.push_back(*compared);
  return metrics;
}

std::string HeaderOf(const Metric& metric) {
  return metric.name == "elapsed_seconds" ? "TIME" : render::MetricColumn(metric).header;
}

// The values of a run that diverged would be those that stand in for them.
std::string CellText(const ComparedRun& run, const Metric& metric) {
  const double value = run.ValueOf(metric.name);
  if (run.outcome == v1::RUN_OUTCOME_DIVERGED || !std::isfinite(value)) return "-";
  if (metric.name == "elapsed_seconds") return render::Duration(value);
  return render::MetricText(metric, value);
}

// Without optional end tags, which would make a third of a long table.
std::string RunRow(const ComparedRun& run, const std::vector<Metric>& metrics) {
  std::string row = absl::StrCat("<tr><td>", ShortenName(run.name), "<td>", run.seed, "<td>",
                                 EnumName(run.outcome), run.is_duplicate ? " (duplicate)" : "");
  for (const Metric& metric : metrics) absl::StrAppend(&row, "<td>", CellText(run, metric));
  return row + "\n";
}

std::string RunTable(const Response& comparison, const std::vector<ComparedRun>& runs) {
  const std::vector<Metric> metrics = RunColumns(comparison);
  std::string html = "<table class=\"runs\">\n<thead><tr><th>RUN<th>SEED<th>OUTCOME";
  for (const Metric& metric : metrics) {
    absl::StrAppend(&html, "<th>", EscapeHtml(HeaderOf(metric)));
  }
  std::vector<std::string> rows(static_cast<size_t>(comparison.arms_size()));
  for (const ComparedRun& run : runs) rows[static_cast<size_t>(run.arm)] += RunRow(run, metrics);
  for (int i = 0; i < comparison.arms_size(); ++i) {
    absl::StrAppend(&html, "\n<tbody><tr><th colspan=\"", metrics.size() + 3, "\">",
                    EscapeHtml(comparison.arms(i).name()), "\n", rows[static_cast<size_t>(i)]);
  }
  return html + "</table>\n";
}

std::string Runs(const Response& comparison) {
  const std::vector<ComparedRun> runs = ComparedRuns(comparison);
  std::string html = absl::StrCat(
      Heading("Runs"),
      Paragraph(
          "By arm. Values are of the last epoch. MISSING runs have not ended, were cancelled, "
          "or failed for the machine's reasons; a duplicate repeats an earlier run of its arm "
          "and is not counted again."));
  const std::string table = Wide(RunTable(comparison, runs));
  if (runs.size() <= kOpenRuns) return html + table;
  return html + Folded(absl::StrCat("All ", runs.size(), " runs"), table);
}

std::string Provenance(const ReportData& data) {
  const bool examined_all = absl::c_all_of(data.submissions, [](const Submission& submission) {
    return static_cast<int>(submission.examined.size()) ==
           submission.experiment.run_counts().total();
  });
  const render::Table builds = BuildTable(data.submissions);
  std::string html = Heading("Where the runs trained");
  html += Paragraph(absl::StrCat(
      "The same build, on a processor for which it uses the same vector instructions, gives "
      "bit-identical results from the same config, data and seed. ",
      examined_all ? "Of all attempts at all runs."
                   : "Only the first run was asked of experiments with many runs."));
  html += builds.rows().empty() ? Paragraph("No run has recorded where it trained.")
                                : Wide(builds.ToHtml());
  const std::set<std::string> data_sets = DataAndEngines(data.submissions);
  return html + Bullets({data_sets.begin(), data_sets.end()});
}

std::string Extensions(const std::vector<Submission>& submissions) {
  std::string commands;
  for (const Submission& submission : submissions) {
    for (const v1::Run& run : submission.extended) commands += ExtendCommands(run);
  }
  if (commands.empty()) return "";
  return absl::StrCat(
      Paragraph("Then extend the runs that were extended, with the ids of the new experiments in "
                "place of the old ones:"),
      Preformatted(commands));
}

std::string Reproduce(const ReportData& data) {
  std::string html = Heading("How to get the same results");
  std::string commands;
  std::string recorded;
  std::string configs;
  for (const Submission& submission : data.submissions) {
    const v1::Experiment& experiment = submission.experiment;
    absl::StrAppend(&commands, SubmitCommand(submission), "\n");
    if (!experiment.submit_command().empty()) {
      absl::StrAppend(&recorded, experiment.submit_command(), "\n");
    }
    configs += Folded(absl::StrCat("Config of ", ShortenName(experiment.name())),
                      Preformatted(config::ToTextFormat(experiment.config())));
  }
  absl::StrAppend(&html, Preformatted(commands), Extensions(data.submissions));
  if (!recorded.empty()) {
    absl::StrAppend(&html, Paragraph("As they were submitted, which may need files of the time:"),
                    Preformatted(recorded));
  }
  return html + configs;
}

bool RecordsDiagnostics(const Submission& submission) {
  const v1::DiagnosticsConfig& diagnostics = submission.experiment.config().diagnostics();
  return diagnostics.activations() || diagnostics.convexity() || diagnostics.hessian_every() > 0 ||
         absl::c_any_of(submission.experiment.axes(), [](const v1::SweepAxis& axis) {
           return absl::StartsWith(axis.field(), "diagnostics.");
         });
}

}  // namespace

void CompleteRequest(const std::vector<Submission>& submissions,
                     v1::CompareExperimentsRequest* request) {
  for (const Submission& submission : submissions) {
    request->add_names(submission.experiment.name());
  }
  request->set_look(v1::Look::KIND_REPORT);
  request->set_configs(true);
  for (const char* name :
       {"train_loss", "validation_loss", "validation_accuracy", "validation_relu_accuracy"}) {
    request->add_curves(name);
  }
  for (const std::string& name : plot::ThetaCurves()) request->add_curves(name);
  if (absl::c_any_of(submissions, RecordsDiagnostics)) {
    for (const std::string& name : plot::LandscapeCurves()) request->add_curves(name);
  }
  for (const char* name : kRunMetrics) request->add_run_metrics(name);
  const auto metric = FindRunMetric("--metric", request->metric());
  if (!metric.ok()) return;  // the server says so, or it is the default
  if (!absl::c_linear_search(kRunMetrics, metric->name)) request->add_run_metrics(metric->name);
  request->set_confusion(WeightsOf(metric->name));
}

absl::StatusOr<std::string> ToHtml(const ReportData& data) {
  ANNEAL_ASSIGN_OR_RETURN(const std::string figures, Figures(data));
  const std::string title = EscapeHtml(data.title);
  return absl::StrCat(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
      title, "</title>\n<style>", kStyle, "</style>\n</head>\n<body>\n<h1>", title, "</h1>\n",
      Summary(data), Results(data), figures, Differences(data.comparison), Runs(data.comparison),
      Provenance(data), Reproduce(data), "</body>\n</html>\n");
}

}  // namespace anneal::client::report
