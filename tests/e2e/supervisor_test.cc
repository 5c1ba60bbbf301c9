// Tests the notifications that the daemon sends to systemd, with a socket in its place.

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>

#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/daemon_state.h"
#include "tests/e2e/test_daemon.h"

namespace anneal {
namespace {

// The notification socket.
class NotifySocket {
 public:
  NotifySocket() : descriptor_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().copy(address.sun_path, sizeof(address.sun_path) - 1);
    EXPECT_EQ(::bind(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  ~NotifySocket() { ::close(descriptor_); }

  std::string path() const { return directory_.file("notify"); }
  // Returns the next message; empty after the deadline.
  std::string Next(Seconds patience) const {
    pollfd readable = {descriptor_, POLLIN, 0};
    if (::poll(&readable, 1, static_cast<int>(1000 * patience.count())) <= 0) return "";
    char buffer[256];
    const ssize_t size = ::recv(descriptor_, buffer, sizeof(buffer), 0);
    return {buffer, static_cast<size_t>(std::max<ssize_t>(0, size))};
  }
  // Returns true if such a message arrives in time, possibly after others.
  bool Gets(const std::string& wanted, Seconds patience = kPatience) const {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < deadline) {
      if (Next(deadline - std::chrono::steady_clock::now()) == wanted) return true;
    }
    return false;
  }

 private:
  const TempDirectory directory_;
  const int descriptor_;
};

class SupervisorTest : public ::testing::TestWithParam<TestDaemon::Address> {
 protected:
  // Expects two watchdog messages in 400 ms.
  void Restart(const std::string& watchdog_micros) {
    ASSERT_EQ(daemon_.Stop(), 0);
    daemon_.Start({{"NOTIFY_SOCKET", socket_.path()}, {"WATCHDOG_USEC", watchdog_micros}});
  }
  const NotifySocket socket_;
  TestDaemon daemon_ = TestDaemon(GetParam(), 1);
};

INSTANTIATE_TEST_SUITE_P(At, SupervisorTest,
                         ::testing::Values(TestDaemon::Address::kTcp, TestDaemon::Address::kSocket),
                         [](const auto& param) {
                           return param.param == TestDaemon::Address::kTcp ? "Tcp" : "Socket";
                         });

TEST_P(SupervisorTest, NotifiesSystemdOfStartWatchdogAndStop) {
  Restart("400000");
  EXPECT_EQ(socket_.Next(kPatience), "READY=1");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(socket_.Next(kPatience), "WATCHDOG=1");
  EXPECT_EQ(daemon_.Stop(), 0);
  EXPECT_TRUE(socket_.Gets("STOPPING=1"));
}

TEST_P(SupervisorTest, AnUnreachableDaemonDoesNotFeedTheWatchdog) {
  Restart("400000");
  EXPECT_TRUE(socket_.Gets("WATCHDOG=1"));
  // Leaves no descriptor for new connections.
  const rlimit none{.rlim_cur = 3, .rlim_max = 100};
  ASSERT_EQ(::prlimit(daemon_.pid(), RLIMIT_NOFILE, &none, nullptr), 0);
  // Skips notifications already sent.
  while (socket_.Next(Seconds(1)) == "WATCHDOG=1") {
  }
  EXPECT_EQ(socket_.Next(Seconds(2)), "") << "it is fed though nobody is served";
  EXPECT_THAT(daemon_.process().errors(), ::testing::HasSubstr("the watchdog is not fed"));
  const rlimit enough{.rlim_cur = 100, .rlim_max = 100};
  ASSERT_EQ(::prlimit(daemon_.pid(), RLIMIT_NOFILE, &enough, nullptr), 0);
  EXPECT_TRUE(socket_.Gets("WATCHDOG=1")) << "it serves again";
}

TEST_P(SupervisorTest, WithoutAWatchdogNotifiesStartAndStopOnly) {
  Restart("");
  EXPECT_EQ(socket_.Next(kPatience), "READY=1");
  EXPECT_EQ(socket_.Next(Seconds(1)), "");
  EXPECT_EQ(daemon_.Stop(), 0);
  EXPECT_EQ(socket_.Next(kPatience), "STOPPING=1");
}

// The unit file with the path of the program replaced.
class UnitFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::access("/usr/bin/systemd-analyze", X_OK) != 0) GTEST_SKIP() << "there is no systemd here";
    const std::string unit = Contents(UNIT);
    ASSERT_THAT(unit, ::testing::HasSubstr(kProgram));
    std::ofstream(path_) << absl::StrReplaceAll(unit, {{kProgram, ANNEALD}});
  }

  static constexpr char kProgram[] = "/usr/bin/anneald";
  const TempDirectory directory_;
  const std::string path_ = directory_.file("anneald.service");
};

TEST_F(UnitFileTest, PassesSystemdAnalyzeVerify) {
  const Finished verified = RunProcess({"/usr/bin/systemd-analyze", "verify", "--man=no", path_});
  EXPECT_EQ(verified.code, 0) << verified.errors;
  EXPECT_EQ(verified.errors, "");
}

TEST_F(UnitFileTest, HasLowSecurityExposure) {
  const Finished analyzed = RunProcess(
      {"/usr/bin/systemd-analyze", "security", "--offline=true", "--threshold=25", path_});
  EXPECT_EQ(analyzed.code, 0) << "an exposure of 2.5 or more\n" << analyzed.output;
}

}  // namespace
}  // namespace anneal
