// anneald check, backup and migrate: looking after a data directory, while a daemon serves or not.

#ifndef ANNEAL_SERVER_COMMANDS_MAINTENANCE_COMMAND_H_
#define ANNEAL_SERVER_COMMANDS_MAINTENANCE_COMMAND_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "server/commands/arguments.h"
#include "server/transport/listen_addresses.h"

namespace anneal::commands {

// What the commands look at. All borrowed, and read when a command runs.
struct MaintenanceOptions {
  const std::string* data_dir = nullptr;
  const std::vector<std::string>* datasets = nullptr;
  const transport::ListenAddresses* addresses = nullptr;
  const int64_t* reserve_bytes = nullptr;
};

// Adds them to the program; the one that is chosen sets `chosen`.
void AddMaintenanceCommands(CLI::App* app, const MaintenanceOptions& options, Chosen* chosen);

}  // namespace anneal::commands

#endif  // ANNEAL_SERVER_COMMANDS_MAINTENANCE_COMMAND_H_
