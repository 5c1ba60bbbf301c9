// `Process` runs a real process under test: captures its output, sends signals and waits with a
// deadline.

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

// Deadline of all waits, far above any expected duration.
inline constexpr Seconds kPatience(120);

// Polls until `condition` holds; returns false after the deadline.
bool Eventually(const std::function<bool()>& condition, Seconds patience = kPatience);

struct ProcessOptions {
  // Added to this process's environment, without ANNEAL_SERVER and TERM.
  std::map<std::string, std::string> environment;
  // The contents of stdin, unless it has a terminal.
  std::string input;
  // Runs it in a terminal; stdout and stderr are both captured as output.
  bool terminal = false;
  int columns = 80;
  int rows = 24;
};

// The result of a process.
struct Finished {
  int code = -1;  // 128 + n if killed by signal n
  std::string output;
  std::string errors;
};

// Thread-safe. The child is killed when this object or the test process ends.
class Process {
 public:
  explicit Process(const std::vector<std::string>& command, const ProcessOptions& options = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return child_; }
  void Signal(int signal);
  // Writes input as if typed at the terminal.
  void Type(absl::string_view text);

  // Resizes its terminal.
  void Resize(int columns, int rows);

  // Waits until `condition` holds for the output so far; returns false after the deadline or if the
  // process ends first.
  bool WaitFor(
      const std::function<bool(const std::string& output, const std::string& errors)>& condition,
      Seconds patience = kPatience);
  // Waits for its end; returns nothing after the deadline.
  std::optional<Finished> Wait(Seconds patience = kPatience);

  std::string output() const;
  std::string errors() const;

 private:
  void Monitor();

  pid_t child_ = -1;
  int input_ = -1;  // master side of the terminal, if any
  int pipes_[2] = {-1, -1};
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Finished seen_;
  bool ended_ = false;
  std::thread monitor_;
};

// Runs a command to its end; fails the test and returns code -1 after the deadline.
Finished RunProcess(const std::vector<std::string>& command, const ProcessOptions& options = {},
                    Seconds patience = kPatience);

}  // namespace anneal

#endif  // ANNEAL_TESTS_E2E_PROCESS_H_
