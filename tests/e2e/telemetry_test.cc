// Tests the interfaces for operators: metrics, JSON logs, health.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/daemon_state.h"
#include "tests/e2e/generic_call.h"
#include "tests/e2e/records.h"
#include "tests/e2e/test_daemon.h"
#include "tests/fixtures/watch.h"

namespace anneal {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

// Returns the response of `address`, a loopback address and port.
std::string Ask(const std::string& address, const std::string& request) {
  const size_t colon = address.rfind(':');
  uint32_t port = 0;
  EXPECT_TRUE(absl::SimpleAtoi(address.substr(colon + 1), &port)) << address;
  const int connection = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in there{};
  there.sin_family = AF_INET;
  there.sin_port = htons(static_cast<uint16_t>(port));
  there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(connection, reinterpret_cast<sockaddr*>(&there), sizeof(there)), 0);
  EXPECT_EQ(::send(connection, request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  std::string answer;
  char buffer[4096];
  ssize_t read = 0;
  while ((read = ::recv(connection, buffer, sizeof(buffer), 0)) > 0) {
    answer.append(buffer, static_cast<size_t>(read));
  }
  ::close(connection);
  return answer;
}

class MetricsTest : public ::testing::Test {
 protected:
  MetricsTest() : daemon_(TestDaemon::Address::kSocket, 2, {"--metrics-listen", "127.0.0.1:0"}) {}

  std::string address() {
    std::string found;
    EXPECT_TRUE(daemon_.process().WaitFor([&](const std::string&, const std::string& errors) {
      const size_t begin = errors.find("http://127");
      const size_t end = errors.find("/metrics", begin);
      if (begin == std::string::npos || end == std::string::npos) return false;
      found = errors.substr(begin + 7, end - begin - 7);
      return true;
    })) << daemon_.process().errors();
    return found;
  }
  // Values by name and labels, as in the text format.
  std::map<std::string, double> Scrape() {
    const std::string answer =
        Ask(address(), "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(answer, HasSubstr("200 OK"));
    std::map<std::string, double> values;
    for (const std::string& line : Lines(answer)) {
      const size_t space = line.rfind(' ');
      double value = 0;
      if (line[0] == '#' || space == std::string::npos) continue;
      if (absl::SimpleAtod(line.substr(space + 1), &value)) values[line.substr(0, space)] = value;
    }
    return values;
  }
  static std::string Calls(const std::string& method, const std::string& code) {
    return absl::StrCat("anneald_rpcs_total{code=\"", code, "\",method=\"anneal.v1.", method,
                        "\"}");
  }

  TestDaemon daemon_;
};

TEST_F(MetricsTest, CountEpochsRunsAndCalls) {
  auto before = Scrape();
  EXPECT_EQ(before.at("anneald_epochs_total"), 0);
  EXPECT_EQ(before.at("anneald_runs{state=\"SUCCEEDED\"}"), 0);
  daemon_.RunToEnd("first", {"--seeds", "0..1"});
  daemon_.Anneal({"show", "nothing"});
  auto after = Scrape();
  EXPECT_EQ(after.at("anneald_epochs_total"), 6);
  EXPECT_EQ(after.at("anneald_samples_total"), 6 * 270) << "nine tenths of 300 images";
  EXPECT_EQ(after.at("anneald_runs{state=\"SUCCEEDED\"}"), 2);
  for (const char* state : {"PENDING", "RUNNING", "FAILED", "CANCELLED", "SUSPENDED"}) {
    EXPECT_EQ(after.at(absl::StrCat("anneald_runs{state=\"", state, "\"}")), 0);
  }
  EXPECT_EQ(after.at("anneald_workers"), 2);
  EXPECT_EQ(after.at("anneald_storage_healthy"), 1);
  EXPECT_EQ(after.at(Calls("ExperimentService/CreateExperiment", "OK")), 1);
  EXPECT_GE(after.at(Calls("ExperimentService/GetExperiment", "NOT_FOUND")), 1);
  EXPECT_GT(after.at("anneald_commit_seconds_count"), before.at("anneald_commit_seconds_count"));
  EXPECT_EQ(after.at("anneald_commit_failures_total"), 0);
  EXPECT_GT(after.at("process_resident_memory_bytes"), 1e7);
  EXPECT_GT(after.at("process_open_fds"), 5);
  EXPECT_GT(after.at("anneald_storage_free_bytes"), 0);
}

TEST_F(MetricsTest, CountWatchersWhileTheyWatch) {
  EXPECT_EQ(Scrape().at("anneald_watchers"), 0);
  const auto watch = daemon_.StartAnneal({"watch", "-"});
  EXPECT_TRUE(Eventually([&] { return Scrape().at("anneald_watchers") == 1; }));
  watch->Signal(SIGKILL);
  EXPECT_TRUE(Eventually([&] { return Scrape().at("anneald_watchers") == 0; }));
}

TEST_F(MetricsTest, AlertsAndDashboardUseExistingMetrics) {
  daemon_.RunToEnd("first");
  std::set<std::string> names;
  for (const auto& [key, value] : Scrape()) names.insert(key.substr(0, key.find('{')));
  const std::regex metric("\\b(?:anneald|process)_[a-z_]+\\b");
  int asked = 0;
  for (const char* file : {"alerts.yml", "dashboard.json"}) {
    const std::string text = Contents(absl::StrCat(PROMETHEUS, "/", file));
    ASSERT_FALSE(text.empty()) << file;
    for (std::sregex_iterator found(text.begin(), text.end(), metric), end; found != end; ++found) {
      EXPECT_TRUE(names.contains(found->str())) << file << " asks for " << found->str();
      ++asked;
    }
  }
  EXPECT_GT(asked, 15);
  const auto dashboard =
      nlohmann::json::parse(Contents(absl::StrCat(PROMETHEUS, "/dashboard.json")));
  EXPECT_THAT(dashboard.at("panels").size(), Ge(6U));
}

TEST_F(MetricsTest, MalformedRequestsDoNotStopTheEndpoint) {
  const std::string at = address();
  EXPECT_THAT(Ask(at, "GET /other HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
              HasSubstr("404"));
  Ask(at, "\x16\x03\x01 no HTTP at all\r\n\r\n");
  Ask(at, "GET /" + std::string(100'000, 'x') + " HTTP/1.1\r\n\r\n");
  EXPECT_EQ(Scrape().at("anneald_storage_healthy"), 1);
}

TEST(MetricsOptionsTest, InvalidOrUnavailableAddressesAreNamed) {
  const TempDirectory directory;
  const TestDaemon first(TestDaemon::Address::kSocket, 1, {"--metrics-listen", "127.0.0.1:0"});
  const auto start = [&](const std::string& address) {
    return RunProcess({ANNEALD, "--data-dir", directory.file("data"), "--listen",
                       "unix:" + directory.file("s"), "--metrics-listen", address});
  };
  EXPECT_TRUE(IsOneLineError(start("nowhere"), 2, {"--metrics-listen", "HOST:PORT"}));
  EXPECT_EQ(start("192.0.2.1:7435").code, 1);
  EXPECT_THAT(start("192.0.2.1:7435").errors, HasSubstr("--metrics-listen 192.0.2.1:7435"));
}

TEST(LogTest, HasOneJsonObjectPerLineWithRequestsAndRuns) {
  TestDaemon daemon(TestDaemon::Address::kSocket, 1,
                    {"--log-format", "json", "--log-level", "debug"});
  daemon.RunToEnd("first");
  const Finished traced = daemon.Anneal({"-v", "edit", "first", "--note", "a\nb"});
  EXPECT_EQ(traced.code, kFine) << traced.errors;
  const size_t at = traced.errors.rfind("request ");
  ASSERT_NE(at, std::string::npos) << traced.errors;
  const std::string id = Lines(traced.errors.substr(at + 8)).at(0);
  EXPECT_EQ(daemon.Stop(), 0);
  std::map<std::string, int> runs;
  bool found = false;
  for (const std::string& line : Lines(daemon.process().errors())) {
    const auto object = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    ASSERT_TRUE(object.is_object()) << line;
    EXPECT_THAT(object.at("time").get<std::string>(),
                MatchesRegex("[0-9-]{10}T[0-9:]{8}\\.[0-9]{3}[+-][0-9:]{5}"));
    EXPECT_TRUE(object.contains("level") && object.contains("message")) << line;
    if (object.contains("run")) ++runs[object.at("run")];
    if (object.contains("request") && object.at("request") == id) {
      found = true;
      EXPECT_EQ(object.at("level"), "info");
      EXPECT_THAT(object.at("message").get<std::string>(), HasSubstr("UpdateExperiment: OK"));
    }
  }
  EXPECT_TRUE(found) << "no line of request " << id;
  EXPECT_GE(runs["experiments/first/runs/0"], 1);
}

TEST(LogTest, OmitsReadsByDefault) {
  const TestDaemon daemon(TestDaemon::Address::kSocket, 1);
  daemon.RunToEnd("first");
  daemon.Anneal({"list"});
  auto& process = const_cast<TestDaemon&>(daemon).process();
  EXPECT_THAT(process.errors(),
              AllOf(HasSubstr("CreateExperiment: OK"), HasSubstr(" request="),
                    HasSubstr("run=experiments/first/runs/0"), Not(HasSubstr("ListExperiments"))));
}

TEST(HealthTest, ServesOnceItsDatabaseTakesWrites) {
  const TestDaemon daemon(TestDaemon::Address::kSocket, 1);
  EXPECT_TRUE(Eventually([&] { return HealthOf(daemon.address()) == 1; }));
}

TEST(RequestIdTest, IsTheCallersOrGenerated) {
  const TestDaemon daemon(TestDaemon::Address::kSocket, 1);
  const auto channel = grpc::CreateChannel(daemon.address(), grpc::InsecureChannelCredentials());
  const char* method = "/anneal.v1.ExperimentService/ListExperiments";
  const std::string first = CallByPath(channel, method).request_id;
  const std::string second = CallByPath(channel, method).request_id;
  EXPECT_FALSE(first.empty());
  EXPECT_NE(first, second);
  EXPECT_EQ(CallByPath(channel, method, "", "my-id.1").request_id, "my-id.1");
  for (const std::string& bad : {std::string("a b"), std::string(65, 'x')}) {
    EXPECT_NE(CallByPath(channel, method, "", bad).request_id, bad);
  }
}

}  // namespace
}  // namespace anneal
