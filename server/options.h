// The daemon's command line and configuration file.

#ifndef ANNEAL_SERVER_OPTIONS_H_
#define ANNEAL_SERVER_OPTIONS_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/rpc/listening.h"
#include "server/telemetry/log.h"

namespace anneal {

struct Options {
  std::string data_dir;
  rpc::Listening listening;
  std::string address_file;  // empty: none
  int workers = 0;
  bool pin_workers = false;
  std::vector<std::string> datasets;  // roots, in the order in which they are searched
  std::string metrics_address;        // HOST:PORT; empty: none
  std::string log_level;
  telemetry::LogFormat log_format = telemetry::LogFormat::kText;
};

// Parses the command line, with --config FILE read first. Prints help, version or errors itself and
// then returns what the process should exit with.
struct ParsedOptions {
  Options options;
  std::optional<int> exit_code;
  // What to do instead of serving; returns what to exit with. Null: serve.
  std::function<int()> command;
};

// Says what is wrong, on stderr. Returns what to exit with: 2 for INVALID_ARGUMENT, else 1.
int Complain(const absl::Status& status);

// Where the tokens of a daemon with this data directory are.
std::string TokensPath(const std::string& data_dir);
// Fills in `parsed`, which its command refers to.
void ParseOptions(int argc, char** argv, ParsedOptions* parsed);

}  // namespace anneal

#endif  // ANNEAL_SERVER_OPTIONS_H_
