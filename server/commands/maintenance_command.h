// The commands `anneald check`, `backup` and `migrate` maintain a data directory, also while a
// daemon serves from it.

#ifndef ANNEAL_SERVER_COMMANDS_MAINTENANCE_COMMAND_H_
#define ANNEAL_SERVER_COMMANDS_MAINTENANCE_COMMAND_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "server/commands/arguments.h"
#include "server/transport/listen_addresses.h"

namespace anneal::commands {

// The daemon's options that the commands use. All are borrowed, and read when a command runs.
struct MaintenanceOptions {
  const std::string* data_dir = nullptr;
  const std::vector<std::string>* datasets = nullptr;
  const transport::ListenAddresses* addresses = nullptr;
  const int64_t* reserve_bytes = nullptr;
};

// Adds the commands to `app`. The command that the command line chooses sets `chosen`.
void AddMaintenanceCommands(CLI::App* app, const MaintenanceOptions& options, Chosen* chosen);

}  // namespace anneal::commands

#endif  // ANNEAL_SERVER_COMMANDS_MAINTENANCE_COMMAND_H_
