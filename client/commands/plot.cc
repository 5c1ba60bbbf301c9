// anneal plot draws figures of recorded runs in the terminal, or as SVG or PNG.

#include <cstdio>
#include <functional>
#include <iostream>
#include <map>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/commands/command.h"
#include "client/commands/comparison_options.h"
#include "client/exporters/output_file.h"
#include "client/plot/arms.h"
#include "client/plot/figures.h"
#include "client/plot/gnuplot.h"
#include "client/plot/terminal.h"
#include "client/render/terminal.h"
#include "common/config/validation.h"
#include "common/resource_name.h"
#include "common/status.h"

namespace anneal::client::commands {
namespace {

struct PlotOptions {
  std::vector<std::string> names;
  std::string out;
  std::string title;
  plot::Size size;
  // Options of single kinds of plot.
  std::vector<std::string> metrics = {"validation_loss", "train_loss"};
  bool log_y = false;
  std::string x = "train_loss";
  std::string y = "validation_loss";
  plot::Pick pick = plot::Pick::kFinal;
  v1::CompareExperimentsRequest request;  // without names
  v1::TestResult::Weights weights = v1::TestResult::WEIGHTS_LAST;
};

using MakeFigure =
    std::function<absl::StatusOr<plot::Figure>(Connection* connection, const PlotOptions& options)>;

plot::TerminalOptions Terminal() {
  const render::Terminal terminal = render::TerminalOf(stdout);
  plot::TerminalOptions options;
  options.color = terminal.has_color;
  if (terminal.width > 0) options.width = static_cast<int>(terminal.width);
  return options;
}

absl::Status ShowFigure(const plot::Figure& figure, const PlotOptions& options) {
  if (options.out.empty()) {
    ANNEAL_ASSIGN_OR_RETURN(const std::string text, plot::DrawInTerminal(figure, Terminal()));
    std::cout << text;
    return absl::OkStatus();
  }
  const plot::Format format =
      absl::EndsWith(options.out, ".png") ? plot::Format::kPng : plot::Format::kSvg;
  ANNEAL_ASSIGN_OR_RETURN(const std::string image, plot::Draw(figure, format, options.size));
  exporters::OutputFile file("--out", options.out);
  file.Write(image);
  ANNEAL_RETURN_IF_ERROR(file.Finish());
  std::cout << options.out << "\n";
  return absl::OkStatus();
}

int Plot(Connection* connection, const PlotOptions& options, const MakeFigure& make) {
  absl::StatusOr<plot::Figure> figure = make(connection, options);
  if (!figure.ok()) return PrintError(figure.status());
  if (!options.title.empty()) figure->title = options.title;
  const absl::Status shown = ShowFigure(*figure, options);
  return shown.ok() ? kSuccess : PrintError(shown);
}

// The request for a figure of arms; their configs determine the colours.
v1::CompareExperimentsRequest RequestOf(const PlotOptions& options) {
  v1::CompareExperimentsRequest request = options.request;
  request.set_configs(true);
  request.set_look(v1::Look::KIND_PLOT);
  return request;
}

absl::StatusOr<v1::CompareExperimentsResponse> Recorded(
    Connection* connection, const PlotOptions& options,
    const v1::CompareExperimentsRequest& request) {
  ANNEAL_ASSIGN_OR_RETURN(auto comparison, plot::FetchArms(connection, options.names, request));
  ANNEAL_RETURN_IF_ERROR(plot::CheckRecorded(comparison, options.names));
  return comparison;
}

absl::StatusOr<v1::CompareExperimentsResponse> WithCurves(Connection* connection,
                                                          const PlotOptions& options,
                                                          const std::vector<std::string>& curves) {
  v1::CompareExperimentsRequest request = RequestOf(options);
  request.mutable_curves()->Assign(curves.begin(), curves.end());
  return Recorded(connection, options, request);
}

absl::StatusOr<plot::Figure> Curves(Connection* connection, const PlotOptions& options) {
  std::vector<Metric> metrics;
  for (const std::string& name : options.metrics) {
    ANNEAL_ASSIGN_OR_RETURN(metrics.emplace_back(), FindEpochMetric("--metric", name));
  }
  ANNEAL_ASSIGN_OR_RETURN(const auto comparison, WithCurves(connection, options, options.metrics));
  return plot::Curves(comparison, metrics, options.log_y);
}

absl::StatusOr<plot::Figure> ThetaCurves(Connection* connection, const PlotOptions& options) {
  ANNEAL_ASSIGN_OR_RETURN(const auto comparison,
                          WithCurves(connection, options, plot::ThetaCurves()));
  ANNEAL_ASSIGN_OR_RETURN(const auto thetas, plot::FetchLastThetas(connection, comparison));
  return plot::Thetas(comparison, thetas);
}

absl::StatusOr<plot::Figure> Youden(Connection* connection, const PlotOptions& options) {
  ANNEAL_ASSIGN_OR_RETURN(const Metric x, FindEpochMetric("--x", options.x));
  ANNEAL_ASSIGN_OR_RETURN(const Metric y, FindEpochMetric("--y", options.y));
  v1::CompareExperimentsRequest request = RequestOf(options);
  request.add_run_metrics(plot::PickedName(x, options.pick));
  request.add_run_metrics(plot::PickedName(y, options.pick));
  ANNEAL_ASSIGN_OR_RETURN(const auto comparison, Recorded(connection, options, request));
  return plot::Youden(comparison, x, y, options.pick);
}

// Statistics are of whole experiments: the daemon computes them.
absl::StatusOr<plot::Figure> ComparisonOf(Connection* connection, const PlotOptions& options) {
  v1::CompareExperimentsRequest request = RequestOf(options);
  for (const std::string& name : options.names) request.add_names(ExpandName(name));
  ANNEAL_ASSIGN_OR_RETURN(const auto comparison, connection->Compare(request));
  return plot::Compare(comparison);
}

// Resolves the config by a dry-run submission, which also returns the steps per epoch.
absl::StatusOr<plot::Figure> Schedule(Connection* connection, const PlotOptions& options) {
  std::vector<plot::Schedule> schedules;
  for (const std::string& name : options.names) {
    v1::CreateExperimentRequest request;
    request.set_validate_only(true);
    v1::TrainingConfig* config = request.mutable_experiment()->mutable_config();
    if (const auto preset = connection->GetPreset(absl::StrCat("presets/", name)); preset.ok()) {
      *config = preset->config();
    } else {
      ANNEAL_ASSIGN_OR_RETURN(const v1::Experiment experiment,
                              connection->GetExperiment(ExpandName(name)));
      *config = experiment.config();
    }
    ANNEAL_ASSIGN_OR_RETURN(const v1::Experiment preview, connection->Create(request));
    schedules.push_back({.name = name,
                         .config = config::ResolveConfig(*config),
                         .steps_per_epoch = preview.steps_per_epoch()});
  }
  return plot::Schedules(schedules);
}

absl::StatusOr<plot::Figure> Confusion(Connection* connection, const PlotOptions& options) {
  v1::CompareExperimentsRequest request = RequestOf(options);
  // Names the look in the log.
  const bool last = options.weights == v1::TestResult::WEIGHTS_LAST;
  request.set_metric(last ? "test_accuracy" : "best_test_accuracy");
  request.set_confusion(options.weights);
  ANNEAL_ASSIGN_OR_RETURN(const auto comparison,
                          plot::FetchArms(connection, options.names, request));
  return plot::Confusions(comparison, options.weights);
}

absl::StatusOr<plot::Figure> Landscape(Connection* connection, const PlotOptions& options) {
  ANNEAL_ASSIGN_OR_RETURN(const auto comparison,
                          WithCurves(connection, options, plot::LandscapeCurves()));
  return plot::Landscape(comparison);
}

// Adds a kind of plot with the common options.
CLI::App* AddKind(CLI::App* plot, Globals* globals, const std::string& name,
                  const std::string& description, const std::string& example,
                  const std::shared_ptr<PlotOptions>& options, MakeFigure make) {
  CLI::App* kind = plot->add_subcommand(name, description);
  kind->add_option("names", options->names, "Experiments or runs, such as first second/0")
      ->required();
  kind->add_option("--out", options->out,
                   "Write an image, *.svg or *.png, instead of drawing in the terminal")
      ->check(
          [](const std::string& path) {
            return absl::EndsWith(path, ".svg") || absl::EndsWith(path, ".png")
                       ? std::string()
                       : absl::StrCat("--out is ", path, "; expected *.svg or *.png");
          },
          "FILE");
  kind->add_option("--title", options->title, "Title of the figure");
  kind->add_option("--width", options->size.width, "Width of the image in pixels")
      ->check(CLI::Range(200, 10'000));
  kind->add_option("--height", options->size.height, "Height of the image in pixels")
      ->check(CLI::Range(150, 10'000));
  kind->footer(absl::StrCat("Example: anneal plot ", example));
  kind->callback([globals, options, make = std::move(make)] {
    globals->command = [options, make](Connection* connection) {
      return Plot(connection, *options, make);
    };
  });
  return kind;
}

void AddYouden(CLI::App* plot, Globals* globals, const std::shared_ptr<PlotOptions>& options) {
  CLI::App* youden =
      AddKind(plot, globals, "youden", "Plot one metric against another, one point per run",
              "youden first --x train_loss --y validation_loss", options, Youden);
  AddGroupingOption(youden, &options->request);
  youden->add_option("--x", options->x, "Metric on the x axis")->capture_default_str();
  youden->add_option("--y", options->y, "Metric on the y axis")->capture_default_str();
  const std::map<std::string, plot::Pick> picks = {{"final", plot::Pick::kFinal},
                                                   {"min", plot::Pick::kMin},
                                                   {"max", plot::Pick::kMax},
                                                   {"mean", plot::Pick::kMean}};
  youden
      ->add_option("--at", options->pick,
                   "Value of each run: final, min, max or mean over its epochs")
      ->transform(CLI::CheckedTransformer(picks));
}

}  // namespace

void AddPlotCommands(CLI::App* app, Globals* globals) {
  CLI::App* plot =
      app->add_subcommand("plot", "Plot recorded runs in the terminal, or as SVG or PNG files");
  plot->require_subcommand(1);
  const auto options = std::make_shared<PlotOptions>();

  CLI::App* curves = AddKind(plot, globals, "curves",
                             "Plot metrics by epoch: mean and standard deviation over runs",
                             "curves first --metric validation_loss,train_loss", options, Curves);
  AddGroupingOption(curves, &options->request);
  curves
      ->add_option("--metric", options->metrics,
                   "Metrics, such as validation_loss,train_loss,validation_accuracy")
      ->delimiter(',');
  curves->add_flag("--log", options->log_y, "Use a logarithmic y axis");

  AddGroupingOption(
      AddKind(plot, globals, "theta", "Plot θ by epoch, and its distribution by layer",
              "theta first", options, ThetaCurves),
      &options->request);

  AddYouden(plot, globals, options);

  CLI::App* compare = AddKind(plot, globals, "compare",
                              "Plot means and differences to a baseline, with confidence intervals",
                              "compare first --metric validation_loss", options, ComparisonOf);
  AddComparisonOptions(compare, &options->request);
  compare->add_option("--metric", *options->request.mutable_metric(),
                      "Metric; naming one of the test split is a look at test results, which is "
                      "logged. Default: validation_accuracy");

  AddKind(plot, globals, "schedule",
          "Plot the schedules of θ and learning rate of presets or experiments",
          "schedule annealed baseline", options, Schedule);

  CLI::App* confusion =
      AddKind(plot, globals, "confusion",
              "Plot confusion matrices on test data; a look at test results, which is logged",
              "confusion first", options, Confusion);
  AddGroupingOption(confusion, &options->request);
  const std::map<std::string, v1::TestResult::Weights> weights = {
      {"last", v1::TestResult::WEIGHTS_LAST}, {"best", v1::TestResult::WEIGHTS_BEST}};
  confusion->add_option("--weights", options->weights, "Weights to evaluate: last or best")
      ->transform(CLI::CheckedTransformer(weights));

  CLI::App* landscape =
      AddKind(plot, globals, "landscape", "Plot the recorded diagnostics of the loss landscape", "",
              options, Landscape);
  AddGroupingOption(landscape, &options->request);
  landscape->footer(
      "Example: anneal submit --preset annealed --set epochs=3 --set diagnostics.activations=true "
      "--set diagnostics.convexity=true --id observed -f && anneal plot landscape observed");
}

}  // namespace anneal::client::commands
