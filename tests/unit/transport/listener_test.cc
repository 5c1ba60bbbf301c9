#include "server/transport/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <fstream>
#include <future>
#include <iterator>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "common/mutex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fixtures/temp_directory.h"

namespace anneal::transport {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Owns a socket and closes it on destruction.
class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  bool is_open() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }
  void Send(const std::string& text) const {
    EXPECT_EQ(::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  // Blocks until data arrives; empty if the peer has closed the connection.
  std::string Receive() const {
    pollfd readable = {descriptor_, POLLIN, 0};
    EXPECT_EQ(::poll(&readable, 1, -1), 1);
    char buffer[100];
    const ssize_t size = ::recv(descriptor_, buffer, sizeof(buffer), 0);
    return std::string(buffer, static_cast<size_t>(std::max<ssize_t>(size, 0)));
  }

 private:
  int descriptor_;
};

// Connects to `127.0.0.1:PORT` or `unix:PATH`.
Socket Connect(absl::string_view address) {
  if (absl::ConsumePrefix(&address, "unix:")) {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    address.copy(to.sun_path, sizeof(to.sun_path) - 1);
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0) {
      return Socket(descriptor);
    }
    ::close(descriptor);
    return Socket(-1);
  }
  int port = 0;
  EXPECT_TRUE(absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port)) << address;
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(static_cast<uint16_t>(port));
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0) {
    return Socket(descriptor);
  }
  ::close(descriptor);
  return Socket(-1);
}

// The connections that a listener has handed over. Thread-safe.
class Handed {
 public:
  ~Handed() {
    for (const int descriptor : descriptors_) ::close(descriptor);
  }
  void Add(int descriptor) {
    MutexLock lock(&mutex_);
    descriptors_.push_back(descriptor);
    changed_.SignalAll();
  }
  // Blocks until there is a connection, and removes it.
  Socket Next() {
    MutexLock lock(&mutex_);
    while (descriptors_.empty()) changed_.Wait(&mutex_);
    const int descriptor = descriptors_.front();
    descriptors_.pop_front();
    return Socket(descriptor);
  }
  bool empty() {
    MutexLock lock(&mutex_);
    return descriptors_.empty();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::deque<int> descriptors_;
};

class FakeAcceptor final : public Listener::Acceptor {
 public:
  explicit FakeAcceptor(Handed* handed) : handed_(handed) {}
  void HandleNewConnection(NewConnectionParameters* parameters) override {
    handed_->Add(parameters->fd);
  }

 private:
  Handed* const handed_;
};

class ListenerTest : public ::testing::Test {
 protected:
  static std::unique_ptr<Listener> Listen(const std::vector<std::string>& addresses,
                                          Listener::Admission admission = nullptr) {
    auto listener = Listener::Listen(addresses, std::move(admission));
    EXPECT_TRUE(listener.ok()) << listener.status();
    return listener.ok() ? *std::move(listener) : nullptr;
  }
  void Begin(Listener* listener) { listener->Begin(std::make_unique<FakeAcceptor>(&handed_)); }

  // Checks that a new connection is handed over, in working order.
  void ExpectServes(const std::string& address) {
    const Socket client = Connect(address);
    ASSERT_TRUE(client.is_open()) << address;
    const Socket server = handed_.Next();
    client.Send("ping");
    EXPECT_EQ(server.Receive(), "ping") << address;
    server.Send("pong");
    EXPECT_EQ(client.Receive(), "pong") << address;
  }
  bool Exists() const { return ::access(path_.c_str(), F_OK) == 0; }

  const TempDirectory directory_;
  const std::string path_ = directory_.file("socket");
  const std::string unix_address_ = "unix:" + path_;
  Handed handed_;
};

TEST_F(ListenerTest, PortZeroChoosesAFreePort) {
  const auto first = Listen({"127.0.0.1:0"});
  const auto second = Listen({"127.0.0.1:0"});
  EXPECT_NE(first->addresses(), second->addresses());
  ASSERT_EQ(first->addresses().size(), 1U);
  EXPECT_NE(first->addresses()[0], "127.0.0.1:0");
  Begin(first.get());
  ExpectServes(first->addresses()[0]);
}

TEST_F(ListenerTest, ServesAllOfItsAddresses) {
  const auto listener = Listen({"127.0.0.1:0", unix_address_, "127.0.0.1:0"});
  ASSERT_EQ(listener->addresses().size(), 3U);
  EXPECT_EQ(listener->addresses()[1], unix_address_);
  Begin(listener.get());
  for (const std::string& address : listener->addresses()) ExpectServes(address);
}

TEST_F(ListenerTest, HandsOverTheConnectionsThatCameBeforeBegin) {
  const auto listener = Listen({"127.0.0.1:0"});
  const Socket early = Connect(listener->addresses()[0]);
  ASSERT_TRUE(early.is_open());
  EXPECT_TRUE(handed_.empty());
  Begin(listener.get());
  early.Send("early");
  EXPECT_EQ(handed_.Next().Receive(), "early");
}

TEST_F(ListenerTest, APortThatIsInUseIsFailedPrecondition) {
  const auto first = Listen({"127.0.0.1:0"});
  const std::string address = first->addresses()[0];
  const absl::Status status = Listener::Listen({"127.0.0.1:0", address}).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr(address), HasSubstr("--listen")));
  Begin(first.get());
  ExpectServes(address);
}

