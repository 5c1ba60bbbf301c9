// anneal server: what the daemon says of itself.

#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/commands/command.h"
#include "client/render/format.h"
#include "common/config_text.h"
#include "common/version.h"

namespace anneal::client {
namespace {

int ShowServer(Connection* connection, const std::string& output) {
  const auto info = connection->GetServerInfo();
  if (!info.ok()) return Complain(info.status());
  if (output == "json") {
    std::cout << ToJson(*info, /*pretty=*/true);
    return kSuccess;
  }
  std::cout << "address:  " << connection->server() << "\n"
            << "version:  " << info->version() << " (client " << kVersion << ")\n"
            << "started:  " << render::Time(info->start_time()) << " UTC\n"
            << "workers:  " << info->workers_busy() << " of " << info->workers() << " busy\n"
            << "queue:    " << info->runs_pending() << " runs\n";
  for (const v1::DatasetInfo& dataset : info->datasets()) {
    std::cout << "data set: " << dataset.name()
              << (dataset.problem().empty() ? "" : ": " + dataset.problem()) << "\n";
  }
  return kSuccess;
}

}  // namespace

void AddServerCommand(CLI::App* app, Globals* globals) {
  CLI::App* server =
      app->add_subcommand("server", "Show the daemon's version, workers, queue and data sets");
  const auto output = std::make_shared<std::string>("table");
  server->add_option("--output,-o", *output, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  server->footer("Example: anneal server");
  server->callback([globals, output] {
    globals->command = [output](Connection* connection) { return ShowServer(connection, *output); };
  });
}

}  // namespace anneal::client
