// anneald token: making, listing and revoking tokens, while the daemon serves or not.

#ifndef ANNEAL_SERVER_COMMANDS_TOKEN_COMMAND_H_
#define ANNEAL_SERVER_COMMANDS_TOKEN_COMMAND_H_

#include <CLI/CLI.hpp>

#include "server/options.h"

namespace anneal {

// Adds them to the program; the one that is chosen sets `parsed->command`.
void AddTokenCommands(CLI::App* app, ParsedOptions* parsed);

}  // namespace anneal

#endif  // ANNEAL_SERVER_COMMANDS_TOKEN_COMMAND_H_
