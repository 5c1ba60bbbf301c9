// anneald: the experiment daemon.

#include <grpc/support/log.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/version.h"
#include "server/daemon.h"
#include "server/options.h"
#include "server/supervisor.h"

namespace {

// OpenBLAS reads its number of threads when it is loaded, before main: one a run is set by starting
// over.
void UseOneBlasThread(char** argv) {
  if (std::getenv("OPENBLAS_NUM_THREADS") != nullptr) return;
  ::setenv("OPENBLAS_NUM_THREADS", "1", 1);
  // By its own path, or the process would be called `exe` in ps and to pkill.
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) ::execv(self.c_str(), argv);
  // Only reached when /proc is not there: slower, not wrong.
}

// Every client is a descriptor.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// Blocked in all threads, so that only sigwait sees them. Others that would end it are ignored.
sigset_t BlockStopSignals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  // What a limit on the size of files does not allow is an error to wait out, as a full disk is.
  ::signal(SIGXFSZ, SIG_IGN);
  return signals;
}

// Whole or not at all, for whoever waits for the file to appear.
bool WriteAddressFile(const std::string& path, const std::vector<std::string>& addresses) {
  const std::string temporary = absl::StrCat(path, ".", ::getpid());
  std::ofstream file(temporary);
  for (const std::string& address : addresses) file << address << "\n";
  file.close();
  return file.good() && std::rename(temporary.c_str(), path.c_str()) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  anneal::ParsedOptions parsed;
  anneal::ParseOptions(argc, argv, &parsed);
  if (parsed.exit_code.has_value()) return *parsed.exit_code;
  if (parsed.command) return parsed.command();
  const anneal::Options& options = parsed.options;
  UseOneBlasThread(argv);
  RaiseDescriptorLimit();
  ::umask(0077);
  anneal::telemetry::ConfigureLog(options.log_level, options.log_format);
  // Its errors are what strangers do, such as giving up a handshake: not for everybody's log.
  ::gpr_set_log_function([](gpr_log_func_args* args) { spdlog::debug("gRPC: {}", args->message); });
  const sigset_t signals = BlockStopSignals();

  auto daemon = anneal::Daemon::Start(options);
  if (!daemon.ok()) return anneal::commands::Complain(daemon.status());
  const std::vector<std::string> addresses = (*daemon)->server().addresses();
  for (const std::string& address : addresses) {
    std::cout << "listening on " << address << std::endl;
  }
  if (!options.address_file.empty() && !WriteAddressFile(options.address_file, addresses)) {
    return anneal::commands::Complain(absl::PermissionDeniedError(
        absl::StrCat("cannot write --address-file ", options.address_file)));
  }
  if (!options.metrics_address.empty()) {
    spdlog::info("metrics at http://{}/metrics", (*daemon)->metrics_address());
  }
  spdlog::info("anneald {} is up: {} workers, data in {}", std::string(anneal::kVersion),
               options.workers, options.data_dir);
  int signal = 0;
  {
    const anneal::Supervisor supervisor([&daemon] { return (*daemon)->CheckAnswers(); });
    ::sigwait(&signals, &signal);
    spdlog::info("stopping on signal {}", signal);
  }
  daemon->reset();
  spdlog::info("stopped");
  return 0;
}
