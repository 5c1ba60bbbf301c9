// Where things lie by default (XDG base directories). Reads the environment; thread-safe while
// nobody writes it.

#ifndef ANNEAL_COMMON_PATHS_H_
#define ANNEAL_COMMON_PATHS_H_

#include <string>

namespace anneal {

// The daemon's port on loopback when it is not told another.
inline constexpr int kDefaultPort = 7433;

// $XDG_STATE_HOME/anneal, or ~/.local/state/anneal.
std::string DefaultDataDirectory();
// $XDG_DATA_HOME/anneal/datasets, or ~/.local/share/anneal/datasets.
std::string DefaultDatasetDirectory();
// $XDG_CONFIG_HOME/anneal/client.textproto, or below ~/.config.
std::string ClientConfigPath();
// The unix socket of a daemon with this data directory.
std::string SocketPath(const std::string& data_directory);

}  // namespace anneal

#endif  // ANNEAL_COMMON_PATHS_H_
