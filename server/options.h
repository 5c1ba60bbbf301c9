// The daemon's command line and configuration file.

#ifndef ANNEAL_SERVER_OPTIONS_H_
#define ANNEAL_SERVER_OPTIONS_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/commands/arguments.h"
#include "server/experiments/retention.h"
#include "server/store/usage_store.h"
#include "server/telemetry/log.h"
#include "server/transport/listen_addresses.h"

namespace anneal {

struct Options {
  std::string data_dir;
  transport::ListenAddresses listening;
  std::string address_file;  // empty: none
  int workers = 0;
  bool pin_workers = false;
  std::vector<std::string> datasets;  // roots, in the order in which they are searched
  std::string metrics_address;        // HOST:PORT; empty: none
  store::UsageLimits user_limits = {.unended_runs = 100'000, .stored_bytes = int64_t{100} << 30};
  int max_requests_per_second = 500;  // of a caller with a token; 0: any number
  experiments::RetentionAges retention;
  int64_t reserve_bytes = int64_t{32} << 20;
  std::string log_level;
  telemetry::LogFormat log_format = telemetry::LogFormat::kText;
};

// Parses the command line, with --config FILE read first. Prints help, version or errors itself and
// then returns what the process should exit with.
struct ParsedOptions {
  Options options;
  std::optional<int> exit_code;
  commands::Chosen command;
};

// Fills in `parsed`, which its command refers to.
void ParseOptions(int argc, char** argv, ParsedOptions* parsed);

}  // namespace anneal

#endif  // ANNEAL_SERVER_OPTIONS_H_
