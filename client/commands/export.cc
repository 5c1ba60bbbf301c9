// anneal export writes complete copies of recorded runs for other programs.

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/commands/command.h"
#include "client/exporters/logdir.h"
#include "client/exporters/output_file.h"
#include "client/exporters/tables.h"
#include "client/named_runs.h"
#include "common/run_state.h"
#include "common/status.h"

namespace anneal::client::commands {
namespace {

// Polling interval of --follow; TensorBoard reloads files every 5 s at most.
constexpr std::chrono::milliseconds kPause(2000);

struct ExportOptions {
  std::vector<std::string> names;
  std::string directory;
  bool follow = false;
};

using WriteTables = absl::Status (*)(Connection*, const std::vector<v1::Run>&, const std::string&,
                                     const exporters::OnRun&);

std::string Counted(size_t count, const char* what) {
  return absl::StrCat(count, " ", what, count == 1 ? "" : "s");
}

absl::StatusOr<std::vector<v1::Run>> RunsByExperiment(Connection* connection,
                                                      const std::vector<std::string>& names) {
  ANNEAL_ASSIGN_OR_RETURN(std::vector<v1::Run> runs,
                          FetchNamedRuns(connection, names, v1::RUN_VIEW_FULL, {"*"}));
  const std::vector<std::string> experiments = ExperimentsOf(runs);
  const auto place = [&experiments](const v1::Run& run) {
    return std::find(experiments.begin(), experiments.end(), ExperimentOf(run));
  };
  std::stable_sort(runs.begin(), runs.end(),
                   [&place](const v1::Run& a, const v1::Run& b) { return place(a) < place(b); });
  return runs;
}

int ExportTables(Connection* connection, const ExportOptions& options, WriteTables write) {
  const auto runs = RunsByExperiment(connection, options.names);
  if (!runs.ok()) return PrintError(runs.status());
  if (const auto made = exporters::MakeDirectory("--out", options.directory); !made.ok()) {
    return PrintError(made);
  }
  const bool shows_progress = ::isatty(STDERR_FILENO) == 1;
  const absl::Status written = write(connection, *runs, options.directory, [&](size_t number) {
    if (shows_progress) std::cerr << "\rrun " << number + 1 << " of " << runs->size() << " ";
  });
  if (shows_progress) std::cerr << "\r\x1b[K";
  if (!written.ok()) return PrintError(written);
  std::cout << options.directory << ": " << Counted(runs->size(), "run") << "\n";
  return kSuccess;
}

// Polls the runs until all have ended, and reconnects when necessary.
int FollowRuns(Connection* connection, Interrupt* interrupt, const ExportOptions& options,
               exporters::Logdir* logdir) {
  interrupt->OnInterrupt([] {});
  bool is_lost = false;
  while (interrupt->Sleep(kPause)) {
    absl::Status status;
    const auto runs = FetchNamedRuns(connection, options.names, v1::RUN_VIEW_FULL);
    bool all_ended = runs.ok();
    if (runs.ok()) {
      for (const v1::Run& run : *runs) {
        status.Update(logdir->Update(connection, run));
        all_ended = all_ended && IsFinal(run.state());
      }
    } else {
      status = runs.status();
    }
    const bool was_lost = is_lost;
    is_lost = IsLostConnection(status);
    if (!status.ok() && !is_lost) return PrintError(status);
    if (is_lost && !was_lost) {
      std::cerr << "connection to " << connection->server() << " lost; reconnecting\n";
    }
    if (status.ok() && all_ended) return kSuccess;
  }
  std::cerr << "stopped; everything recorded so far has been written\n";
  return kInterrupted;
}

int ExportTensorboard(Connection* connection, const Globals& globals,
                      const ExportOptions& options) {
  const auto runs = FetchNamedRuns(connection, options.names, v1::RUN_VIEW_FULL);
  if (!runs.ok()) return PrintError(runs.status());
  exporters::Logdir logdir(options.directory, exporters::Hyperparameters(*runs));
  bool all_ended = true;
  for (const v1::Run& run : *runs) {
    const absl::Status updated = logdir.Update(connection, run);
    if (!updated.ok()) return PrintError(updated);
    all_ended = all_ended && IsFinal(run.state());
  }
  std::cout << options.directory << ": " << Counted(runs->size(), "run") << ", "
            << Counted(static_cast<size_t>(logdir.epochs()), "epoch")
            << "; open with: tensorboard --logdir " << options.directory << std::endl;
  if (all_ended || !options.follow) return kSuccess;
  return FollowRuns(connection, globals.interrupt, options, &logdir);
}

CLI::App* AddFormat(CLI::App* parent, const std::string& name, const std::string& description,
                    const std::string& directory_option,
                    const std::shared_ptr<ExportOptions>& options) {
  CLI::App* format = parent->add_subcommand(name, description);
  format->add_option("names", options->names, "Experiments or runs, such as first second/0")
      ->required();
  format->add_option(directory_option, options->directory, "Output directory; created if necessary")
      ->required();
  format->footer(
      absl::StrCat("Example: anneal export ", name, " first ", directory_option, " exported"));
  return format;
}

void AddTables(CLI::App* parent, Globals* globals, const std::string& name,
               const std::string& description, const std::shared_ptr<ExportOptions>& options,
               WriteTables write) {
  AddFormat(parent, name, description, "--out", options)->callback([globals, options, write] {
    globals->command = [options, write](Connection* connection) {
      return ExportTables(connection, *options, write);
    };
  });
}

}  // namespace

void AddExportCommands(CLI::App* app, Globals* globals) {
  CLI::App* commands =
      app->add_subcommand("export", "Export everything recorded for runs, for other programs");
  commands->require_subcommand(1);
  const auto options = std::make_shared<ExportOptions>();
  AddTables(
      commands, globals, "csv",
      "Write CSV tables of experiments, runs, epochs, thetas, test results and confusion matrices",
      options, exporters::WriteCsv);
  AddTables(commands, globals, "json", "Write one JSON file per experiment, with all of its runs",
            options, exporters::WriteJson);
  CLI::App* tensorboard = AddFormat(
      commands, "tensorboard", "Write scalars, histograms of θ and hyperparameters for TensorBoard",
      "--logdir", options);
  tensorboard->add_flag("--follow", options->follow,
                        "Keep writing new epochs until all runs have ended");
  tensorboard->callback([globals, options] {
    globals->command = [globals, options](Connection* connection) {
      return ExportTensorboard(connection, *globals, *options);
    };
  });
}

}  // namespace anneal::client::commands
