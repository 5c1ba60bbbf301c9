// The command `anneald token` creates, lists and revokes tokens, also while a daemon serves.

#ifndef ANNEAL_SERVER_COMMANDS_TOKEN_COMMAND_H_
#define ANNEAL_SERVER_COMMANDS_TOKEN_COMMAND_H_

#include <CLI/CLI.hpp>
#include <string>

#include "server/commands/arguments.h"

namespace anneal::commands {

// Adds the commands to `app`. The command that the command line chooses sets `chosen`. Borrows all
// pointers; reads `data_dir` when a command runs.
void AddTokenCommands(CLI::App* app, const std::string* data_dir, Chosen* chosen);

}  // namespace anneal::commands

#endif  // ANNEAL_SERVER_COMMANDS_TOKEN_COMMAND_H_
