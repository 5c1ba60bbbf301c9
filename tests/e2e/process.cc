#include "tests/e2e/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"

namespace anneal {
namespace {

constexpr std::chrono::milliseconds kPoll(5);

std::vector<std::string> Environment(const std::map<std::string, std::string>& changes) {
  std::map<std::string, std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    all[text.substr(0, text.find('='))] = text.substr(text.find('=') + 1);
  }
  all.erase("ANNEAL_SERVER");
  all.erase("TERM");
  for (const auto& [name, value] : changes) all[name] = value;
  std::vector<std::string> entries;
  for (const auto& [name, value] : all) entries.push_back(absl::StrCat(name, "=", value));
  return entries;
}

std::vector<char*> Pointers(std::vector<std::string>* strings) {
  std::vector<char*> pointers;
  for (std::string& text : *strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

void Pipe(int ends[2]) {
  if (::pipe2(ends, O_CLOEXEC) != 0) ADD_FAILURE() << "pipe2: " << std::strerror(errno);
}

bool SetSize(int terminal, int columns, int rows) {
  const winsize size{.ws_row = static_cast<unsigned short>(rows),
                     .ws_col = static_cast<unsigned short>(columns),
                     .ws_xpixel = 0,
                     .ws_ypixel = 0};
  return ::ioctl(terminal, TIOCSWINSZ, &size) == 0;
}

int OpenTerminal(const ProcessOptions& options) {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master < 0 || ::grantpt(master) != 0 || ::unlockpt(master) != 0 ||
      !SetSize(master, options.columns, options.rows)) {
    ADD_FAILURE() << "no pseudo-terminal: " << std::strerror(errno);
  }
  return master;
}

// Runs in the child after fork: only async-signal-safe calls.
[[noreturn]] void Become(char** command, char** environment, const char* terminal, int input,
                         int output, int errors) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (terminal != nullptr) {
    ::setsid();
    input = output = errors = ::open(terminal, O_RDWR);  // becomes the controlling terminal
  }
  ::dup2(input, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(errors, STDERR_FILENO);
  if (terminal != nullptr && input > STDERR_FILENO) ::close(input);
  ::execve(command[0], command, environment);
  ::_exit(127);
}

}  // namespace

bool Eventually(const std::function<bool()>& condition, Seconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(kPoll);
  }
  return true;
}

Process::Process(const std::vector<std::string>& command, const ProcessOptions& options) {
  std::vector<std::string> words = command;
  std::vector<std::string> variables = Environment(options.environment);
  std::vector<char*> argv = Pointers(&words);
  std::vector<char*> envp = Pointers(&variables);
  int in[2] = {-1, -1};
  int out[2] = {-1, -1};
  int err[2] = {-1, -1};
  std::string terminal;
  if (options.terminal) {
    input_ = out[0] = OpenTerminal(options);
    terminal = ::ptsname(input_);
  } else {
    Pipe(in);
    Pipe(out);
    Pipe(err);
  }
  child_ = ::fork();
  if (child_ == 0) {
    Become(argv.data(), envp.data(), options.terminal ? terminal.c_str() : nullptr, in[0], out[1],
           err[1]);
  }
  pipes_[0] = out[0];
  pipes_[1] = err[0];
  for (const int end : {in[0], out[1], err[1]}) {
    if (end >= 0) ::close(end);
  }
  if (in[1] >= 0) {
    // Fits into a pipe.
    const auto size = static_cast<ssize_t>(options.input.size());
    EXPECT_EQ(::write(in[1], options.input.data(), options.input.size()), size);
    ::close(in[1]);
  }
  monitor_ = std::thread([this] { Monitor(); });
}

Process::~Process() {
  Signal(SIGKILL);
  monitor_.join();
  for (const int end : pipes_) {
    if (end >= 0) ::close(end);
  }
}

void Process::Resize(int columns, int rows) {
  EXPECT_TRUE(SetSize(input_, columns, rows)) << std::strerror(errno);
}

void Process::Monitor() {
  std::string* const texts[2] = {&seen_.output, &seen_.errors};
  pollfd ends[2] = {{pipes_[0], POLLIN, 0}, {pipes_[1], POLLIN, 0}};
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    if (::poll(ends, 2, -1) < 0 && errno != EINTR) break;
    for (int i = 0; i < 2; ++i) {
      if (ends[i].fd < 0 || ends[i].revents == 0) continue;
      char buffer[65536];
      const ssize_t size = ::read(ends[i].fd, buffer, sizeof(buffer));
      if (size <= 0) {
        // A terminal reports a hangup until its other side is opened; the child is alive.
        siginfo_t info{};
        const bool alive =
            i == 0 && input_ >= 0 &&
            ::waitid(P_PID, static_cast<id_t>(child_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
            info.si_pid == 0;
        if (alive) {
          std::this_thread::sleep_for(kPoll);
        } else {
          ends[i].fd = -1;
        }
        continue;
      }
      const std::lock_guard<std::mutex> lock(mutex_);
      texts[i]->append(buffer, static_cast<size_t>(size));
      changed_.notify_all();
    }
  }
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(child_), &info, WEXITED | WNOWAIT);
  const std::lock_guard<std::mutex> lock(mutex_);
  int status = 0;
  ::waitpid(child_, &status, 0);
  seen_.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  ended_ = true;
  changed_.notify_all();
}

void Process::Signal(int signal) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!ended_) ::kill(child_, signal);
}

void Process::Type(absl::string_view text) {
  EXPECT_EQ(::write(input_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

bool Process::WaitFor(
    const std::function<bool(const std::string& output, const std::string& errors)>& condition,
    Seconds patience) {
  std::unique_lock<std::mutex> lock(mutex_);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition(seen_.output, seen_.errors)) {
    if (ended_) return false;
    if (changed_.wait_until(lock, deadline) == std::cv_status::timeout) {
      return condition(seen_.output, seen_.errors);
    }
  }
  return true;
}

std::optional<Finished> Process::Wait(Seconds patience) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (!changed_.wait_for(lock, patience, [this] { return ended_; })) return std::nullopt;
  return seen_;
}

std::string Process::output() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return seen_.output;
}

std::string Process::errors() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return seen_.errors;
}

Finished RunProcess(const std::vector<std::string>& command, const ProcessOptions& options,
                    Seconds patience) {
  Process process(command, options);
  const std::optional<Finished> finished = process.Wait(patience);
  if (finished.has_value()) return *finished;
  ADD_FAILURE() << "did not end: " << absl::StrJoin(command, " ") << "\n"
                << process.output() << process.errors();
  return {.code = -1, .output = process.output(), .errors = process.errors()};
}

}  // namespace anneal
