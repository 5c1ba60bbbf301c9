// anneal show prints all details of one experiment or run.

#include <iostream>
#include <map>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/commands/command.h"
#include "client/commands/network_table.h"
#include "client/render/flatten.h"
#include "client/render/format.h"
#include "common/config/text.h"
#include "common/enum_name.h"
#include "common/json_text.h"
#include "common/metric.h"
#include "common/resource_name.h"

namespace anneal::client::commands {
namespace {

using Align = render::Table::Align;

// Formats `name: value` lines with aligned values; omits empty values.
class Fields {
 public:
  void Add(const std::string& name, const std::string& value) {
    if (value.empty()) return;
    absl::StrAppend(&text_, render::Pad(name + ":", 14, Align::kLeft), " ", value, "\n");
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string Pairs(const google::protobuf::Map<std::string, std::string>& map) {
  return absl::StrJoin(std::map<std::string, std::string>(map.begin(), map.end()), " ",
                       absl::PairFormatter("="));
}

std::string ConfigText(const v1::TrainingConfig& config) {
  return absl::StrCat("\nConfig\n", config::ToTextFormat(config));
}

std::string ExperimentText(const v1::Experiment& experiment) {
  const v1::RunCounts& counts = experiment.run_counts();
  Fields fields;
  fields.Add("name", ShortenName(experiment.name()));
  fields.Add("state", EnumName(experiment.state()));
  fields.Add("runs",
             absl::StrCat(counts.total(), ": ", counts.pending(), " pending, ", counts.running(),
                          " running, ", counts.suspended(), " suspended, ", counts.succeeded(),
                          " succeeded, ", counts.failed(), " failed (", counts.diverged(),
                          " diverged), ", counts.cancelled(), " cancelled"));
  fields.Add("preset", experiment.preset());
  fields.Add("seeds", absl::StrJoin(experiment.seeds(), ","));
  for (const v1::SweepAxis& axis : experiment.axes()) {
    fields.Add("sweep", absl::StrCat(axis.field(), "=", absl::StrJoin(axis.values(), ",")));
  }
  fields.Add("labels", Pairs(experiment.labels()));
  fields.Add("note", experiment.note());
  fields.Add("priority", absl::StrCat(experiment.priority()));
  fields.Add("user", experiment.user());
  fields.Add("submitted by", experiment.submit_command());
  fields.Add("locked", experiment.locked() ? "against deletion" : "");
  fields.Add("looks", absl::StrCat(experiment.looks(), " at its test results"));
  fields.Add("created", render::Time(experiment.create_time()) + " UTC");
  if (experiment.has_delete_time()) {
    fields.Add("deleted", render::Time(experiment.delete_time()) + " UTC");
  }
  return absl::StrCat(fields.text(), "\n", NetworkTable(experiment.network()),
                      ConfigText(experiment.config()));
}

std::string ConfusionText(const v1::TestResult& result) {
  const int classes = result.classes_size();
  std::vector<render::Table::Column> columns = {{"class", "CLASS"}};
  for (int i = 0; i < classes; ++i) columns.push_back({absl::StrCat(i), absl::StrCat(i)});
  render::Table confusion(std::move(columns));
  render::Table metrics({{"class", "CLASS"},
                         render::MetricColumn("test_precision", 0, "PRECISION"),
                         render::MetricColumn("test_recall", 0, "RECALL"),
                         render::MetricColumn("test_f1", 0, "F1")});
  for (int actual = 0; actual < classes; ++actual) {
    std::vector<std::string> row = {absl::StrCat(actual)};
    for (int predicted = 0; predicted < classes; ++predicted) {
      row.push_back(absl::StrCat(result.confusion(actual * classes + predicted)));
    }
    confusion.AddRow(std::move(row));
    const v1::ClassMetrics& own = result.classes(actual);
    metrics.AddRow({absl::StrCat(actual), render::MetricText("test_precision", own.precision()),
                    render::MetricText("test_recall", own.recall()),
                    render::MetricText("test_f1", own.f1())});
  }
  return absl::StrCat("Rows are the true classes, columns the predicted ones.\n",
                      confusion.ToText(), metrics.ToText());
}

// At theta = 0, where that is measured.
std::string ReluText(const v1::TestResult& result) {
  if (!result.has_relu_accuracy()) return "";
  return absl::StrFormat(
      "At θ = 0: loss %.4f, accuracy %s %%, macro precision %s %%, recall %s %%, F1 %s %%\n",
      result.relu_loss(), render::Percent(result.relu_accuracy()),
      render::Percent(result.relu_precision()), render::Percent(result.relu_recall()),
      render::Percent(result.relu_f1()));
}

// Returns one line of scores, and more lines where there is more to say.
std::string ScoresText(const v1::TestResult& result) {
  const bool last = result.weights() == v1::TestResult::WEIGHTS_LAST;
  return absl::StrCat(
      absl::StrFormat("%s weights (epoch %d): loss %.4f, accuracy %s %%, macro precision %s %%, "
                      "recall %s %%, F1 %s %%\n",
                      last ? "last" : "best-validation", result.epoch(), result.loss(),
                      render::Percent(result.accuracy()), render::Percent(result.precision()),
                      render::Percent(result.recall()), render::Percent(result.f1())),
      ReluText(result),
      result.no_eligible_epoch() ? "In no epoch was θ at its schedule's end, from which the best "
                                   "weights are chosen: these are the last weights.\n"
                                 : "");
}

std::string TestText(const v1::TestResult& result) {
  return absl::StrCat("\nTest, ", ScoresText(result), ConfusionText(result));
}

std::string EarlierTestText(const v1::TestResult& result) {
  return absl::StrCat("\nEarlier test, of the run of ", result.run_epochs(), " epochs, ",
                      ScoresText(result));
}

std::string CommitText(const v1::Provenance& provenance) {
  if (provenance.git_commit().empty()) return "unknown commit";
  return absl::StrCat("commit ", provenance.git_commit(),
                      provenance.git_dirty() ? " with uncommitted changes" : "");
}

std::string AttemptText(const v1::Attempt& attempt) {
  const v1::Provenance& by = attempt.provenance();
  std::string text = absl::StrCat(
      "  ", attempt.number(), ": ",
      attempt.has_start_time() ? render::Time(attempt.start_time()) + " UTC, " : "", "after epoch ",
      attempt.first_epoch(), attempt.starts_over() ? ", began anew" : "", "\n");
  if (!attempt.has_provenance()) return text + "     not recorded\n";
  return absl::StrCat(text, "     anneald ", by.version(), ", ", CommitText(by), ", ",
                      by.compiler(), ", LibTorch ", by.libtorch(), ", ", by.simd_target(),
                      "\n     ", by.cpu_model(), ", host ", by.host(), ", worker ", by.worker(),
                      "\n");
}

std::string AttemptsText(const v1::Run& run) {
  std::string text = run.attempt_log().empty() ? "" : "\nAttempts\n";
  for (const v1::Attempt& attempt : run.attempt_log()) text += AttemptText(attempt);
  return text;
}

std::string LastEpochText(const v1::Epoch& epoch) {
  if (epoch.epoch() == 0) return "";
  std::string text = absl::StrCat("\nLast epoch\n");
  for (const auto& [name, value] : render::Flatten(epoch)) {
    if (!value.empty()) {
      absl::StrAppend(&text, "  ", render::Pad(name, 30, Align::kLeft), value, "\n");
    }
  }
  return text;
}

// The values of other epochs that the text has.
constexpr const char* kBest = "best.validation_accuracy";
constexpr const char* kLowest = "min.validation_loss";

// Returns `98.76 % in epoch 7`; nothing without a value.
std::string MetricInEpoch(const v1::Run& run, const char* name) {
  const auto found = run.metrics().find(name);
  const auto metric = FindRunMetric("metrics", name);
  if (found == run.metrics().end() || !metric.ok()) return "";
  return absl::StrCat(render::MetricText(*metric, found->second.value()),
                      metric->percent ? " %" : "", " in epoch ", found->second.epoch());
}

// Returns `from 3, then 6 epochs`.
std::string ExtensionsText(const v1::Run& run) {
  if (run.extended_from().empty()) return "";
  return absl::StrCat("from ", absl::StrJoin(run.extended_from(), ", then "), " epochs");
}

std::string Digest(const std::string& sha256) {
  return sha256.empty() ? "" : absl::StrCat("sha256 ", sha256);
}

std::string RunText(const v1::Run& run) {
  Fields fields;
  fields.Add("name", ShortenName(run.name()));
  fields.Add("state", EnumName(run.state()));
  if (run.has_failure()) {
    fields.Add("failure",
               absl::StrCat(EnumName(run.failure().reason()), ": ", run.failure().message()));
  }
  fields.Add("collapsed", run.collapsed() ? "predicts one class for all validation images" : "");
  if (run.has_queue_position()) {
    fields.Add("queue", absl::StrCat(run.queue_position(), " runs ahead"));
  }
  fields.Add("seed", absl::StrCat(run.seed()));
  fields.Add("sweep", Pairs(run.parameters()));
  fields.Add("epochs", absl::StrCat(run.epochs_done(), " of ", run.epochs_total()));
  fields.Add("extended", ExtensionsText(run));
  fields.Add("best val acc", MetricInEpoch(run, kBest));
  fields.Add("min val loss", MetricInEpoch(run, kLowest));
  fields.Add("attempts", absl::StrCat(run.attempts()));
  fields.Add("engine", run.engine());
  fields.Add("data sha256", run.dataset_sha256());
  fields.Add("weights", Digest(run.weights_sha256()));
  fields.Add("best weights", Digest(run.best_weights_sha256()));
  fields.Add("labels", Pairs(run.labels()));
  fields.Add("note", run.note());
  fields.Add("created", render::Time(run.create_time()) + " UTC");
  if (run.has_start_time()) fields.Add("started", render::Time(run.start_time()) + " UTC");
  if (run.has_end_time()) fields.Add("ended", render::Time(run.end_time()) + " UTC");
  std::string text = absl::StrCat(fields.text(), AttemptsText(run));
  if (run.has_network()) absl::StrAppend(&text, "\n", NetworkTable(run.network()));
  absl::StrAppend(&text, LastEpochText(run.last_epoch()));
  for (const v1::TestResult& result : run.test_results()) absl::StrAppend(&text, TestText(result));
  for (const v1::TestResult& result : run.earlier_test_results()) {
    absl::StrAppend(&text, EarlierTestText(result));
  }
  return absl::StrCat(text, ConfigText(run.config()));
}

template <typename Resource>
int PrintOne(const ListOptions& options, const absl::StatusOr<Resource>& resource,
             std::string (*to_text)(const Resource&)) {
  if (!resource.ok()) return PrintError(resource.status());
  if (options.output == "table" && !options.quiet) {
    std::cout << to_text(*resource);
    return kSuccess;
  }
  if (options.output == "json" && !options.quiet) {
    std::cout << ToJson(*resource, {.pretty = true, .unset_fields = true});
    return kSuccess;
  }
  const render::Table csv = render::FlatTable({&*resource}, *resource);
  return Print(options, {.table = &csv, .messages = {&*resource}, .names = {resource->name()}});
}

int Show(Connection* connection, const std::string& typed, const ListOptions& options) {
  const std::string name = ExpandName(typed);
  if (!IsRunName(name)) return PrintOne(options, connection->GetExperiment(name), ExperimentText);
  const bool is_text = options.output == "table" && !options.quiet;
  const std::vector<std::string> metrics =
      is_text ? std::vector<std::string>{kBest, kLowest} : std::vector<std::string>{"*"};
  return PrintOne(options, connection->GetRun(name, metrics), RunText);
}

}  // namespace

void AddShowCommand(CLI::App* app, Globals* globals) {
  CLI::App* show = app->add_subcommand("show", "Show all details of an experiment or run");
  const auto name = std::make_shared<std::string>();
  const auto options = std::make_shared<ListOptions>();
  show->add_option("name", *name, "Experiment or run, such as first or first/0")->required();
  AddOutputOption(show, options.get());
  show->footer("Example: anneal show first/0");
  show->callback([globals, name, options] {
    globals->command = [name, options](Connection* connection) {
      return Show(connection, *name, *options);
    };
  });
}

}  // namespace anneal::client::commands
