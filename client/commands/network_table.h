// `NetworkTable` formats the layers of a network as a table. Pure.

#ifndef ANNEAL_CLIENT_COMMANDS_NETWORK_TABLE_H_
#define ANNEAL_CLIENT_COMMANDS_NETWORK_TABLE_H_

#include <string>

#include "anneal/v1/resources.pb.h"

namespace anneal::client::commands {

// Returns one line per layer and one for the whole network.
std::string NetworkTable(const v1::NetworkSummary& network);

}  // namespace anneal::client::commands

#endif  // ANNEAL_CLIENT_COMMANDS_NETWORK_TABLE_H_
