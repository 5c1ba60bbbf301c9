// anneal history and anneal theta show the recorded epochs and theta vectors of a run.

#include <iostream>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/commands/command.h"
#include "client/render/flatten.h"
#include "client/render/format.h"
#include "common/number_text.h"
#include "common/resource_name.h"

namespace anneal::client::commands {
namespace {

int History(Connection* connection, const std::string& run, int attempt,
            const ListOptions& options) {
  const auto epochs = connection->ListEpochs(ExpandName(run), options.fetch_limit(), attempt);
  if (!epochs.ok()) return PrintError(epochs.status());
  // The metrics of the table, with the ranks of their columns.
  static constexpr std::pair<const char*, int> kMetrics[] = {{"epoch_seconds", 4},
                                                             {"samples_per_second", 8},
                                                             {"learning_rate", 5},
                                                             {"train_loss", 0},
                                                             {"train_accuracy", 1},
                                                             {"validation_loss", 0},
                                                             {"validation_accuracy", 0},
                                                             {"validation_f1", 3},
                                                             {"validation_relu_accuracy", 2},
                                                             {"penalty", 7},
                                                             {"theta_min", 6},
                                                             {"theta_mean", 0},
                                                             {"theta_max", 6}};
  std::vector<render::Table::Column> columns = {{"epoch", "EPOCH"}};
  for (const auto& [name, rank] : kMetrics) columns.push_back(render::MetricColumn(name, rank));
  render::Table table(std::move(columns));
  Listing listing{.table = &table};
  for (const v1::Epoch& epoch : *epochs) {
    std::vector<std::string> row = {absl::StrCat(epoch.epoch())};
    for (const auto& [name, rank] : kMetrics) row.push_back(render::MetricText(name, epoch));
    table.AddRow(std::move(row));
    listing.messages.push_back(&epoch);
    listing.names.push_back(absl::StrCat(epoch.epoch()));
  }
  const render::Table csv = render::FlatTable(listing.messages, v1::Epoch());
  listing.csv = &csv;
  return Print(options, listing);
}

// Returns the position of element `index` of a theta vector: channel, row and column, as far as it
// has them.
std::vector<std::string> ThetaPosition(const v1::ThetaVector& theta, int index) {
  std::vector<std::string> position(3);
  for (int axis = theta.shape_size() - 1; axis >= 0; --axis) {
    position[static_cast<size_t>(axis)] = absl::StrCat(index % theta.shape(axis));
    index /= theta.shape(axis);
  }
  return position;
}

int Theta(Connection* connection, const v1::ListThetasRequest& request,
          const ListOptions& options) {
  const auto thetas = connection->ListThetas(request, options.limit);
  if (!thetas.ok()) return PrintError(thetas.status());
  if (thetas->empty()) {
    std::cerr << "anneal: no theta vectors are recorded for this selection; `anneal history "
              << ShortenName(request.parent()) << "` lists the recorded epochs\n";
    return kFailure;
  }
  render::Table table({{"epoch", "EPOCH"},
                       {"layer", "LAYER"},
                       {"channel", "CHANNEL"},
                       {"row", "ROW"},
                       {"column", "COLUMN"},
                       {"theta", "θ (RADIANS)"}});
  Listing listing{.table = &table};
  for (const v1::ThetaVector& theta : *thetas) {
    for (int i = 0; i < theta.values_size(); ++i) {
      const std::vector<std::string> position = ThetaPosition(theta, i);
      table.AddRow({absl::StrCat(theta.epoch()), absl::StrCat(theta.layer()), position[0],
                    position[1], position[2], NumberText(theta.values(i))});
    }
    listing.messages.push_back(&theta);
    listing.names.push_back(absl::StrCat(theta.epoch(), "/", theta.layer()));
  }
  return Print(options, listing);
}

}  // namespace

void AddHistoryCommands(CLI::App* app, Globals* globals) {
  CLI::App* history = app->add_subcommand("history", "Show every epoch of a run");
  const auto run = std::make_shared<std::string>();
  const auto options = std::make_shared<ListOptions>();
  const auto attempt = std::make_shared<int>(0);
  history->add_option("run", *run, "Run, such as first/0")->required();
  history
      ->add_option("--attempt", *attempt,
                   "Show the epochs that this attempt of a run that began anew has replaced; "
                   "`anneal show` lists the attempts")
      ->check(CLI::Range(1, 1'000'000'000));
  AddListOptions(history, options.get());
  AddSelectionOptions(history, options.get());
  history->footer("Example: anneal history first/0 --sort validation_loss --limit 3");
  history->callback([globals, run, attempt, options] {
    globals->command = [run, attempt, options](Connection* connection) {
      return History(connection, *run, *attempt, *options);
    };
  });

  CLI::App* theta = app->add_subcommand("theta", "Show the full theta vectors of a run");
  const auto request = std::make_shared<v1::ListThetasRequest>();
  const auto theta_options = std::make_shared<ListOptions>();
  theta->add_option("run", *run, "Run, such as first/0")->required();
  theta->add_option_function<int>(
      "--epoch", [request](int epoch) { request->set_epoch(epoch); }, "Show only this epoch");
  theta->add_option_function<int>(
      "--layer", [request](int layer) { request->set_layer(layer); },
      "Show only this hidden layer, counted from 0");
  AddListOptions(theta, theta_options.get());
  theta->footer("Example: anneal theta first/0 --epoch 2 --output csv");
  theta->callback([globals, run, request, theta_options] {
    globals->command = [run, request, theta_options](Connection* connection) {
      request->set_parent(ExpandName(*run));
      return Theta(connection, *request, *theta_options);
    };
  });
}

}  // namespace anneal::client::commands
