// `TestDaemon` runs a real anneald with its own directory, data sets and address, and real clients
// that call it.

#ifndef ANNEAL_TESTS_E2E_TEST_DAEMON_H_
#define ANNEAL_TESTS_E2E_TEST_DAEMON_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "anneal/v1/services.pb.h"
#include "gtest/gtest.h"
#include "tests/e2e/process.h"
#include "tests/fixtures/temp_directory.h"

namespace anneal {

// Data sets: `tiny` with 12x12 pixels and 4 classes, and `mnist` with 28x28 pixels and 10 classes
// for the presets. Not thread-safe.
class TestDaemon {
 public:
  enum class Address { kTcp, kSocket };

  // Starts the daemon; fails the test if it is not ready in time. On a socket the address survives
  // restarts.
  explicit TestDaemon(Address kind = Address::kTcp, int workers = 2,
                      std::vector<std::string> more_options = {});

  // Starts it with additional environment variables.
  void Start(const std::map<std::string, std::string>& environment = {});
  // Starts it without waiting until it is ready, for a daemon that may fail to start.
  void Launch(const std::map<std::string, std::string>& environment = {});
  // Sends SIGTERM and waits. Returns the exit code; -1 after the deadline.
  int Stop(Seconds patience = kPatience);
  // Sends SIGKILL and waits.
  void Kill();

  Process& process() { return *process_; }
  pid_t pid() const { return process_->pid(); }
  // The address of the first --listen, from --address-file.
  const std::string& address() const { return address_; }
  const std::string& data_directory() const { return data_; }
  const std::string& datasets() const { return datasets_; }
  std::string database() const { return data_ + "/anneal.db"; }
  // A path below the temporary directory.
  std::string file(const std::string& name) const { return directory_.file(name); }
  std::string WriteFile(const std::string& name, const std::string& text) const;
  // A config for `tiny` with one small layer, scheduled theta and 3 epochs.
  std::string tiny_config() const { return file("tiny.textproto"); }

  // Runs the client, which finds this daemon by ANNEAL_SERVER.
  Finished Anneal(const std::vector<std::string>& arguments, ProcessOptions options = {}) const;
  std::unique_ptr<Process> StartAnneal(const std::vector<std::string>& arguments,
                                       ProcessOptions options = {}) const;

  // Submits the tiny config as `id`; fails the test on an error.
  void Submit(const std::string& id, std::vector<std::string> arguments = {}) const;
  // Submits it and waits until all runs have ended.
  void RunToEnd(const std::string& id, std::vector<std::string> arguments = {}) const;
  v1::Run GetRun(const std::string& name) const;
  std::vector<v1::Epoch> History(const std::string& run) const;
  // Waits until a run has recorded that many epochs.
  bool WaitForEpochs(const std::string& run, int epochs) const;

 private:
  const Address kind_;
  const int workers_;
  const std::vector<std::string> more_options_;
  const TempDirectory directory_;
  const std::string data_;
  const std::string datasets_;
  std::string address_;
  std::unique_ptr<Process> process_;
};

// Exit codes of the client.
inline constexpr int kFine = 0;
inline constexpr int kFailed = 1;
inline constexpr int kBadUsage = 2;
inline constexpr int kDetached = 3;

// Checks that an error keeps the command line's promise: this exit code, nothing on stdout, and one
// line on stderr that contains all of `words`.
::testing::AssertionResult IsOneLineError(const Finished& finished, int code,
                                          const std::vector<std::string>& words);

}  // namespace anneal

#endif  // ANNEAL_TESTS_E2E_TEST_DAEMON_H_
