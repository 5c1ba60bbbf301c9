// anneal context manages named daemon addresses.

#include <filesystem>
#include <iostream>
#include <map>
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/commands/command.h"
#include "client/endpoint.h"
#include "common/resource_name.h"

namespace anneal::client::commands {
namespace {

using Align = render::Table::Align;

std::string Absolute(const std::string& path) {
  return path.empty() ? path : std::filesystem::absolute(path).string();
}

// Checks the context without connecting.
absl::Status TryOpen(const Context& context) { return Connection::Open(context).status(); }

int Add(const std::string& name, Context context) {
  if (const absl::Status status = CheckExperimentId("context", name); !status.ok()) {
    return PrintError(status);
  }
  context.set_ca_file(Absolute(context.ca_file()));
  context.set_token_file(Absolute(context.token_file()));
  if (const absl::Status status = TryOpen(context); !status.ok()) return PrintError(status);
  auto config = ReadClientConfig();
  if (!config.ok()) return PrintError(config.status());
  const bool is_first = config->contexts().empty();
  const bool is_new = !config->contexts().contains(name);
  (*config->mutable_contexts())[name] = context;
  if (is_first) config->set_current(name);
  if (const absl::Status status = WriteClientConfig(*config); !status.ok()) {
    return PrintError(status);
  }
  std::cout << (is_new ? "added " : "replaced ") << name
            << (is_first ? ", now the current context\n" : "\n");
  return kSuccess;
}

// Makes `name` the current context; empty: none.
int Use(const std::string& name) {
  auto config = ReadClientConfig();
  if (!config.ok()) return PrintError(config.status());
  if (!name.empty()) {
    const auto context = FindContext(*config, name);
    if (!context.ok()) return PrintError(context.status());
  }
  config->set_current(name);
  if (const absl::Status status = WriteClientConfig(*config); !status.ok()) {
    return PrintError(status);
  }
  std::cout << (name.empty() ? "no current context\n"
                             : absl::StrCat("current context: ", name, "\n"));
  return kSuccess;
}

int Remove(const std::string& name) {
  auto config = ReadClientConfig();
  if (!config.ok()) return PrintError(config.status());
  const auto context = FindContext(*config, name);
  if (!context.ok()) return PrintError(context.status());
  config->mutable_contexts()->erase(name);
  if (config->current() == name) config->clear_current();
  if (const absl::Status status = WriteClientConfig(*config); !status.ok()) {
    return PrintError(status);
  }
  std::cout << "removed " << name << "\n";
  return kSuccess;
}

int ListContexts(const ListOptions& options) {
  const auto config = ReadClientConfig();
  if (!config.ok()) return PrintError(config.status());
  const std::map<std::string, Context> sorted(config->contexts().begin(), config->contexts().end());
  render::Table table({{"current", "CURRENT", Align::kLeft},
                       {"name", "NAME", Align::kLeft},
                       {"server", "SERVER", Align::kLeft},
                       {"ca_file", "CA", Align::kLeft},
                       {"token_file", "TOKEN FILE", Align::kLeft}});
  Listing listing{.table = &table};
  for (const auto& [name, context] : sorted) {
    table.AddRow({name == config->current() ? "*" : "", name, context.server(),
                  context.ca_file().empty() ? "-" : context.ca_file(),
                  context.token_file().empty() ? "-" : context.token_file()});
    listing.messages.push_back(&context);
    listing.names.push_back(name);
  }
  return Print(options, listing);
}

CLI::App* AddContextVerb(CLI::App* parent, const std::string& verb, const std::string& description,
                         const std::shared_ptr<std::string>& name) {
  CLI::App* command = parent->add_subcommand(verb, description);
  command->add_option("context", *name, "Name of the context, such as lab")->required();
  return command;
}

}  // namespace

void AddContextCommands(CLI::App* app, Globals* globals) {
  CLI::App* commands =
      app->add_subcommand("context", "Manage named daemons: add, use, list and remove them");
  commands->require_subcommand(1);
  const auto name = std::make_shared<std::string>();
  const auto context = std::make_shared<Context>();

  CLI::App* add = AddContextVerb(commands, "add",
                                 "Add a daemon; the first one becomes the current context", name);
  add->add_option("--server", *context->mutable_server(), "Address: HOST:PORT or unix:PATH")
      ->required();
  add->add_option("--ca", *context->mutable_ca_file(),
                  "CA certificates (PEM) for the daemon's certificate; enables TLS");
  add->add_option("--token-file", *context->mutable_token_file(), "File with the access token");
  add->footer("Example: anneal context add home --server 127.0.0.1:7433");
  add->callback([globals, name, context] {
    globals->local_command = [name, context] { return Add(*name, *context); };
  });

  CLI::App* use = AddContextVerb(commands, "use", "Make this the current context", name);
  use->footer(
      "Example: anneal context add lab --server unix:/srv/anneal/anneald.sock && anneal context "
      "use lab");
  use->callback([globals, name] { globals->local_command = [name] { return Use(*name); }; });

  CLI::App* unuse = commands->add_subcommand(
      "unuse", "Unset the current context, so that commands call the local daemon");
  unuse->footer("Example: anneal context unuse");
  unuse->callback([globals] { globals->local_command = [] { return Use(""); }; });

  CLI::App* list = commands->add_subcommand("list", "List the contexts");
  const auto options = std::make_shared<ListOptions>();
  AddListOptions(list, options.get());
  list->footer("Example: anneal context list");
  list->callback([globals, options] {
    globals->local_command = [options] { return ListContexts(*options); };
  });

  CLI::App* remove = AddContextVerb(commands, "remove", "Remove a context", name);
  remove->footer(
      "Example: anneal context add away --server 127.0.0.1:7433 && anneal context remove away");
  remove->callback([globals, name] { globals->local_command = [name] { return Remove(*name); }; });
}

}  // namespace anneal::client::commands
