// These functions return the default paths of files, in the XDG base directories. They read the
// environment, and are thread-safe as long as no thread changes it.

#ifndef ANNEAL_COMMON_PATHS_H_
#define ANNEAL_COMMON_PATHS_H_

#include <string>

namespace anneal {

// The daemon's default port on loopback.
inline constexpr int kDefaultPort = 7433;

// $XDG_STATE_HOME/anneal, or ~/.local/state/anneal.
std::string DefaultDataDirectory();
// $XDG_DATA_HOME/anneal/datasets, or ~/.local/share/anneal/datasets.
std::string DefaultDatasetDirectory();
// $XDG_CONFIG_HOME/anneal/client.textproto, or below ~/.config.
std::string ClientConfigPath();
// Returns the unix socket of a daemon with this data directory.
std::string SocketPath(const std::string& data_directory);

}  // namespace anneal

#endif  // ANNEAL_COMMON_PATHS_H_
