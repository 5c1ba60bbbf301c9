#include "server/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <map>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/paths.h"
#include "common/status.h"
#include "common/version.h"
#include "server/commands/arguments.h"
#include "server/commands/maintenance_command.h"
#include "server/commands/token_command.h"

namespace anneal {
namespace {

constexpr int kMaxWorkers = 1024;

// Debian's dataset-* packages install here.
constexpr const char* kSystemDatasets = "/usr/share/datasets";

void AddOptions(CLI::App* app, Options* options) {
  app->add_option("--data-dir", options->data_dir,
                  "Directory of the database; one daemon at a time uses it")
      ->capture_default_str();
  transport::ListenAddresses& listening = options->listening;
  app->add_option("--listen", listening.local,
                  "Local address to listen on, repeatable: 127.0.0.1:PORT (0: any free port), "
                  "[::1]:PORT or unix:PATH; callers need no token and may do everything. Default: "
                  "127.0.0.1:7433 and the data directory's anneald.sock");
  app->add_option(
      "--tls-listen", listening.tls,
      "HOST:PORT to listen on with TLS, repeatable; callers need a token, see `anneald token "
      "--help`");
  app->add_option("--tls-cert", listening.tls_files.certificate,
                  "Certificate (PEM) for --tls-listen; reloaded when it changes");
  app->add_option("--tls-key", listening.tls_files.key,
                  "Private key (PEM) of the certificate; reloaded when it changes");
  app->add_option("--tls-client-ca", listening.tls_files.client_ca,
                  "CA certificates (PEM) for client certificates; a client whose certificate's "
                  "common name has a token needs not send the token");
  app->add_option("--insecure-listen", listening.insecure,
                  "HOST:PORT to listen on without TLS, repeatable; anybody who reaches it needs no "
                  "token and may do everything");
  app->add_option("--address-file", options->address_file,
                  "Write the addresses that the daemon listens on to this file, one per line");
  app->add_option("--workers", options->executor.workers, "Number of runs that train at a time")
      ->capture_default_str()
      ->check(CLI::Range(1, kMaxWorkers));
  app->add_flag("--pin-workers", options->executor.pin_workers,
                "Pin each worker to a processor of its own");
  app->add_option("--datasets", options->datasets,
                  "Directory of data sets, each a directory of IDX files; repeatable; "
                  "/usr/share/datasets is searched last")
      ->capture_default_str();
  app->add_option("--log-level", options->log_level,
                  "Least severe messages that are logged, on stderr")
      ->capture_default_str()
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
  app->add_option("--log-format", options->log_format, "text, or json with one object per line")
      ->transform(CLI::Transformer(std::map<std::string, telemetry::LogFormat>{
          {"text", telemetry::LogFormat::kText}, {"json", telemetry::LogFormat::kJson}}))
      ->default_str("text");
  app->add_option(
      "--metrics-listen", options->metrics_address,
      "HOST:PORT to serve /metrics on for Prometheus, without tokens, such as 127.0.0.1:7435");
}

// Returns the number of processors that this process may use; at least 1.
int Processors() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

// Returns a parser of ages for CLI11, which throws CLI::ValidationError.
std::function<void(const std::string&)> ReadAge(const char* option,
                                                std::optional<absl::Duration>* age) {
  return [option, age](const std::string& text) {
    const auto parsed = commands::ParseAge(option, text);
    if (!parsed.ok()) throw CLI::ValidationError(std::string(parsed.status().message()));
    *age = *parsed;
  };
}

void AddLimits(CLI::App* app, Options* options) {
  app->add_option("--max-queued-runs", options->user_limits.unended_runs,
                  "Most unfinished runs per user: queued, running and paused; 0: unlimited")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app->add_option(
         "--max-stored-bytes", options->user_limits.stored_bytes,
         "Most bytes stored per user, such as 20G; further submissions are refused; 0: unlimited")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/false))
      ->default_str("100G");
  app->add_option("--max-requests-per-second", options->max_requests_per_second,
                  "Rate limit per token; 0: unlimited")
      ->capture_default_str()
      ->check(CLI::Range(0, 1'000'000));
  app->add_option_function<std::string>(
      "--keep-checkpoints", ReadAge("--keep-checkpoints", &options->retention.checkpoints),
      "Keep checkpoints this long after the end of their run, such as 90d; afterwards the run "
      "cannot be extended, and a retry starts from epoch 0. Default: for ever");
  app->add_option_function<std::string>(
      "--prune-events-after", ReadAge("--prune-events-after", &options->retention.events),
      "Remove events this long after the end of their experiment, such as 90d; runs and epochs "
      "stay. Default: never");
  app->add_option("--reserve", options->reserve_bytes,
                  "Disk space kept for cancelling and deleting on a full disk, such as 32M; 0: "
                  "none")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/false))
      ->default_str("32M");
}

void CheckPinning(const Options& options) {
  if (!options.executor.pin_workers || options.executor.workers <= Processors()) return;
  throw CLI::ValidationError(
      "--pin-workers",
      absl::StrCat("needs a processor for each of the ", options.executor.workers,
                   " workers, but there are ", Processors(), "; lower --workers or omit it"));
}

}  // namespace

void ParseOptions(int argc, char** argv, ParsedOptions* parsed) {
  Options& options = parsed->options;
  options.data_dir = DefaultDataDirectory();
  options.executor.workers = Processors();
  options.datasets = {DefaultDatasetDirectory()};
  options.log_level = "info";

  CLI::App app(
      "anneald: the experiment daemon, which queues, trains and records runs; its client is "
      "`anneal`");
  app.set_version_flag("--version", absl::StrCat("anneald ", kVersion));
  app.set_config("--config", "",
                 "Read options from this file, one per line, such as `workers = 2`");
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    return absl::StrCat("anneald: ", error.what(), " (see anneald --help)\n");
  });
  AddOptions(&app, &options);
  AddLimits(&app, &options);
  app.fallthrough();  // the daemon's options may follow a command
  commands::AddTokenCommands(&app, &options.data_dir, &parsed->command);
  commands::AddMaintenanceCommands(&app,
                                   {.data_dir = &options.data_dir,
                                    .datasets = &options.datasets,
                                    .addresses = &options.listening,
                                    .reserve_bytes = &options.reserve_bytes},
                                   &parsed->command);
  try {
    app.parse(argc, argv);
    CheckPinning(options);
  } catch (const CLI::ParseError& error) {
    parsed->exit_code = app.exit(error) == 0 ? 0 : commands::kUsageError;
    return;
  }
  options.datasets.emplace_back(kSystemDatasets);
  transport::ListenAddresses& listening = options.listening;
  if (listening.local.empty() && listening.tls.empty() && listening.insecure.empty()) {
    listening.local = {absl::StrCat("127.0.0.1:", kDefaultPort),
                       absl::StrCat("unix:", SocketPath(options.data_dir))};
  }
}

}  // namespace anneal
