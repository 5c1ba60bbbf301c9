// anneal list lists experiments, or runs of one or all experiments.

#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "client/commands/command.h"
#include "client/render/flatten.h"
#include "client/render/format.h"
#include "common/enum_name.h"
#include "common/metric.h"
#include "common/number_text.h"
#include "common/resource_name.h"
#include "common/status.h"

namespace anneal::client::commands {
namespace {

using Align = render::Table::Align;

template <typename Item>
std::vector<const google::protobuf::Message*> Pointers(const std::vector<Item>& items) {
  std::vector<const google::protobuf::Message*> pointers;
  for (const Item& item : items) pointers.push_back(&item);
  return pointers;
}

// Prints `items`, which the tables already contain.
template <typename Item>
int PrintItems(const ListOptions& options, const render::Table& table, const render::Table& csv,
               const std::vector<Item>& items) {
  Listing listing{.table = &table, .csv = &csv, .messages = Pointers(items)};
  for (const Item& item : items) listing.names.push_back(item.name());
  return Print(options, listing);
}

struct ListCommand {
  std::string experiment;
  std::string filter;
  std::string order_by;
  bool deleted = false;
  ListOptions options;
};

int ListExperiments(Connection* connection, const ListCommand& command) {
  v1::ListExperimentsRequest request;
  request.set_filter(command.filter);
  request.set_order_by(command.order_by);
  request.set_show_deleted(command.deleted);
  const ListOptions& options = command.options;
  const auto experiments = connection->ListExperiments(request, options.limit);
  if (!experiments.ok()) return PrintError(experiments.status());
  render::Table table({{"name", "EXPERIMENT", Align::kLeft},
                       {"state", "STATE", Align::kLeft},
                       {"ended", "ENDED"},
                       {"failed", "FAILED"},
                       {"diverged", "DIVERGED"},
                       {"preset", "PRESET", Align::kLeft, 1},
                       {"user", "USER", Align::kLeft, 2},
                       {"created", "CREATED", Align::kLeft, 3}});
  for (const v1::Experiment& experiment : *experiments) {
    const v1::RunCounts& counts = experiment.run_counts();
    const int ended = counts.succeeded() + counts.failed() + counts.cancelled();
    table.AddRow({ShortenName(experiment.name()),
                  experiment.has_delete_time() ? "deleted" : EnumName(experiment.state()),
                  absl::StrCat(ended, "/", counts.total()), absl::StrCat(counts.failed()),
                  absl::StrCat(counts.diverged()),
                  experiment.preset().empty() ? "-" : experiment.preset(),
                  experiment.user().empty() ? "-" : experiment.user(),
                  render::Ago(experiment.create_time(), absl::Now())});
  }
  const render::Table csv = render::FlatTable(Pointers(*experiments), v1::Experiment());
  return PrintItems(options, table, csv, *experiments);
}

std::string ParametersText(const v1::Run& run) {
  // Protobuf maps have no order.
  const std::map<std::string, std::string> sorted(run.parameters().begin(), run.parameters().end());
  return sorted.empty() ? "-" : absl::StrJoin(sorted, " ", absl::PairFormatter("="));
}

std::string StateText(const v1::Run& run) {
  if (run.has_failure()) return absl::StrCat("FAILED/", EnumName(run.failure().reason()));
  if (run.has_queue_position()) return absl::StrCat("PENDING #", run.queue_position() + 1);
  const bool collapsed = run.collapsed() && run.state() == v1::RUN_STATE_SUCCEEDED;
  return absl::StrCat(EnumName(run.state()), collapsed ? "/COLLAPSED" : "");
}

std::vector<std::string> RunRow(const v1::Run& run) {
  return {ShortenName(run.name()),
          StateText(run),
          absl::StrCat(run.seed()),
          ParametersText(run),
          absl::StrCat(run.epochs_done(), "/", run.epochs_total()),
          render::MetricText("train_loss", run),
          render::MetricText("validation_loss", run),
          render::MetricText("validation_accuracy", run),
          render::MetricText("theta_mean", run),
          run.has_last_epoch() ? render::Duration(run.last_epoch().elapsed_seconds()) : "-"};
}

// A column of a metric that --columns names, or of the epoch that its value is of.
struct NamedMetric {
  std::string key;  // as typed
  Metric metric;
  bool is_epoch = false;
};

bool IsExtreme(const Metric& metric) {
  return metric.pick == Metric::Pick::kMin || metric.pick == Metric::Pick::kMax ||
         metric.pick == Metric::Pick::kBest;
}

// Returns the metrics that `keys` name, such as best.validation_loss, and
// best.validation_loss.epoch for its epoch. INVALID_ARGUMENT naming --columns: lists do not have
// the metric. Keys without a dot that are no metrics are left to Print.
absl::StatusOr<std::vector<NamedMetric>> NamedMetrics(const std::vector<std::string>& keys) {
  std::vector<NamedMetric> named;
  for (const std::string& key : keys) {
    absl::string_view name = key;
    const bool is_epoch = absl::ConsumeSuffix(&name, ".epoch");
    const auto metric = FindRunMetric("--columns", name);
    if (!metric.ok() && key.find('.') == std::string::npos) continue;
    ANNEAL_RETURN_IF_ERROR(metric.status());
    const bool takes_all_epochs =
        metric->pick == Metric::Pick::kMean || metric->source == Metric::Source::kLogLossArea;
    if (takes_all_epochs || (is_epoch && !IsExtreme(*metric))) {
      return InvalidField(
          "--columns",
          absl::StrCat("has ", Quoted(key),
                       takes_all_epochs ? ", which only `anneal compare --metric` computes"
                                        : ", but only values with min., max. or best. in front "
                                          "have an epoch of their own; use epochs"));
    }
    named.push_back({.key = key, .metric = *metric, .is_epoch = is_epoch});
  }
  return named;
}

// Unrounded for CSV.
std::string CellOf(const NamedMetric& named, const v1::Run& run, bool unrounded) {
  if (named.is_epoch) {
    const auto found = run.metrics().find(named.metric.name);
    if (found != run.metrics().end()) return absl::StrCat(found->second.epoch());
    return unrounded ? "" : "-";
  }
  const std::optional<double> value = ValueOf(named.metric, run);
  if (!unrounded) return render::MetricText(named.metric, value);
  return value.has_value() ? NumberText(*value) : "";
}

void AddColumn(const NamedMetric& named, const std::vector<v1::Run>& runs, bool unrounded,
               render::Table* table) {
  if (table->HasColumn(named.key)) return;
  render::Table::Column column = render::MetricColumn(named.metric);
  if (named.is_epoch) column.header = absl::StrCat(named.metric.table_label, " EPOCH");
  column.key = named.key;
  std::vector<std::string> cells;
  for (const v1::Run& run : runs) cells.push_back(CellOf(named, run, unrounded));
  table->InsertColumn(table->columns().size(), std::move(column), std::move(cells));
}

render::Table RunTable(const std::vector<v1::Run>& runs) {
  render::Table table({{"name", "RUN", Align::kLeft},
                       {"state", "STATE", Align::kLeft},
                       {"seed", "SEED", Align::kRight, 2},
                       {"parameters", "SWEEP", Align::kLeft},
                       {"epochs", "EPOCHS"},
                       render::MetricColumn("train_loss", 4),
                       render::MetricColumn("validation_loss", 1),
                       render::MetricColumn("validation_accuracy"),
                       {"theta", "θ", Align::kRight, 3},
                       {"elapsed", "TIME", Align::kRight, 5}});
  for (const v1::Run& run : runs) table.AddRow(RunRow(run));
  return table;
}

render::Table RunCsv(const std::vector<v1::Run>& runs) {
  // Has the columns of both test results, even if no run has them yet.
  v1::Run prototype;
  prototype.add_test_results();
  prototype.add_test_results();
  return render::FlatTable(Pointers(runs), prototype, {"earlier_test_results"});
}

int ListRuns(Connection* connection, const ListCommand& command) {
  const ListOptions& options = command.options;
  const auto metrics = NamedMetrics(options.columns);
  if (!metrics.ok()) return PrintError(metrics.status());
  v1::ListRunsRequest request;
  request.set_parent(ExpandName(command.experiment));
  request.set_filter(command.filter);
  request.set_order_by(command.order_by);
  for (const NamedMetric& named : *metrics) {
    if (IsExtreme(named.metric)) request.add_metrics(named.metric.name);
  }
  auto runs = connection->ListRuns(request, options.limit);
  if (!runs.ok()) return PrintError(runs.status());
  if (options.output == "csv") {
    // The number of layers is known only from the first epoch on; `history` has their columns.
    for (v1::Run& run : *runs) {
      if (run.has_last_epoch()) run.mutable_last_epoch()->clear_layers();
    }
  }
  render::Table table = RunTable(*runs);
  render::Table csv = RunCsv(*runs);
  for (const NamedMetric& named : *metrics) {
    AddColumn(named, *runs, /*unrounded=*/false, &table);
    AddColumn(named, *runs, /*unrounded=*/true, &csv);
  }
  return PrintItems(options, table, csv, *runs);
}

}  // namespace

void AddListCommand(CLI::App* app, Globals* globals) {
  CLI::App* list =
      app->add_subcommand("list", "List experiments, or the runs of one or all experiments");
  const auto command = std::make_shared<ListCommand>();
  list->add_option("experiment", command->experiment,
                   "List the runs of this experiment; -: of all experiments");
  list->add_option(
      "--filter", command->filter,
      "Show only matching items, such as 'state = FAILED AND labels.team = vision'; for "
      "runs also 'theta.policy = FIXED AND best.validation_accuracy > 0.98'");
  list->add_option(
      "--order-by,--sort", command->order_by,
      "Sort by fields, such as 'best.validation_accuracy desc'; naming a metric of the "
      "test split here or in --filter is a look at test results, which is logged");
  list->add_flag("--deleted", command->deleted, "Include deleted experiments");
  AddListOptions(list, &command->options);
  CLI::Option* const columns = list->get_option("--columns");
  columns->description(absl::StrCat(columns->get_description(),
                                    "; of runs also any metric, such as best.validation_loss"));
  list->footer(
      "Example: anneal list first --columns "
      "name,best.validation_accuracy,best.validation_accuracy.epoch");
  list->callback([globals, command] {
    globals->command = [command](Connection* connection) {
      return command->experiment.empty() ? ListExperiments(connection, *command)
                                         : ListRuns(connection, *command);
    };
  });
}

}  // namespace anneal::client::commands
