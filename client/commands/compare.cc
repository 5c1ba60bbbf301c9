// anneal compare: arms side by side, over their seeds.

#include <map>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/commands/command.h"
#include "client/render/flatten.h"
#include "client/render/format.h"
#include "common/resource_name.h"

namespace anneal::client {
namespace {

using Align = render::Table::Align;

std::string ArmName(const v1::Arm& arm) {
  const std::map<std::string, std::string> parameters(arm.parameters().begin(),
                                                      arm.parameters().end());
  const std::string cell = absl::StrJoin(parameters, " ", absl::PairFormatter("="));
  return absl::StrCat(ShortenName(arm.experiment()), cell.empty() ? "" : " ", cell);
}

int Compare(Connection* connection, const std::vector<std::string>& typed,
            const ListOptions& options) {
  std::vector<std::string> names;
  for (const std::string& name : typed) names.push_back(ExpandName(name));
  const auto response = connection->Summarize(names);
  if (!response.ok()) return Complain(response.status());
  render::Table table({{"arm", "ARM", Align::kLeft},
                       {"preset", "PRESET", Align::kLeft},
                       {"runs", "RUNS"},
                       {"validation_accuracy", "VAL ACC %"},
                       {"validation_relu_accuracy", "AT θ=0 %"},
                       {"test_accuracy", "TEST ACC %"},
                       {"theta", "FINAL θ"},
                       {"epoch_seconds", "S/EPOCH"}});
  Listing listing{.table = &table};
  for (const v1::Arm& arm : response->arms()) {
    if (IsFull(options, listing)) break;
    table.AddRow({ArmName(arm), arm.preset().empty() ? "-" : arm.preset(),
                  absl::StrCat(arm.succeeded(), "/", arm.total()),
                  render::MeanOf(arm.validation_accuracy(), /*percent=*/true),
                  render::MeanOf(arm.validation_relu_accuracy(), /*percent=*/true),
                  render::MeanOf(arm.test_accuracy(), /*percent=*/true),
                  render::MeanOf(arm.theta(), /*percent=*/false),
                  render::MeanOf(arm.epoch_seconds(), /*percent=*/false)});
    listing.messages.push_back(&arm);
    listing.names.push_back(arm.experiment());
  }
  const render::Table csv = render::FlatTable(listing.messages, v1::Arm());
  listing.csv = &csv;
  Print(options, listing);
  return kSuccess;
}

}  // namespace

void AddCompareCommand(CLI::App* app, Globals* globals) {
  CLI::App* compare = app->add_subcommand(
      "compare", "Mean ± standard deviation over the seeds of each arm of experiments");
  const auto names = std::make_shared<std::vector<std::string>>();
  const auto options = std::make_shared<ListOptions>();
  compare->add_option("experiments", *names, "Such as first second")->required();
  AddListOptions(compare, options.get());
  compare->footer("Example: anneal compare baseline annealed");
  compare->callback([globals, names, options] {
    globals->command = [names, options](Connection* connection) {
      return Compare(connection, *names, *options);
    };
  });
}

}  // namespace anneal::client
