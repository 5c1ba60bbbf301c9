// A real anneald with a directory, data sets and address of its own, and real clients that talk to
// it.

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

// Data sets: `tiny` of 12x12 pixels and 4 classes, and a `mnist` of 28x28 and 10 that the presets
// accept. Not thread-safe.
class TestDaemon {
 public:
  enum class Address { kTcp, kSocket };

  // Starts it; a test failure if it is not up in time. A daemon on a socket keeps its address when
  // it is started again.
  explicit TestDaemon(Address kind = Address::kTcp, int workers = 2,
                      std::vector<std::string> more_options = {});

  // With variables on top of this process's own.
  void Start(const std::map<std::string, std::string>& environment = {});
  // The same for one that may not get so far: does not wait until it is up.
  void Launch(const std::map<std::string, std::string>& environment = {});
  // SIGTERM and wait. The exit code; -1 if that takes too long.
  int Stop(Seconds patience = kPatience);
  // SIGKILL and wait.
  void Kill();

  Process& process() { return *process_; }
  pid_t pid() const { return process_->pid(); }
  // Of the first --listen, as --address-file has it.
  const std::string& address() const { return address_; }
  const std::string& data_directory() const { return data_; }
  const std::string& datasets() const { return datasets_; }
  std::string database() const { return data_ + "/anneal.db"; }
  // Below the temporary directory.
  std::string file(const std::string& name) const { return directory_.file(name); }
  std::string WriteFile(const std::string& name, const std::string& text) const;
  // A config of one small layer for `tiny`: scheduled theta, 3 epochs.
  std::string tiny_config() const { return file("tiny.textproto"); }

  // The client, which finds this daemon by ANNEAL_SERVER.
  Finished Anneal(const std::vector<std::string>& arguments, ProcessOptions options = {}) const;
  std::unique_ptr<Process> StartAnneal(const std::vector<std::string>& arguments,
                                       ProcessOptions options = {}) const;

  // Submits the tiny config as `id`; a test failure if that does not work.
  void Submit(const std::string& id, std::vector<std::string> arguments = {}) const;
  // The same, and waits until all has ended.
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

// Whether an error is as the command line promises: this code, nothing on stdout, one line on
// stderr that has all of `words`.
::testing::AssertionResult IsOneLineError(const Finished& finished, int code,
                                          const std::vector<std::string>& words);

}  // namespace anneal

#endif  // ANNEAL_TESTS_E2E_TEST_DAEMON_H_
