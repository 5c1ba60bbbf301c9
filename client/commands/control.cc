// anneal cancel, pause, resume, retry, extend, delete, undelete and purge: what becomes of
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

// What a command does to one name.
using Action = std::function<absl::Status(Connection*, const std::string&)>;

struct Targets {
  std::vector<std::string> names;
  std::string filter;  // experiments that it holds for
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

// Asks, where somebody is there to answer. kSuccess: go on; else the exit code.
int Agreed(const Targets& targets, const std::string& verb, size_t count) {
  if (targets.filter.empty() || targets.yes || count == 0) return kSuccess;
  if (::isatty(STDIN_FILENO) == 0) {
    std::cerr << "anneal: the filter holds for " << count << " experiments; say --yes to " << verb
              << " them, or --dry-run to see them\n";
    return kUsage;
  }
  std::cerr << verb << " " << count << " experiments? [y/N] ";
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "yes" ? kSuccess : kFailure;
}

// Does to every name what the verb says, and goes on after one that fails.
int Apply(Connection* connection, const Targets& targets, const std::string& verb,
          const std::string& done, const Action& action) {
  const auto names = FindNames(connection, targets);
  if (!names.ok()) return Complain(names.status());
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
      code = Complain(status);
    }
  }
  return code;
}

// `deleted_ones`: the command is about experiments that are deleted.
CLI::App* AddVerb(CLI::App* app, Globals* globals, const std::string& verb, const std::string& help,
                  const std::string& done, bool deleted_ones, const std::string& example,
                  Action action) {
  CLI::App* command = app->add_subcommand(verb, help);
  const auto targets = std::make_shared<Targets>();
  targets->deleted_ones = deleted_ones;
  auto* names = command->add_option("names", targets->names, "Such as first or first/0");
  auto* filter = command->add_option("--filter", targets->filter,
                                     "Instead of names: experiments that it holds for, such as "
                                     "'labels.team = vision AND state = PENDING'");
  names->excludes(filter);
  command->add_flag("--dry-run", targets->dry_run, "Only print the names");
  command->add_flag("-y,--yes", targets->yes, "Do not ask, with --filter");
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
  if (!run.ok()) return Complain(run.status());
  std::cout << "extended " << ShortenName(run->name()) << " to " << run->epochs_total()
            << " epochs\n";
  return kSuccess;
}

void AddExtendCommand(CLI::App* app, Globals* globals) {
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

}  // namespace

void AddControlCommands(CLI::App* app, Globals* globals) {
  // For examples that need something that has not ended.
  const std::string kSubmit = "anneal submit --preset annealed --set epochs=1000 --id later && ";
  AddVerb(app, globals, "cancel", "End runs that have not ended", "cancelled", false,
          kSubmit + "anneal cancel later", std::mem_fn(&Connection::Cancel));
  AddVerb(app, globals, "pause", "Suspend runs; running ones save a checkpoint and stop", "paused",
          false, kSubmit + "anneal pause later", std::mem_fn(&Connection::Pause));
  AddVerb(app, globals, "resume", "Let paused runs go on where they were", "resumed", false,
          kSubmit + "anneal pause later && anneal resume later", std::mem_fn(&Connection::Resume));
  AddVerb(app, globals, "retry", "Let failed or cancelled runs go on from their last checkpoint",
          "retried", false, kSubmit + "anneal cancel later && anneal retry later",
          std::mem_fn(&Connection::Retry));
  AddExtendCommand(app, globals);

  const auto force = std::make_shared<bool>(false);
  AddVerb(app, globals, "delete", "Take experiments out of lists; undelete brings them back",
          "deleted", false, "anneal delete first",
          [force](Connection* connection, const std::string& name) {
            return connection->Delete(name, *force);
          })
      ->add_flag("--force", *force, "Cancel runs that have not ended");
  AddVerb(app, globals, "undelete", "Bring deleted experiments back", "undeleted", true,
          "anneal delete first && anneal undelete first", std::mem_fn(&Connection::Undelete));
  AddVerb(app, globals, "purge",
          "Remove deleted experiments for ever, with all that was recorded and their checkpoints",
          "purged", true, "anneal delete first && anneal purge first",
          std::mem_fn(&Connection::Purge));
}

}  // namespace anneal::client::commands
