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

// Debian's dataset-* packages.
constexpr const char* kSystemDatasets = "/usr/share/datasets";

void AddOptions(CLI::App* app, Options* options) {
  app->add_option("--data-dir", options->data_dir,
                  "Directory of the database; one daemon at a time")
      ->capture_default_str();
  transport::ListenAddresses& listening = options->listening;
  app->add_option("--listen", listening.local,
                  "Address to serve at, repeatable: 127.0.0.1:PORT (0 takes a free one), "
                  "[::1]:PORT or unix:PATH; whoever comes there may do everything. Default: "
                  "127.0.0.1:7433 and the data directory's anneald.sock");
  app->add_option(
      "--tls-listen", listening.tls,
      "HOST:PORT to serve at over TLS, repeatable; who calls needs a token, see anneald "
      "token");
  app->add_option("--tls-cert", listening.tls_files.certificate,
                  "Certificate (PEM) for --tls-listen; read again when it changes");
  app->add_option("--tls-key", listening.tls_files.key,
                  "Its key (PEM); read again when it changes");
  app->add_option("--tls-client-ca", listening.tls_files.client_ca,
                  "Certificates (PEM) that sign clients': one whose common name has a token needs "
                  "not show it");
  app->add_option("--insecure-listen", listening.insecure,
                  "HOST:PORT to serve at without TLS and tokens, repeatable: everybody who reaches "
                  "it may do everything");
  app->add_option("--address-file", options->address_file,
                  "Write the addresses it listens on to this file, one a line");
  app->add_option("--workers", options->workers, "Trainings at a time")
      ->capture_default_str()
      ->check(CLI::Range(1, kMaxWorkers));
  app->add_flag("--pin-workers", options->pin_workers,
                "Keep each worker on a processor of its own");
  app->add_option("--datasets", options->datasets,
                  "Directory with a directory of IDX files for each data set, repeatable; "
                  "/usr/share/datasets is searched last")
      ->capture_default_str();
  app->add_option("--log-level", options->log_level, "What goes to the log on stderr")
      ->capture_default_str()
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
  app->add_option("--log-format", options->log_format, "text, or json: an object a line")
      ->transform(CLI::Transformer(std::map<std::string, telemetry::LogFormat>{
          {"text", telemetry::LogFormat::kText}, {"json", telemetry::LogFormat::kJson}}))
      ->default_str("text");
  app->add_option(
      "--metrics-listen", options->metrics_address,
      "HOST:PORT where Prometheus gets /metrics, without tokens; such as 127.0.0.1:7435");
}

// Processors that this process may use; at least 1.
int Processors() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

// Throws CLI::ValidationError.
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
                  "Runs of a user that may wait, run and be paused at a time; 0: any number")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app->add_option(
         "--max-stored-bytes", options->user_limits.stored_bytes,
         "What a user may store before submissions are refused, such as 20G; 0: any number")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/false))
      ->default_str("100G");
  app->add_option("--max-requests-per-second", options->max_requests_per_second,
                  "Of each who shows a token; 0: any number")
      ->capture_default_str()
      ->check(CLI::Range(0, 1'000'000));
  app->add_option_function<std::string>(
      "--keep-checkpoints", ReadAge("--keep-checkpoints", &options->retention.checkpoints),
      "How long after a run's end, such as 90d; later it cannot be extended, and a retry starts "
      "over. Default: for ever");
  app->add_option_function<std::string>(
      "--prune-events-after", ReadAge("--prune-events-after", &options->retention.events),
      "How long after the end of an experiment its events can be watched again, such as 90d; runs "
      "and epochs stay. Default: for ever");
  app->add_option("--reserve", options->reserve_bytes,
                  "Room on the disk, such as 32M, for cancelling and deleting once it is full; 0: "
                  "none")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/false))
      ->default_str("32M");
}

void CheckPinning(const Options& options) {
  if (!options.pin_workers || options.workers <= Processors()) return;
  throw CLI::ValidationError(
      "--pin-workers",
      absl::StrCat("needs a processor for each of the ", options.workers,
                   " workers, and there are ", Processors(), ": lower --workers or leave it out"));
}

}  // namespace

void ParseOptions(int argc, char** argv, ParsedOptions* parsed) {
  Options& options = parsed->options;
  options.data_dir = DefaultDataDirectory();
  options.workers = Processors();
  options.datasets = {DefaultDatasetDirectory()};
  options.log_level = "info";

  CLI::App app("anneald: queues, trains and records annealed networks; see anneal(1) to use it");
  app.set_version_flag("--version", absl::StrCat("anneald ", kVersion));
  app.set_config("--config", "", "Read options from this file, such as `workers = 2`");
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    return absl::StrCat("anneald: ", error.what(), " (see anneald --help)\n");
  });
  AddOptions(&app, &options);
  AddLimits(&app, &options);
  app.fallthrough();  // options of the program may follow its commands
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
