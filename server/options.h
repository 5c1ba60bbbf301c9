// The daemon's command line and configuration file.

#ifndef ANNEAL_SERVER_OPTIONS_H_
#define ANNEAL_SERVER_OPTIONS_H_

#include <optional>
#include <string>
#include <vector>

namespace anneal {

struct Options {
  std::string data_dir;
  std::vector<std::string> listen;
  std::string address_file;  // empty: none
  int workers = 0;
  bool pin_workers = false;
  std::vector<std::string> datasets;  // roots, in the order in which they are searched
  std::string log_level;
};

// Parses the command line, with --config FILE read first. Prints help, version or errors itself and
// then returns what the process should exit with.
struct ParsedOptions {
  Options options;
  std::optional<int> exit_code;
};
ParsedOptions ParseOptions(int argc, char** argv);

}  // namespace anneal

#endif  // ANNEAL_SERVER_OPTIONS_H_
