// The commands share these options, exit codes and output functions. Each command registers its
// subcommand with CLI11 and stores the function that runs it in `Globals`.

#ifndef ANNEAL_CLIENT_COMMANDS_COMMAND_H_
#define ANNEAL_CLIENT_COMMANDS_COMMAND_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "client/connection.h"
#include "client/interrupt.h"
#include "client/render/table.h"
#include "google/protobuf/message.h"

namespace anneal::client::commands {

// Exit codes.
inline constexpr int kSuccess = 0;
inline constexpr int kFailure = 1;
inline constexpr int kUsage = 2;
inline constexpr int kInterrupted = 3;

// Options that every command accepts.
struct Globals {
  std::string server;
  std::string context;
  bool verbose = false;
  std::vector<std::string> arguments;  // the whole command line, without the program
  Interrupt* interrupt = nullptr;      // borrowed
  // The chosen command sets one of these; it returns the exit code.
  std::function<int(Connection*)> command;
  std::function<int()> local_command;  // needs no daemon
};

// Output options of a command that prints a list.
struct ListOptions {
  std::string output = "table";
  bool quiet = false;
  std::vector<std::string> columns;  // empty: the columns of the table
  int limit = 0;                     // 0: no limit
  // Applied to the rows by column, in commands whose lists the daemon does not filter and sort.
  std::string filter;
  std::string sort;

  // Returns the number of items to fetch. With a client-side filter or order, the limit is applied
  // after them.
  int fetch_limit() const { return filter.empty() && sort.empty() ? limit : 0; }
};
// Adds --output and -q.
void AddOutputOption(CLI::App* app, ListOptions* options);
// Adds --output, -q, --columns and --limit.
void AddListOptions(CLI::App* app, ListOptions* options);
// Adds --filter and --sort, for lists with one row, message and name per item.
void AddSelectionOptions(CLI::App* app, ListOptions* options);

// Prints a list in the requested format: an aligned table; CSV, which is complete and has its own
// columns; JSON of the messages; or names. Returns the exit code.
struct Listing {
  const render::Table* table = nullptr;
  const render::Table* csv = nullptr;  // null: the same as `table`
  std::vector<const google::protobuf::Message*> messages;
  std::vector<std::string> names;
};
int Print(const ListOptions& options, const Listing& listing);
// Prints a table that fits the terminal, if stdout is one, and names the omitted columns on stderr.
void PrintTable(const render::Table& table);
// Returns true once a listing has as many entries as `options` asks for.
bool IsFull(const ListOptions& options, const Listing& listing);

// Splits `key=value`. INVALID_ARGUMENT naming `option`.
absl::Status SplitPair(absl::string_view option, const std::string& text, std::string* key,
                       std::string* value);

// Prints an error to stderr, one line for each problem. Returns kUsage for INVALID_ARGUMENT,
// kFailure otherwise.
int PrintError(const absl::Status& status);

// Returns the message shown on detaching: the command that resumes following, on the same server.
std::string Detached(const Globals& globals, const std::string& verb, const std::string& name);

// Makes Ctrl-C print that message and end the process, for calls that may wait for a silent server.
void DetachOnInterrupt(const Globals& globals, const std::string& verb, const std::string& name);

// Each function adds its commands to `app`.
void AddPresetCommands(CLI::App* app, Globals* globals);
void AddExplainCommand(CLI::App* app, Globals* globals);
void AddSubmitCommand(CLI::App* app, Globals* globals);
void AddListCommand(CLI::App* app, Globals* globals);
void AddShowCommand(CLI::App* app, Globals* globals);
void AddHistoryCommands(CLI::App* app, Globals* globals);
void AddWatchCommands(CLI::App* app, Globals* globals);
void AddControlCommands(CLI::App* app, Globals* globals);
void AddEditCommand(CLI::App* app, Globals* globals);
void AddDiffCommand(CLI::App* app, Globals* globals);
void AddSplitCommand(CLI::App* app, Globals* globals);
void AddQueueCommand(CLI::App* app, Globals* globals);
void AddCheckpointCommands(CLI::App* app, Globals* globals);
void AddCompareCommand(CLI::App* app, Globals* globals);
void AddPlotCommands(CLI::App* app, Globals* globals);
void AddExportCommands(CLI::App* app, Globals* globals);
void AddReportCommand(CLI::App* app, Globals* globals);
void AddServerCommand(CLI::App* app, Globals* globals);
void AddContextCommands(CLI::App* app, Globals* globals);
void AddDoctorCommand(CLI::App* app, Globals* globals);
// `app` is the root of the program.
void AddShellCommands(CLI::App* app, Globals* globals);

// Prints the completions of the last word, one per line, for `anneal __complete WORDS...`, which
// completion scripts call. Returns the exit code.
int PrintCompletions(const CLI::App& app, const std::vector<std::string>& words);

}  // namespace anneal::client::commands

#endif  // ANNEAL_CLIENT_COMMANDS_COMMAND_H_
