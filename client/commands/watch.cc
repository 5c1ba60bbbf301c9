// anneal watch and anneal wait follow runs until they end.

#include <iostream>
#include <memory>

#include "client/commands/command.h"
#include "client/follow.h"
#include "client/render/progress.h"
#include "common/resource_name.h"

namespace anneal::client::commands {
namespace {

int FollowToEnd(Connection* connection, const Globals& globals, const std::string& typed,
                const std::string& verb, render::ProgressView* view) {
  DetachOnInterrupt(globals, verb, typed);
  const auto followed = Follow(connection, globals.interrupt, ExpandName(typed), view);
  if (!followed.ok()) return PrintError(followed.status());
  if (*followed == Followed::kDetached) {
    std::cerr << Detached(globals, verb, typed);
    return kInterrupted;
  }
  return *followed == Followed::kSucceeded ? kSuccess : kFailure;
}

}  // namespace

void AddWatchCommands(CLI::App* app, Globals* globals) {
  const auto name = std::make_shared<std::string>();

  CLI::App* watch = app->add_subcommand("watch", "Watch an experiment or run until it ends");
  const auto output = std::make_shared<std::string>("table");
  watch
      ->add_option("name", *name,
                   "Experiment or run, such as first or first/0; -: all experiments, from now on")
      ->required();
  watch
      ->add_option("--output,-o", *output,
                   "Output format: table, or jsonl for events as JSON lines")
      ->check(CLI::IsMember({"table", "jsonl"}))
      ->capture_default_str();
  watch->footer("Example: anneal watch first");
  watch->callback([globals, name, output] {
    globals->command = [globals, name, output](Connection* connection) {
      const auto view = render::MakeProgressView(
          *output == "jsonl" ? render::ProgressKind::kJson : render::ProgressKind::kAuto, stdout);
      return FollowToEnd(connection, *globals, *name, "watch", view.get());
    };
  });

  CLI::App* wait = app->add_subcommand(
      "wait", "Wait until an experiment or run has ended; fail unless all runs succeeded");
  wait->add_option("name", *name, "Experiment or run, such as first or first/0")->required();
  wait->footer("Example: anneal wait first && anneal list first");
  wait->callback([globals, name] {
    globals->command = [globals, name](Connection* connection) {
      const auto view = render::MakeProgressView(render::ProgressKind::kQuiet, stdout);
      return FollowToEnd(connection, *globals, *name, "wait", view.get());
    };
  });
}

}  // namespace anneal::client::commands
