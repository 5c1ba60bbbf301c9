// Real processes under test: started with captured output, signalled, awaited with a deadline.

#ifndef ANNEAL_TESTS_E2E_PROCESS_H_
#define ANNEAL_TESTS_E2E_PROCESS_H_

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/string_view.h"

namespace anneal {

using Seconds = std::chrono::duration<double>;

// What a test waits for at most before it fails; far more than anything takes.
inline constexpr Seconds kPatience(120);

// Polls until `condition` holds; false when the time is up.
bool Eventually(const std::function<bool()>& condition, Seconds patience = kPatience);

struct ProcessOptions {
  // On top of this process's own, from which ANNEAL_SERVER and TERM are taken.
  std::map<std::string, std::string> environment;
  // What it can read from stdin, unless it has a terminal.
  std::string input;
  // Gives it a terminal; all it writes is output.
  bool terminal = false;
  int columns = 80;
  int rows = 24;
};

// What became of a process.
struct Finished {
  int code = -1;  // 128 + n when signal n ended it
  std::string output;
  std::string errors;
};

// Thread-safe. The child gets SIGKILL when this is destroyed, or when the test itself dies.
class Process {
 public:
  explicit Process(const std::vector<std::string>& command, const ProcessOptions& options = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return child_; }
  void Signal(int signal);
  // As if typed at the terminal.
  void Type(absl::string_view text);

  // Changes the size of its terminal.
  void Resize(int columns, int rows);

  // Waits until `condition` holds for what it wrote so far; false when the time is up, or when it
  // ended without.
  bool WaitFor(
      const std::function<bool(const std::string& output, const std::string& errors)>& condition,
      Seconds patience = kPatience);
  // Waits for the end; nothing when the time is up.
  std::optional<Finished> Wait(Seconds patience = kPatience);

  std::string output() const;
  std::string errors() const;

 private:
  void Monitor();

  pid_t child_ = -1;
  int input_ = -1;  // only with a terminal: its master side
  int pipes_[2] = {-1, -1};
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Finished seen_;
  bool ended_ = false;
  std::thread monitor_;
};

// Runs a command to its end; a test failure, and code -1, when that takes too long.
Finished RunProcess(const std::vector<std::string>& command, const ProcessOptions& options = {},
                    Seconds patience = kPatience);

}  // namespace anneal

#endif  // ANNEAL_TESTS_E2E_PROCESS_H_
