#include "common/paths.h"

#include <cstdlib>

#include "absl/strings/str_cat.h"

namespace anneal {
namespace {

std::string BaseDirectory(const char* variable, const char* below_home) {
  const char* base = std::getenv(variable);
  if (base != nullptr && base[0] == '/') return base;
  const char* home = std::getenv("HOME");
  return absl::StrCat(home == nullptr ? "/tmp" : home, "/", below_home);
}

}  // namespace

std::string DefaultDataDirectory() {
  return absl::StrCat(BaseDirectory("XDG_STATE_HOME", ".local/state"), "/anneal");
}

std::string DefaultDatasetDirectory() {
  return absl::StrCat(BaseDirectory("XDG_DATA_HOME", ".local/share"), "/anneal/datasets");
}

std::string ClientConfigPath() {
  return absl::StrCat(BaseDirectory("XDG_CONFIG_HOME", ".config"), "/anneal/client.textproto");
}

std::string SocketPath(const std::string& data_directory) {
  return absl::StrCat(data_directory, "/anneald.sock");
}

}  // namespace anneal