TEST_F(ListenerTest, APortCanBeBoundAgainAfterItsListenerHasStopped) {
  auto first = Listen({"127.0.0.1:0"});
  const std::string address = first->addresses()[0];
  Begin(first.get());
  ExpectServes(address);
  first.reset();
  const auto second = Listen({address});
  Begin(second.get());
  ExpectServes(address);
}

TEST_F(ListenerTest, APortOutOfRangeIsInvalid) {
  for (const char* address : {"127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:x", "127.0.0.1:"}) {
    const absl::Status status = Listener::Listen({address}).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(address));
  }
}

TEST_F(ListenerTest, ItsSocketFileHasMode0600) {
  const auto listener = Listen({unix_address_});
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_TRUE(S_ISSOCK(info.st_mode));
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_F(ListenerTest, ReplacesAStaleSocketFile) {
  {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
    const Socket killed(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(
        ::bind(killed.descriptor(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
        0);
  }
  ASSERT_TRUE(Exists());
  const auto listener = Listen({unix_address_});
  Begin(listener.get());
  ExpectServes(unix_address_);
}

TEST_F(ListenerTest, ASocketThatIsServedIsFailedPreconditionAndStays) {
  const auto first = Listen({unix_address_});
  Begin(first.get());
  const absl::Status status = Listener::Listen({unix_address_}).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(path_));
  (void)handed_.Next();  // the connection that detected the shortage
  ExpectServes(unix_address_);
}

TEST_F(ListenerTest, AFileThatIsNoSocketIsFailedPreconditionAndStays) {
  std::ofstream(path_) << "mine";
  EXPECT_TRUE(absl::IsFailedPrecondition(Listener::Listen({unix_address_}).status()));
  std::ifstream file(path_);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "mine");
}

TEST_F(ListenerTest, ClosesConnectionsThatAreNotAdmitted) {
  std::vector<bool> admits = {false, true, false};
  size_t next = 0;  // only the listener's thread uses it
  const auto listener = Listen({"127.0.0.1:0"}, [&](int descriptor) {
    EXPECT_GE(descriptor, 0);
    return admits[next++];
  });
  Begin(listener.get());
  const std::string address = listener->addresses()[0];
  const Socket refused = Connect(address);
  EXPECT_EQ(refused.Receive(), "");
  EXPECT_TRUE(handed_.empty());
  ExpectServes(address);
  const Socket refused_too = Connect(address);
  EXPECT_EQ(refused_too.Receive(), "");
  EXPECT_TRUE(handed_.empty());
}

TEST_F(ListenerTest, StopRemovesTheSocketFileAndRefusesConnections) {
  const auto listener = Listen({unix_address_, "127.0.0.1:0"});
  Begin(listener.get());
  ExpectServes(unix_address_);
  listener->Stop();
  EXPECT_FALSE(Exists());
  for (const std::string& address : listener->addresses()) {
    EXPECT_FALSE(Connect(address).is_open()) << address;
  }
  listener->Stop();
}

TEST_F(ListenerTest, StopLeavesTheConnectionsThatItHandedOver) {
  const auto listener = Listen({"127.0.0.1:0"});
  Begin(listener.get());
  const Socket client = Connect(listener->addresses()[0]);
  const Socket server = handed_.Next();
  listener->Stop();
  server.Send("still here");
  EXPECT_EQ(client.Receive(), "still here");
}

TEST_F(ListenerTest, ItsDestructorStopsAListenerThatHasNotBegun) {
  auto listener = Listen({unix_address_});
  ASSERT_TRUE(Exists());
  const Socket waiting = Connect(unix_address_);
  listener.reset();
  EXPECT_FALSE(Exists());
  EXPECT_EQ(waiting.Receive(), "");
}

// Fulfils a promise when a text is logged.
class LogWatch final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit LogWatch(std::string text) : text_(std::move(text)) {}
  std::future<void> seen() { return seen_.get_future(); }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const absl::string_view line(message.payload.data(), message.payload.size());
    if (absl::StrContains(line, text_) && !std::exchange(is_seen_, true)) seen_.set_value();
  }
  void flush_() override {}

 private:
  const std::string text_;
  bool is_seen_ = false;
  std::promise<void> seen_;
};

TEST_F(ListenerTest, AcceptsAgainAfterItRanOutOfDescriptors) {
  const auto listener = Listen({"127.0.0.1:0"});
  const Socket client = Connect(listener->addresses()[0]);
  const auto log = std::make_shared<LogWatch>("cannot accept connections");
  auto seen = log->seen();
  const auto logger_before = spdlog::default_logger();
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", log));
  auto acceptor = std::make_unique<FakeAcceptor>(&handed_);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none = {.rlim_cur = 3, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  // Until there are descriptors again, no member function of the fixture is called: UBSan's check
  // of its vptr opens a pipe.
  listener->Begin(std::move(acceptor));
  seen.wait();
  EXPECT_TRUE(handed_.empty());
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  client.Send("patient");
  EXPECT_EQ(handed_.Next().Receive(), "patient");
  listener->Stop();
  spdlog::set_default_logger(logger_before);
}

}  // namespace
}  // namespace anneal::transport
