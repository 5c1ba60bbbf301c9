// Serves thousands of clients, some of which misbehave: the daemon keeps serving and training, and
// releases their resources.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/e2e/daemon_state.h"
#include "tests/e2e/test_daemon.h"
#include "tests/e2e/workarounds.h"
#include "tests/fixtures/watch.h"

namespace anneal {
namespace {

constexpr size_t kWatchers = 1000;
// At most the number of streams that the daemon allows per connection.
constexpr size_t kStreamsAChannel = 125;
constexpr int64_t kMostBytesAWatcher = 64 << 10;
// The descriptor of the listening socket.
constexpr int kOwnSockets = 1;

// Watchers in this process that share a few connections.
class Watchers {
 public:
  explicit Watchers(const std::string& address) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    // Limits flow control, so that unread events stay with the daemon.
    arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 4096);
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    for (size_t i = 0; i < kWatchers / kStreamsAChannel; ++i) {
      stubs_.push_back(v1::ExperimentService::NewStub(
          grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments)));
    }
  }

  // Adds watchers up to `count`; each has read one event.
  void GrowTo(size_t count, const std::string& experiment) {
    while (watches_.size() < count) {
      const auto& stub = stubs_[watches_.size() % stubs_.size()];
      watches_.push_back(std::make_unique<Watch>(stub.get(), experiment));
      ASSERT_TRUE(watches_.back()->Next()) << "watcher " << watches_.size();
    }
  }
  size_t channels() const { return stubs_.size(); }
  std::vector<std::unique_ptr<Watch>>& watches() { return watches_; }

 private:
  std::vector<std::unique_ptr<v1::ExperimentService::Stub>> stubs_;
  std::vector<std::unique_ptr<Watch>> watches_;
};

// A connection that sends only what the test writes.
class RawConnection {
 public:
  explicit RawConnection(const std::string& address)
      : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int port = 0;
    EXPECT_TRUE(absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port)) << address;
    to.sin_port = htons(static_cast<uint16_t>(port));
    EXPECT_EQ(::connect(descriptor_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0)
        << std::strerror(errno);
  }
  ~RawConnection() { ::close(descriptor_); }
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  void Say(absl::string_view bytes) {
    EXPECT_EQ(::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // Returns true if the daemon closes the connection in time, whatever it sends before.
  bool IsClosed(std::chrono::milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (true) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - std::chrono::steady_clock::now());
      pollfd end = {descriptor_, POLLIN, 0};
      if (left.count() <= 0 || ::poll(&end, 1, static_cast<int>(left.count())) <= 0) return false;
      char buffer[4096];
      if (::recv(descriptor_, buffer, sizeof(buffer), 0) <= 0) return true;
    }
  }

 private:
  const int descriptor_;
};

class ManyWatchersTest : public ::testing::Test {
 protected:
  ManyWatchersTest() : daemon_(TestDaemon::Address::kTcp, 1) {
    // Trains until the end of the test; the other run stays queued.
    daemon_.Submit("busy", {"--set", "epochs=100000"});
    daemon_.Submit("quiet");
    EXPECT_TRUE(daemon_.WaitForEpochs("busy/0", 20));
  }

  void ExpectItServesAndTrains(int epochs = 5) {
    EXPECT_EQ(daemon_.Anneal({"list", "-q"}).output, "quiet\nbusy\n");
    const int before = daemon_.GetRun("busy/0").epochs_done();
    EXPECT_TRUE(daemon_.WaitForEpochs("busy/0", before + epochs)) << "training has stopped";
  }
  // Checks the memory that a thousand watchers cost.
  void ExpectFew(int64_t bytes) {
    const int64_t each = bytes / static_cast<int64_t>(kWatchers);
    RecordProperty("bytes_a_watcher", static_cast<int>(each));
#ifndef __SANITIZE_ADDRESS__  // pads allocations and quarantines freed memory
    EXPECT_LE(each, kMostBytesAWatcher);
#endif
  }
  // Waits until only so many sockets are left.
  bool HoldsAtMost(int sockets, Seconds patience = kPatience) {
    return Eventually([&] { return SocketsOf(daemon_.pid()) <= sockets; }, patience);
  }

  TestDaemon daemon_;
};

TEST_F(ManyWatchersTest, AThousandIdleWatchersUseLittleMemoryAndDoNotDelayShutdown) {
  Watchers watchers(daemon_.address());
  watchers.GrowTo(watchers.channels(), "experiments/quiet");
  const int64_t before = ResidentBytesOf(daemon_.pid());
  watchers.GrowTo(kWatchers, "experiments/quiet");
  ExpectFew(ResidentBytesOf(daemon_.pid()) - before);
  ExpectItServesAndTrains();

  daemon_.process().Signal(SIGTERM);
  EXPECT_EQ(daemon_.Stop(Seconds(30)), 0) << daemon_.process().errors();  // a second time
  for (const auto& watch : watchers.watches()) {
    EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  }
}

