// `anneald` is the experiment daemon: main handles signals and the process's limits.

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
#include "google/protobuf/stubs/logging.h"
#include "server/daemon.h"
#include "server/options.h"
#include "server/supervisor.h"

namespace {

// Restarts the process with one OpenBLAS thread: OpenBLAS reads the number when it is loaded,
// before main.
void UseOneBlasThread(char** argv) {
  if (std::getenv("OPENBLAS_NUM_THREADS") != nullptr) return;
  ::setenv("OPENBLAS_NUM_THREADS", "1", 1);
  // Uses its real path: through /proc/self/exe, ps and pkill would show the process as `exe`.
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) ::execv(self.c_str(), argv);
  // Reached only without /proc: training is slower then, not wrong.
}

// Raises the limit of open files to the most allowed: every client takes a descriptor.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// Blocks SIGTERM and SIGINT in all threads, so that only sigwait sees them, and ignores other
// signals that would end the process.
sigset_t BlockStopSignals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  // Writes beyond the limit on file sizes then fail, and are retried as on a full disk.
  ::signal(SIGXFSZ, SIG_IGN);
  return signals;
}

// Writes the file atomically, because other programs wait for it to appear.
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
  // gRPC's errors are mostly caused by clients, such as aborted handshakes: debug level.
  ::gpr_set_log_function(
      [](gpr_log_func_args* args) { spdlog::debug(absl::StrCat("gRPC: ", args->message)); });
  // Messages that cannot be parsed.
  google::protobuf::SetLogHandler(
      [](google::protobuf::LogLevel, const char*, int, const std::string& message) {
        spdlog::debug(absl::StrCat("protobuf: ", message));
      });
  const sigset_t signals = BlockStopSignals();

  auto daemon = anneal::Daemon::Start(options);
  if (!daemon.ok()) return anneal::commands::Complain(daemon.status());
  const std::vector<std::string> addresses = (*daemon)->server().addresses();
  for (const std::string& address : addresses) {
    std::cout << "listening on " << address << std::endl;
  }
  if (!options.address_file.empty() && !WriteAddressFile(options.address_file, addresses)) {
    return anneal::commands::Complain(absl::PermissionDeniedError(
        absl::StrCat("cannot write --address-file ", options.address_file,
                     "; give a file in a directory that can be written")));
  }
  if (!options.metrics_address.empty()) {
    spdlog::info(absl::StrCat("metrics at http://", (*daemon)->metrics_address(), "/metrics"));
  }
  spdlog::info(absl::StrCat("anneald ", anneal::kVersion, " is up: ", options.executor.workers,
                            " workers, data directory ", options.data_dir));
  int signal = 0;
  {
    const anneal::Supervisor supervisor([&daemon] { return (*daemon)->CheckAnswers(); });
    ::sigwait(&signals, &signal);
    spdlog::info(absl::StrCat("stopping on signal ", signal));
  }
  daemon->reset();
  spdlog::info("stopped");
  return 0;
}
