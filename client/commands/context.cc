// anneal context: daemons by name.

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

// Whether all that the context needs is there, without calling anybody.
absl::Status TryOpen(const Context& context) { return Connection::Open(context).status(); }

int Add(const std::string& name, Context context) {
  if (const absl::Status status = CheckExperimentId("context", name); !status.ok()) {
    return Complain(status);
  }
  context.set_ca_file(Absolute(context.ca_file()));
  context.set_token_file(Absolute(context.token_file()));
  if (const absl::Status status = TryOpen(context); !status.ok()) return Complain(status);
  auto config = ReadClientConfig();
  if (!config.ok()) return Complain(config.status());
  const bool is_first = config->contexts().empty();
  const bool is_new = !config->contexts().contains(name);
  (*config->mutable_contexts())[name] = context;
  if (is_first) config->set_current(name);
  if (const absl::Status status = WriteClientConfig(*config); !status.ok()) {
    return Complain(status);
  }
  std::cout << (is_new ? "added " : "replaced ") << name
            << (is_first ? ", which is in use now\n" : "\n");
  return kSuccess;
}

// Empty: none.
int Use(const std::string& name) {
  auto config = ReadClientConfig();
  if (!config.ok()) return Complain(config.status());
  if (!name.empty()) {
    const auto context = FindContext(*config, name);
    if (!context.ok()) return Complain(context.status());
  }
  config->set_current(name);
  if (const absl::Status status = WriteClientConfig(*config); !status.ok()) {
    return Complain(status);
  }
  std::cout << (name.empty() ? "no context is" : absl::StrCat(name, " is")) << " in use\n";
  return kSuccess;
}

int Remove(const std::string& name) {
  auto config = ReadClientConfig();
  if (!config.ok()) return Complain(config.status());
  const auto context = FindContext(*config, name);
  if (!context.ok()) return Complain(context.status());
  config->mutable_contexts()->erase(name);
  if (config->current() == name) config->clear_current();
  if (const absl::Status status = WriteClientConfig(*config); !status.ok()) {
    return Complain(status);
  }
  std::cout << "removed " << name << "\n";
  return kSuccess;
}

int ListContexts(const ListOptions& options) {
  const auto config = ReadClientConfig();
  if (!config.ok()) return Complain(config.status());
  const std::map<std::string, Context> sorted(config->contexts().begin(), config->contexts().end());
  render::Table table({{"current", "USED", Align::kLeft},
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
  command->add_option("context", *name, "Its name, such as lab")->required();
  return command;
}

}  // namespace

void AddContextCommands(CLI::App* app, Globals* globals) {
  CLI::App* commands =
      app->add_subcommand("context", "Daemons by name: add, use, list and remove them");
  commands->require_subcommand(1);
  const auto name = std::make_shared<std::string>();
  const auto context = std::make_shared<Context>();

  CLI::App* add =
      AddContextVerb(commands, "add", "Remember a daemon; the first one is used at once", name);
  add->add_option("--server", *context->mutable_server(), "HOST:PORT or unix:PATH")->required();
  add->add_option("--ca", *context->mutable_ca_file(),
                  "Certificates (PEM) that sign the daemon's: talk to it over TLS");
  add->add_option("--token-file", *context->mutable_token_file(), "File with the token to show");
  add->footer("Example: anneal context add home --server 127.0.0.1:7433");
  add->callback([globals, name, context] {
    globals->local_command = [name, context] { return Add(*name, *context); };
  });

  CLI::App* use = AddContextVerb(commands, "use", "Talk to this one from now on", name);
  use->footer(
      "Example: anneal context add lab --server unix:/srv/anneal/anneald.sock && anneal context "
      "use lab");
  use->callback([globals, name] { globals->local_command = [name] { return Use(*name); }; });

  CLI::App* unuse = commands->add_subcommand("unuse", "Use none: the local daemon again");
  unuse->footer("Example: anneal context unuse");
  unuse->callback([globals] { globals->local_command = [] { return Use(""); }; });

  CLI::App* list = commands->add_subcommand("list", "Those that there are");
  const auto options = std::make_shared<ListOptions>();
  AddListOptions(list, options.get());
  list->footer("Example: anneal context list");
  list->callback([globals, options] {
    globals->local_command = [options] { return ListContexts(*options); };
  });

  CLI::App* remove = AddContextVerb(commands, "remove", "Forget one", name);
  remove->footer(
      "Example: anneal context add away --server 127.0.0.1:7433 && anneal context remove away");
  remove->callback([globals, name] { globals->local_command = [name] { return Remove(*name); }; });
}

}  // namespace anneal::client::commands
