// anneal list lists experiments, or runs of one or all experiments.

#include <map>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "client/commands/command.h"
#include "client/render/flatten.h"
#include "client/render/format.h"
#include "common/enum_name.h"
#include "common/resource_name.h"

namespace anneal::client::commands {
namespace {

using Align = render::Table::Align;

// Prints `items`, which the table already contains.
template <typename Item>
int PrintItems(const ListOptions& options, const render::Table& table,
               const std::vector<Item>& items, const Item& prototype) {
  Listing listing{.table = &table};
  for (const Item& item : items) {
    listing.messages.push_back(&item);
    listing.names.push_back(item.name());
  }
  const render::Table csv = render::FlatTable(listing.messages, prototype);
  listing.csv = &csv;
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
                       {"preset", "PRESET", Align::kLeft, 1},
                       {"user", "USER", Align::kLeft, 2},
                       {"created", "CREATED", Align::kLeft, 3}});
  for (const v1::Experiment& experiment : *experiments) {
    const v1::RunCounts& counts = experiment.run_counts();
    const int ended = counts.succeeded() + counts.failed() + counts.cancelled();
    table.AddRow({ShortenName(experiment.name()),
                  experiment.has_delete_time() ? "deleted" : EnumName(experiment.state()),
                  absl::StrCat(ended, "/", counts.total()), absl::StrCat(counts.failed()),
                  experiment.preset().empty() ? "-" : experiment.preset(),
                  experiment.user().empty() ? "-" : experiment.user(),
                  render::Ago(experiment.create_time(), absl::Now())});
  }
  return PrintItems(options, table, *experiments, v1::Experiment());
}

std::string ParametersText(const v1::Run& run) {
  // Protobuf maps have no order.
  const std::map<std::string, std::string> sorted(run.parameters().begin(), run.parameters().end());
  return sorted.empty() ? "-" : absl::StrJoin(sorted, " ", absl::PairFormatter("="));
}

std::string StateText(const v1::Run& run) {
  if (run.has_failure()) return absl::StrCat("FAILED/", EnumName(run.failure().reason()));
  if (run.has_queue_position()) return absl::StrCat("PENDING #", run.queue_position() + 1);
  return EnumName(run.state());
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
          render::MetricText("test_accuracy", run),
          render::MetricText("best_test_accuracy", run),
          run.has_last_epoch() ? render::Duration(run.last_epoch().elapsed_seconds()) : "-"};
}

int ListRuns(Connection* connection, const ListCommand& command) {
  v1::ListRunsRequest request;
  request.set_parent(ExpandName(command.experiment));
  request.set_filter(command.filter);
  request.set_order_by(command.order_by);
  const ListOptions& options = command.options;
  auto runs = connection->ListRuns(request, options.limit);
  if (!runs.ok()) return PrintError(runs.status());
  if (options.output == "csv") {
    // The number of layers is known only from the first epoch on; `history` has their columns.
    for (v1::Run& run : *runs) run.mutable_last_epoch()->clear_layers();
  }
  render::Table table({{"name", "RUN", Align::kLeft},
                       {"state", "STATE", Align::kLeft},
                       {"seed", "SEED", Align::kRight, 2},
                       {"parameters", "SWEEP", Align::kLeft},
                       {"epochs", "EPOCHS"},
                       render::MetricColumn("train_loss", 4),
                       render::MetricColumn("validation_loss", 1),
                       render::MetricColumn("validation_accuracy"),
                       {"theta", "θ", Align::kRight, 3},
                       render::MetricColumn("test_accuracy"),
                       render::MetricColumn("best_test_accuracy", 5, "BEST"),
                       {"elapsed", "TIME", Align::kRight, 6}});
  for (const v1::Run& run : *runs) table.AddRow(RunRow(run));
  // Adds the columns of both test results, even if no run has them yet.
  v1::Run prototype;
  prototype.add_test_results();
  prototype.add_test_results();
  return PrintItems(options, table, *runs, prototype);
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
      "runs also 'theta.policy = FIXED AND test_accuracy > 0.98'");
  list->add_option("--order-by,--sort", command->order_by,
                   "Sort by fields, such as 'test_accuracy desc, seed'");
  list->add_flag("--deleted", command->deleted, "Include deleted experiments");
  AddListOptions(list, &command->options);
  list->footer("Example: anneal list first --filter 'epochs_done > 0' --output csv");
  list->callback([globals, command] {
    globals->command = [command](Connection* connection) {
      return command->experiment.empty() ? ListExperiments(connection, *command)
                                         : ListRuns(connection, *command);
    };
  });
}

}  // namespace anneal::client::commands
