// anneal is the command-line client of anneald.

#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/commands/command.h"
#include "client/connection.h"
#include "client/endpoint.h"
#include "client/interrupt.h"
#include "common/status.h"
#include "common/utf8.h"
#include "common/version.h"
#include "google/protobuf/stubs/logging.h"

namespace {

using anneal::client::commands::Globals;

void AddCommands(CLI::App* app, Globals* globals) {
  app->add_option(
      "--server", globals->server,
      "Address of the daemon: HOST:PORT or unix:PATH. Default: $ANNEAL_SERVER, else the current "
      "context, else the local daemon's socket, else 127.0.0.1:7433");
  app->add_option("--context", globals->context,
                  "Use the daemon of this context; see anneal context");
  app->add_flag("-v,--verbose", globals->verbose, "Log calls and their results to stderr");
  app->add_flag_callback(
      "--no-color", [] { ::setenv("NO_COLOR", "1", /*overwrite=*/1); },
      "Disable colours, like the variable NO_COLOR");
  app->set_version_flag("--version", absl::StrCat("anneal ", anneal::kVersion));
  app->require_subcommand(1);
  app->failure_message([](const CLI::App*, const CLI::Error& error) {
    return absl::StrCat("anneal: ", error.what(), " (see anneal --help)\n");
  });
  app->fallthrough();
  anneal::client::commands::AddSubmitCommand(app, globals);
  anneal::client::commands::AddWatchCommands(app, globals);
  anneal::client::commands::AddControlCommands(app, globals);
  anneal::client::commands::AddEditCommand(app, globals);
  anneal::client::commands::AddQueueCommand(app, globals);
  anneal::client::commands::AddListCommand(app, globals);
  anneal::client::commands::AddShowCommand(app, globals);
  anneal::client::commands::AddDiffCommand(app, globals);
  anneal::client::commands::AddHistoryCommands(app, globals);
  anneal::client::commands::AddCheckpointCommands(app, globals);
  anneal::client::commands::AddSplitCommand(app, globals);
  anneal::client::commands::AddCompareCommand(app, globals);
  anneal::client::commands::AddPlotCommands(app, globals);
  anneal::client::commands::AddExportCommands(app, globals);
  anneal::client::commands::AddReportCommand(app, globals);
  anneal::client::commands::AddPresetCommands(app, globals);
  anneal::client::commands::AddExplainCommand(app, globals);
  anneal::client::commands::AddServerCommand(app, globals);
  anneal::client::commands::AddContextCommands(app, globals);
  anneal::client::commands::AddDoctorCommand(app, globals);
  anneal::client::commands::AddShellCommands(app, globals);
}

// Expands an unambiguous prefix of a command: `anneal hist` is `anneal history`.
std::string CompleteCommand(const CLI::App& app, const std::string& typed) {
  std::vector<std::string> matches;
  std::vector<std::string> all;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name() == typed) return typed;
    if (absl::StartsWith(command->get_name(), typed)) matches.push_back(command->get_name());
    all.push_back(command->get_name());
  }
  if (matches.size() == 1) return matches[0];
  throw CLI::ExtrasError(
      absl::StrCat("\"", typed, "\" ",
                   matches.empty() ? "is not a command; commands: " : "is ambiguous; it matches ",
                   absl::StrJoin(matches.empty() ? all : matches, ", ")),
      CLI::ExitCodes::ExtrasError);
}

std::vector<std::string> Arguments(const CLI::App& app, int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  for (const std::string& argument : arguments) {
    if (anneal::IsUtf8(argument)) continue;
    throw CLI::ValidationError(anneal::Quoted(argument), "is not UTF-8; set a UTF-8 locale");
  }
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--server" || arguments[i] == "--context") {
      ++i;  // skip its value
    } else if (!absl::StartsWith(arguments[i], "-")) {
      arguments[i] = CompleteCommand(app, arguments[i]);
      break;
    }
  }
  return {arguments.rbegin(), arguments.rend()};  // CLI11 expects reverse order
}

int RunWithDaemon(const Globals& globals) {
  const auto endpoint = anneal::client::ChooseEndpoint(globals.server, globals.context);
  if (!endpoint.ok()) return anneal::client::commands::PrintError(endpoint.status());
  anneal::client::ConnectionOptions options;
  if (globals.verbose) {
    std::cerr << "anneal: " << endpoint->context.server() << ", from " << endpoint->source << "\n";
    options.trace = [](const std::string& line) { std::cerr << "anneal: " << line << "\n"; };
  }
  const auto connection = anneal::client::Connection::Open(endpoint->context, options);
  if (!connection.ok()) return anneal::client::commands::PrintError(connection.status());
  return globals.command(connection->get());
}

}  // namespace

int main(int argc, char** argv) {
  // Its errors are returned as statuses, too.
  google::protobuf::SetLogHandler(nullptr);
  // Constructed first, so that all other threads block the signals.
  anneal::client::Interrupt interrupt;
  Globals globals{.arguments = {argv + std::min(argc, 1), argv + argc}, .interrupt = &interrupt};
  CLI::App app("anneal: submit, watch and query annealing experiments", "anneal");
  AddCommands(&app, &globals);
  const auto set_grpc_log = [](const char* level) { ::setenv("GRPC_VERBOSITY", level, 0); };
  if (argc > 1 && std::string(argv[1]) == "__complete") {
    set_grpc_log("NONE");
    return anneal::client::commands::PrintCompletions(app, {argv + 2, argv + argc});
  }
  try {
    app.parse(Arguments(app, argc, argv));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? anneal::client::commands::kSuccess
                                : anneal::client::commands::kUsage;
  }
  // The error message already includes gRPC's log message.
  set_grpc_log(globals.verbose ? "ERROR" : "NONE");
  return globals.local_command ? globals.local_command() : RunWithDaemon(globals);
}
