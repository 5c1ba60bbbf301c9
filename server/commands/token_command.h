// anneald token: making, listing and revoking tokens, while the daemon serves or not.

#ifndef ANNEAL_SERVER_COMMANDS_TOKEN_COMMAND_H_
#define ANNEAL_SERVER_COMMANDS_TOKEN_COMMAND_H_

#include <CLI/CLI.hpp>
#include <string>

#include "server/commands/arguments.h"

namespace anneal::commands {

// Adds them to the program; the one that is chosen sets `chosen`.
// All borrowed; `data_dir` is read when the command runs.
void AddTokenCommands(CLI::App* app, const std::string* data_dir, Chosen* chosen);

}  // namespace anneal::commands

#endif  // ANNEAL_SERVER_COMMANDS_TOKEN_COMMAND_H_
