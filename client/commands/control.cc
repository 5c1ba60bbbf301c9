// anneal cancel, pause, resume, retry, extend, delete, undelete and purge change the state of
// experiments and runs.

#include <unistd.h>

#include <functional>
#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/commands/command.h"
#include "common/resource_name.h"

namespace anneal::client::commands {
namespace {

// Applies a command to one name.
using Action = std::function<absl::Status(Connection*, const std::string&)>;

struct Targets {
  std::vector<std::string> names;
  std::string filter;  // selects experiments
  bool deleted_ones = false;
  bool dry_run = false;
  bool yes = false;
};

absl::StatusOr<std::vector<std::string>> FindNames(Connection* connection, const Targets& targets) {
  std::vector<std::string> names;
  for (const std::string& typed : targets.names) names.push_back(ExpandName(typed));
  if (targets.filter.empty()) return names;
  v1::ListExperimentsRequest request;
  request.set_filter(targets.deleted_ones ? absl::StrCat("(", targets.filter, ") delete_time:*")
                                          : targets.filter);
  request.set_show_deleted(targets.deleted_ones);
  const auto experiments = connection->ListExperiments(request, /*limit=*/0);
  if (!experiments.ok()) return experiments.status();
  for (const v1::Experiment& experiment : *experiments) names.push_back(experiment.name());
  return names;
}

// Asks for confirmation if stdin is a terminal. Returns kSuccess to proceed, otherwise the exit
// code.
int Agreed(const Targets& targets, const std::string& verb, size_t count) {
  if (targets.filter.empty() || targets.yes || count == 0) return kSuccess;
  if (::isatty(STDIN_FILENO) == 0) {
    std::cerr << "anneal: the filter matches " << count << " experiments; pass --yes to " << verb
              << " them, or --dry-run to list them\n";
    return kUsage;
  }
  std::cerr << verb << " " << count << " experiments? [y/N] ";
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "yes" ? kSuccess : kFailure;
}

// Applies the action to every name and continues after a failure.
int Apply(Connection* connection, const Targets& targets, const std::string& verb,
          const std::string& done, const Action& action) {
  const auto names = FindNames(connection, targets);
  if (!names.ok()) return PrintError(names.status());
  if (targets.dry_run) {
    for (const std::string& name : *names) std::cout << ShortenName(name) << "\n";
    return kSuccess;
  }
  int code = Agreed(targets, verb, names->size());
  if (code != kSuccess) return code;
  for (const std::string& name : *names) {
    const absl::Status status = action(connection, name);
    if (status.ok()) {
      std::cout << done << " " << ShortenName(name) << "\n";
    } else {
      code = PrintError(status);
    }
  }
  return code;
}

// `deleted_ones`: the command applies to deleted experiments.
CLI::App* AddVerb(CLI::App* app, Globals* globals, const std::string& verb, const std::string& help,
                  const std::string& done, bool deleted_ones, const std::string& example,
                  Action action) {
  CLI::App* command = app->add_subcommand(verb, help);
  const auto targets = std::make_shared<Targets>();
  targets->deleted_ones = deleted_ones;
  auto* names =
      command->add_option("names", targets->names, "Experiments or runs, such as first or first/0");
  auto* filter = command->add_option("--filter", targets->filter,
                                     "Select experiments by a filter instead of names, such as "
                                     "'labels.team = vision AND state = PENDING'");
  names->excludes(filter);
  command->add_flag("--dry-run", targets->dry_run, "Print the names without changing anything");
  command->add_flag("-y,--yes", targets->yes, "Do not ask for confirmation of --filter");
  command->footer("Example: " + example);
  command->callback([globals, targets, verb, done, action = std::move(action)] {
    if (targets->names.empty() && targets->filter.empty()) {
      throw CLI::RequiredError("names or --filter");
    }
    globals->command = [targets, verb, done, action](Connection* connection) {
      return Apply(connection, *targets, verb, done, action);
    };
  });
  return command;
}

int Extend(Connection* connection, const std::string& typed, int epochs) {
  const auto run = connection->Extend(ExpandName(typed), epochs);
  if (!run.ok()) return PrintError(run.status());
  std::cout << "extended " << ShortenName(run->name()) << " to " << run->epochs_total()
            << " epochs\n";
  return kSuccess;
}

void AddExtendCommand(CLI::App* app, Globals* globals) {
  CLI::App* extend = app->add_subcommand("extend", "Continue a succeeded run for more epochs");
  const auto name = std::make_shared<std::string>();
  const auto epochs = std::make_shared<int>(0);
  extend->add_option("run", *name, "Run, such as first/0")->required();
  extend->add_option("--epochs", *epochs, "New total number of epochs, more than the run has")
      ->required();
  extend->footer("Example: anneal extend first/0 --epochs 20");
  extend->callback([globals, name, epochs] {
    globals->command = [name, epochs](Connection* connection) {
      return Extend(connection, *name, *epochs);
    };
  });
}

}  // namespace

void AddControlCommands(CLI::App* app, Globals* globals) {
  // Starts a long run for the examples that need an unfinished one.
  const std::string kSubmit = "anneal submit --preset annealed --set epochs=1000 --id later && ";
  AddVerb(app, globals, "cancel", "Cancel unfinished runs", "cancelled", false,
          kSubmit + "anneal cancel later", std::mem_fn(&Connection::Cancel));
  AddVerb(app, globals, "pause", "Suspend runs; a running one saves a checkpoint and stops",
          "paused", false, kSubmit + "anneal pause later", std::mem_fn(&Connection::Pause));
  AddVerb(app, globals, "resume",
          "Queue paused runs again; they continue from their last checkpoint", "resumed", false,
          kSubmit + "anneal pause later && anneal resume later", std::mem_fn(&Connection::Resume));
  AddVerb(app, globals, "retry",
          "Queue failed or cancelled runs again; they continue from their last checkpoint",
          "retried", false, kSubmit + "anneal cancel later && anneal retry later",
          std::mem_fn(&Connection::Retry));
  AddExtendCommand(app, globals);

  const auto force = std::make_shared<bool>(false);
  AddVerb(app, globals, "delete", "Hide experiments from lists; undelete restores them", "deleted",
          false, "anneal delete first",
          [force](Connection* connection, const std::string& name) {
            return connection->Delete(name, *force);
          })
      ->add_flag("--force", *force, "Cancel unfinished runs first");
  AddVerb(app, globals, "undelete", "Restore deleted experiments", "undeleted", true,
          "anneal delete first && anneal undelete first", std::mem_fn(&Connection::Undelete));
  AddVerb(app, globals, "purge",
          "Remove deleted experiments permanently, with their records and checkpoints", "purged",
          true, "anneal delete first && anneal purge first", std::mem_fn(&Connection::Purge));
}

}  // namespace anneal::client::commands
