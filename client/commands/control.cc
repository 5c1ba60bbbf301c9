// anneal cancel, pause, resume, retry and extend: what becomes of runs.

#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/commands/command.h"
#include "common/resource_name.h"

namespace anneal::client {
namespace {

using Method = absl::Status (Connection::*)(const std::string&);

// Does to every name what the verb says, and goes on after one that fails.
int ApplyToAll(Connection* connection, Method method, const std::string& done,
               const std::vector<std::string>& names) {
  int code = kSuccess;
  for (const std::string& typed : names) {
    const std::string name = ExpandName(typed);
    const absl::Status status = (connection->*method)(name);
    if (status.ok()) {
      std::cout << done << " " << ShortenName(name) << "\n";
    } else {
      code = Complain(status);
    }
  }
  return code;
}

void AddVerb(CLI::App* app, Globals* globals, const std::string& verb, const std::string& help,
             const std::string& done, Method method) {
  CLI::App* command = app->add_subcommand(verb, help);
  const auto names = std::make_shared<std::vector<std::string>>();
  command->add_option("names", *names, "Such as first or first/0")->required();
  command->footer(absl::StrCat("Example: anneal ", verb, " first/1"));
  command->callback([globals, names, method, done] {
    globals->command = [names, method, done](Connection* connection) {
      return ApplyToAll(connection, method, done, *names);
    };
  });
}

int Extend(Connection* connection, const std::string& typed, int epochs) {
  const auto run = connection->Extend(ExpandName(typed), epochs);
  if (!run.ok()) return Complain(run.status());
  std::cout << "extended " << ShortenName(run->name()) << " to " << run->epochs_total()
            << " epochs\n";
  return kSuccess;
}

}  // namespace

void AddControlCommands(CLI::App* app, Globals* globals) {
  AddVerb(app, globals, "cancel", "End runs that have not ended", "cancelled", &Connection::Cancel);
  AddVerb(app, globals, "pause", "Suspend runs; running ones save a checkpoint and stop", "paused",
          &Connection::Pause);
  AddVerb(app, globals, "resume", "Let paused runs go on where they were", "resumed",
          &Connection::Resume);
  AddVerb(app, globals, "retry", "Let failed or cancelled runs go on from their last checkpoint",
          "retried", &Connection::Retry);

  CLI::App* extend = app->add_subcommand("extend", "Let a run that has succeeded go on");
  const auto name = std::make_shared<std::string>();
  const auto epochs = std::make_shared<int>(0);
  extend->add_option("run", *name, "Such as first/0")->required();
  extend->add_option("--epochs", *epochs, "Epochs of the whole run, more than it has")->required();
  extend->footer("Example: anneal extend first/0 --epochs 20");
  extend->callback([globals, name, epochs] {
    globals->command = [name, epochs](Connection* connection) {
      return Extend(connection, *name, *epochs);
    };
  });
}

}  // namespace anneal::client