TEST_F(ManyWatchersTest, AThousandStalledWatchersUseLittleMemoryAndLoseNoEvents) {
  constexpr int kEpochs = 400;
  daemon_.Submit("told", {"--set", absl::StrCat("epochs=", kEpochs)});
  Watchers watchers(daemon_.address());
  const std::string name = "experiments/told";
  watchers.GrowTo(watchers.channels(), name);
  const int64_t before = ResidentBytesOf(daemon_.pid());
  watchers.GrowTo(kWatchers / 2, name);
  // From now on they are sent epoch after epoch and read none.
  for (const char* ahead : {"busy", "quiet"}) {
    EXPECT_EQ(daemon_.Anneal({"cancel", ahead}).code, kFine);
  }
  EXPECT_EQ(daemon_.Anneal({"wait", "told"}).code, kFine);
  // These start at a long log and read one event.
  watchers.GrowTo(kWatchers, name);
  ExpectFew(ResidentBytesOf(daemon_.pid()) - before);

  for (const size_t i : {size_t{0}, kWatchers / 2, kWatchers - 1}) {
    EXPECT_TRUE(watchers.watches()[i]->Finish().ok());
    ExpectGapless(watchers.watches()[i]->events(), 0);
    EXPECT_GT(watchers.watches()[i]->events().size(), static_cast<size_t>(kEpochs));
  }
}

TEST_F(ManyWatchersTest, ResourcesOfKilledClientsAreReleased) {
  ASSERT_TRUE(HoldsAtMost(kOwnSockets));
  std::vector<std::unique_ptr<Process>> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(daemon_.StartAnneal({"watch", "busy"}));
  for (const auto& client : clients) {
    ASSERT_TRUE(client->WaitFor([](const std::string& output, const std::string&) {
      return absl::StrContains(output, " epoch ");
    })) << client->errors();
  }
  EXPECT_GE(SocketsOf(daemon_.pid()), kOwnSockets + 20);
  for (const auto& client : clients) client->Signal(SIGKILL);
  EXPECT_TRUE(HoldsAtMost(kOwnSockets)) << SocketsOf(daemon_.pid()) << " sockets";
  ExpectItServesAndTrains();
}

TEST_F(ManyWatchersTest, ConnectionsThatDoNotFinishAHandshakeAreClosed) {
  constexpr int kEach = 50;
  std::vector<std::unique_ptr<RawConnection>> connections;
  for (const char* said : {"", "PRI * HT", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"}) {
    for (int i = 0; i < kEach; ++i) {
      connections.push_back(std::make_unique<RawConnection>(daemon_.address()));
      connections.back()->Say(said);
    }
  }
  ExpectItServesAndTrains();
  for (const auto& connection : connections) {
    EXPECT_TRUE(connection->IsClosed(std::chrono::seconds(30)));
  }
  ExpectItServesAndTrains();
}

TEST_F(ManyWatchersTest, OtherProtocolsAreDisconnected) {
  for (const std::string& said :
       {std::string("GET / HTTP/1.1\r\nHost: anneal\r\n\r\n"), std::string(100'000, '\xff'),
        absl::StrCat("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", std::string(1000, '\xff'))}) {
    RawConnection connection(daemon_.address());
    connection.Say(said);
    EXPECT_TRUE(connection.IsClosed(std::chrono::seconds(30)));
  }
  ExpectItServesAndTrains();
}

TEST_F(ManyWatchersTest, SurvivesMoreConnectionsThanDescriptors) {
  constexpr rlim_t kDescriptors = 100;
  SKIP_WITHOUT_GRPC_1_51();
  const rlimit limit{.rlim_cur = kDescriptors, .rlim_max = kDescriptors};
  const auto stub = v1::RunService::NewStub(
      grpc::CreateChannel(daemon_.address(), grpc::InsecureChannelCredentials()));
  const auto epochs_done = [&stub] {
    Context context;
    v1::GetRunRequest request;
    request.set_name("experiments/busy/runs/0");
    v1::Run run;
    const grpc::Status status = stub->GetRun(&context, request, &run);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return run.epochs_done();
  };
  const int before = epochs_done();
  ASSERT_EQ(::prlimit(daemon_.pid(), RLIMIT_NOFILE, &limit, nullptr), 0);
  {
    std::vector<std::unique_ptr<RawConnection>> connections;
    for (rlim_t i = 0; i < 2 * kDescriptors; ++i) {
      connections.push_back(std::make_unique<RawConnection>(daemon_.address()));
    }
    // The latest connections are refused, earlier ones are served, and training continues.
    EXPECT_TRUE(connections.back()->IsClosed(std::chrono::seconds(5)));
    EXPECT_TRUE(Eventually([&] { return epochs_done() >= before + 5; }));
  }
  EXPECT_TRUE(Eventually([&] {
    return daemon_.Anneal({"list", "-q"}).code == kFine;
  })) << daemon_.process().errors();
  ExpectItServesAndTrains();
}

// The kernel of a frozen client keeps acknowledging: only keepalive detects it. It takes 50 s.
TEST_F(ManyWatchersTest, FrozenClientsAndHalfOpenConnectionsAreClosedWithinTheKeepaliveTime) {
  ASSERT_TRUE(HoldsAtMost(kOwnSockets));
  const auto frozen = daemon_.StartAnneal({"watch", "quiet"});
  // Empty SETTINGS followed by silence, as from a machine that has lost power.
  RawConnection half_open(daemon_.address());
  half_open.Say("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  half_open.Say(absl::string_view("\0\0\0\4\0\0\0\0\0", 9));
  ASSERT_TRUE(Eventually([&] { return SocketsOf(daemon_.pid()) >= kOwnSockets + 2; }));
  frozen->Signal(SIGSTOP);
  EXPECT_TRUE(half_open.IsClosed(std::chrono::seconds(80)));
  EXPECT_TRUE(HoldsAtMost(kOwnSockets, Seconds(40)));
  ExpectItServesAndTrains();
}

}  // namespace
}  // namespace anneal
