// What the commands share: the options that all of them take, and how one is run.

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

// Options of the whole program.
struct Globals {
  std::string server;
  std::string context;
  bool verbose = false;
  Interrupt* interrupt = nullptr;  // borrowed
  // One of them is set by the command that was chosen, and returns the exit code.
  std::function<int(Connection*)> command;
  std::function<int()> local_command;  // needs no daemon
};

// How a command that lists things shows them.
struct ListOptions {
  std::string output = "table";
  bool quiet = false;
  std::vector<std::string> columns;  // empty: those of the table
  int limit = 0;                     // 0: all
  // Of the rows, by column; for commands whose lists the daemon does not filter and sort.
  std::string filter;
  std::string sort;

  // How many to fetch: what is filtered and sorted here is cut here.
  int fetch_limit() const { return filter.empty() && sort.empty() ? limit : 0; }
};
// --output and -q.
void AddOutputOption(CLI::App* app, ListOptions* options);
// Those, --columns and --limit.
void AddListOptions(CLI::App* app, ListOptions* options);
// --filter and --sort. For lists with one row, message and name each.
void AddSelectionOptions(CLI::App* app, ListOptions* options);

// Prints a list in the form asked for: `table` for people; `csv`, which has its own columns because
// it is complete; JSON of the messages; or the names. Returns the exit code.
struct Listing {
  const render::Table* table = nullptr;
  const render::Table* csv = nullptr;  // null: the table serves
  std::vector<const google::protobuf::Message*> messages;
  std::vector<std::string> names;
};
int Print(const ListOptions& options, const Listing& listing);
// Prints a table as it fits the terminal, if there is one, and says on stderr what does not.
void PrintTable(const render::Table& table);
// Whether a listing has as many entries as are wanted.
bool IsFull(const ListOptions& options, const Listing& listing);

// Splits `key=value`. INVALID_ARGUMENT naming `option`.
absl::Status SplitPair(absl::string_view option, const std::string& text, std::string* key,
                       std::string* value);

// Says what went wrong, on stderr, a line a problem. Returns kUsage for INVALID_ARGUMENT, kFailure
// otherwise.
int Complain(const absl::Status& status);

// What a user is told who has stopped following: the command that comes back, to this server.
std::string Detached(const Globals& globals, const std::string& verb, const std::string& name);

// From now on Ctrl-C says that, and ends the process: for calls that may wait for a silent server.
void DetachOnInterrupt(const Globals& globals, const std::string& verb, const std::string& name);

// Each adds its commands to the program.
void AddPresetCommands(CLI::App* app, Globals* globals);
void AddExplainCommand(CLI::App* app, Globals* globals);
void AddSubmitCommand(CLI::App* app, Globals* globals);
void AddListCommand(CLI::App* app, Globals* globals);
void AddShowCommand(CLI::App* app, Globals* globals);
void AddHistoryCommands(CLI::App* app, Globals* globals);
void AddWatchCommands(CLI::App* app, Globals* globals);
void AddControlCommands(CLI::App* app, Globals* globals);
void AddEditCommand(CLI::App* app, Globals* globals);
void AddQueueCommand(CLI::App* app, Globals* globals);
void AddCheckpointCommands(CLI::App* app, Globals* globals);
void AddCompareCommand(CLI::App* app, Globals* globals);
void AddPlotCommands(CLI::App* app, Globals* globals);
void AddExportCommands(CLI::App* app, Globals* globals);
void AddReportCommand(CLI::App* app, Globals* globals);
void AddServerCommand(CLI::App* app, Globals* globals);
void AddContextCommands(CLI::App* app, Globals* globals);
void AddDoctorCommand(CLI::App* app, Globals* globals);
// Takes the program's own App.
void AddShellCommands(CLI::App* app, Globals* globals);

// What completion scripts ask for with `anneal __complete WORDS...`: a line for each way to go on
// with the last word. Returns the exit code.
int PrintCompletions(const CLI::App& app, const std::vector<std::string>& words);

}  // namespace anneal::client::commands

#endif  // ANNEAL_CLIENT_COMMANDS_COMMAND_H_
