// `ParseOptions` reads the daemon's command line and configuration file.

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
#include "server/workers/make_executor.h"

namespace anneal {

struct Options {
  std::string data_dir;
  transport::ListenAddresses listening;
  std::string address_file;  // empty: none
  workers::ExecutorOptions executor;
  std::vector<std::string> datasets;  // directories, in search order
  std::string metrics_address;        // HOST:PORT; empty: none
  store::UsageLimits user_limits = {.unended_runs = 100'000, .stored_bytes = int64_t{100} << 30};
  int max_requests_per_second = 500;  // per token; 0: unlimited
  experiments::RetentionAges retention;
  int64_t reserve_bytes = int64_t{32} << 20;
  std::string log_level;
  telemetry::LogFormat log_format = telemetry::LogFormat::kText;
};

// The result of ParseOptions. At most one of `exit_code` and `command` is set; without either, the
// process serves.
struct ParsedOptions {
  Options options;
  std::optional<int> exit_code;
  commands::Chosen command;
};

// Parses the command line, and before it the file of --config. Prints help, version and errors, and
// then sets `exit_code`. `parsed` must outlive its command, which refers to the options.
void ParseOptions(int argc, char** argv, ParsedOptions* parsed);

}  // namespace anneal

#endif  // ANNEAL_SERVER_OPTIONS_H_
