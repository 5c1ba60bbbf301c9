// anneal queue lists queued runs in the order in which they start.

#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/commands/command.h"
#include "client/render/flatten.h"
#include "client/render/format.h"
#include "common/resource_name.h"

namespace anneal::client::commands {
namespace {

using Align = render::Table::Align;

int ShowQueue(Connection* connection, const ListOptions& options) {
  const auto runs = connection->ListQueue(options.fetch_limit());
  if (!runs.ok()) return PrintError(runs.status());
  render::Table table({{"position", "#"},
                       {"name", "RUN", Align::kLeft},
                       {"priority", "PRIORITY", Align::kRight, 1},
                       {"user", "USER", Align::kLeft, 2},
                       {"estimated_start_time", "STARTS ABOUT", Align::kLeft}});
  Listing listing{.table = &table};
  for (const v1::QueuedRun& run : *runs) {
    table.AddRow({absl::StrCat(run.position() + 1), ShortenName(run.name()),
                  absl::StrCat(run.priority()), run.user().empty() ? "-" : run.user(),
                  run.has_estimated_start_time()
                      ? render::In(run.estimated_start_time(), absl::Now())
                      : "-"});
    listing.messages.push_back(&run);
    listing.names.push_back(run.name());
  }
  const render::Table csv = render::FlatTable(listing.messages, v1::QueuedRun());
  listing.csv = &csv;
  return Print(options, listing);
}

}  // namespace

void AddQueueCommand(CLI::App* app, Globals* globals) {
  CLI::App* queue =
      app->add_subcommand("queue", "List queued runs with their estimated start times");
  const auto options = std::make_shared<ListOptions>();
  AddListOptions(queue, options.get());
  AddSelectionOptions(queue, options.get());
  queue->footer("Example: anneal queue --limit 10");
  queue->callback([globals, options] {
    globals->command = [options](Connection* connection) {
      return ShowQueue(connection, *options);
    };
  });
}

}  // namespace anneal::client::commands
