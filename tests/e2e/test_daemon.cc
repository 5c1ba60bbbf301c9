#include "tests/e2e/test_daemon.h"

#include <signal.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/e2e/records.h"
#include "tests/fixtures/tiny_dataset.h"

namespace anneal {
namespace {

constexpr char kTinyConfig[] = R"(
dataset { name: "tiny" }
network { layers { conv { filters: 4 kernel: 3 pool: POOL_MAX pool_size: 2 } } }
theta { policy: THETA_POLICY_SCHEDULED schedule: THETA_SCHEDULE_LINEAR }
epochs: 3
)";

}  // namespace

TestDaemon::TestDaemon(Address kind, int workers, std::vector<std::string> more_options)
    : kind_(kind),
      workers_(workers),
      more_options_(std::move(more_options)),
      data_(directory_.file("data")),
      datasets_(directory_.file("datasets")) {
  WriteTinyDataset(datasets_ + "/tiny");
  WriteTinyDataset(datasets_ + "/mnist", {.train = 100, .test = 50, .side = 28, .classes = 10});
  WriteFile("tiny.textproto", kTinyConfig);
  Start();
}

void TestDaemon::Start(const std::map<std::string, std::string>& environment) {
  Launch(environment);
  const std::string address_file = file("address");
  const bool up = Eventually([&] { return std::filesystem::exists(address_file); });
  if (!up) ADD_FAILURE() << "anneald is not up: " << process_->errors();
  std::ifstream stream(address_file);
  std::getline(stream, address_);
}

void TestDaemon::Launch(const std::map<std::string, std::string>& environment) {
  const std::string address_file = file("address");
  std::filesystem::remove(address_file);
  const std::string listen =
      kind_ == Address::kSocket ? absl::StrCat("unix:", file("daemon.sock")) : "127.0.0.1:0";
  std::vector<std::string> command = {ANNEALD,
                                      "--data-dir",
                                      data_,
                                      "--datasets",
                                      datasets_,
                                      "--listen",
                                      listen,
                                      "--address-file",
                                      address_file,
                                      "--workers",
                                      absl::StrCat(workers_)};
  command.insert(command.end(), more_options_.begin(), more_options_.end());
  process_ = std::make_unique<Process>(command, ProcessOptions{.environment = environment});
}

int TestDaemon::Stop(Seconds patience) {
  process_->Signal(SIGTERM);
  const auto finished = process_->Wait(patience);
  return finished.has_value() ? finished->code : -1;
}

void TestDaemon::Kill() {
  process_->Signal(SIGKILL);
  EXPECT_TRUE(process_->Wait().has_value());
}

std::string TestDaemon::WriteFile(const std::string& name, const std::string& text) const {
  std::ofstream stream(file(name));
  stream << text;
  return file(name);
}

Finished TestDaemon::Anneal(const std::vector<std::string>& arguments,
                            ProcessOptions options) const {
  std::vector<std::string> command = {ANNEAL};
  command.insert(command.end(), arguments.begin(), arguments.end());
  options.environment.emplace("ANNEAL_SERVER", address_);
  return RunProcess(command, options);
}

std::unique_ptr<Process> TestDaemon::StartAnneal(const std::vector<std::string>& arguments,
                                                 ProcessOptions options) const {
  std::vector<std::string> command = {ANNEAL};
  command.insert(command.end(), arguments.begin(), arguments.end());
  options.environment.emplace("ANNEAL_SERVER", address_);
  return std::make_unique<Process>(command, options);
}

void TestDaemon::Submit(const std::string& id, std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {"submit", "--file", tiny_config(), "--id", id, "-q"});
  const Finished finished = Anneal(arguments);
  EXPECT_EQ(finished.code, kFine) << finished.errors;
  EXPECT_EQ(finished.output, id + "\n");
}

void TestDaemon::RunToEnd(const std::string& id, std::vector<std::string> arguments) const {
  Submit(id, std::move(arguments));
  Anneal({"wait", id});
}

v1::Run TestDaemon::GetRun(const std::string& name) const {
  return ParseJson<v1::Run>(Anneal({"show", name, "--output", "json"}).output);
}

std::vector<v1::Epoch> TestDaemon::History(const std::string& run) const {
  return ParseJsonList<v1::Epoch>(Anneal({"history", run, "--output", "json"}).output);
}

bool TestDaemon::WaitForEpochs(const std::string& run, int epochs) const {
  return Eventually([&] { return GetRun(run).epochs_done() >= epochs; });
}

::testing::AssertionResult IsOneLineError(const Finished& finished, int code,
                                          const std::vector<std::string>& words) {
  const auto whole = [&] {
    return absl::StrCat("; exit code ", finished.code, ", stdout:\n", finished.output, "stderr:\n",
                        finished.errors);
  };
  if (finished.code != code) {
    return ::testing::AssertionFailure() << "expected exit code " << code << whole();
  }
  if (!finished.output.empty()) return ::testing::AssertionFailure() << "has output" << whole();
  if (Lines(finished.errors).size() != 1) {
    return ::testing::AssertionFailure() << "not one line" << whole();
  }
  for (const std::string& word : words) {
    if (!absl::StrContains(finished.errors, word)) {
      return ::testing::AssertionFailure() << "does not name " << word << whole();
    }
  }
  return ::testing::AssertionSuccess();
}

}  // namespace anneal
