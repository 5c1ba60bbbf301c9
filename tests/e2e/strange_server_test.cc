// Tests the client with servers that it does not expect: other services, older daemons, TLS.

#include <arpa/inet.h>
#include <grpcpp/grpcpp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "anneal/v1/services.grpc.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/daemon_state.h"
#include "tests/e2e/test_daemon.h"

namespace anneal {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Implements the version call and records the tokens it receives.
class OldService final : public v1::ServerService::Service {
 public:
  grpc::Status GetServerInfo(grpc::ServerContext* context, const v1::GetServerInfoRequest* /*r*/,
                             v1::ServerInfo* response) override {
    const auto [begin, end] = context->client_metadata().equal_range("authorization");
    const std::lock_guard lock(mutex_);
    for (auto entry = begin; entry != end; ++entry) {
      tokens_.emplace_back(entry->second.data(), entry->second.size());
    }
    response->set_version("0.0.1");
    return grpc::Status::OK;
  }
  std::vector<std::string> tokens() {
    const std::lock_guard lock(mutex_);
    return tokens_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> tokens_;
};

// A gRPC server in this process with the given service.
class Server {
 public:
  explicit Server(grpc::Service* service,
                  const std::shared_ptr<grpc::ServerCredentials>& credentials =
                      grpc::InsecureServerCredentials()) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", credentials, &port_);
    builder.RegisterService(service);
    server_ = builder.BuildAndStart();
  }
  ~Server() { server_->Shutdown(); }
  int port() const { return port_; }
  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

Finished Anneal(std::vector<std::string> arguments, const ProcessOptions& options = {}) {
  arguments.insert(arguments.begin(), ANNEAL);
  return RunProcess(arguments, options);
}

TEST(StrangeServerTest, AnotherGrpcServerIsRecognised) {
  v1::PresetService::Service service;
  const Server server(&service);
  for (const char* command : {"list", "queue", "server"}) {
    EXPECT_TRUE(IsOneLineError(Anneal({"--server", server.address(), command}), kFailed,
                               {server.address(), "is not anneald", "--server"}))
        << command;
  }
}

TEST(StrangeServerTest, AnOlderDaemonIsNamedWithBothVersions) {
  OldService service;
  const Server server(&service);
  EXPECT_TRUE(IsOneLineError(Anneal({"--server", server.address(), "queue"}), kFailed,
                             {"anneald 0.0.1", "ListQueue", "update"}));
  const Finished doctor = Anneal({"--server", server.address(), "doctor"});
  EXPECT_EQ(doctor.code, kFine) << "it may serve";
  EXPECT_THAT(doctor.output,
              AllOf(HasSubstr("warn  version"), HasSubstr("0.0.1"), HasSubstr("warn  clock")));
}

TEST(StrangeServerTest, AWebServerIsRecognised) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 16), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  std::thread web([listener] {
    while (true) {
      const int connection = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) return;
      char buffer[256];
      (void)::recv(connection, buffer, sizeof(buffer), 0);
      constexpr char kAnswer[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
      (void)::send(connection, kAnswer, sizeof(kAnswer) - 1, MSG_NOSIGNAL);
      ::close(connection);
    }
  });
  const std::string server = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
  EXPECT_TRUE(IsOneLineError(Anneal({"--server", server, "list"}), kFailed,
                             {server, "does not speak gRPC", "--server"}));
  ::shutdown(listener, SHUT_RDWR);
  web.join();
  ::close(listener);
}

// A server with a self-signed certificate for localhost.
class TlsTest : public ::testing::Test {
 protected:
  TlsTest() {
    MakeCertificate("server");
    MakeCertificate("other");
    std::ofstream(directory_.file("token")) << "a-secret-token\n";
    grpc::SslServerCredentialsOptions options;
    options.pem_key_cert_pairs.push_back(
        {Contents(directory_.file("server.key")), Contents(directory_.file("server.pem"))});
    server_ = std::make_unique<Server>(&service_, grpc::SslServerCredentials(options));
    environment_ = {.environment = {{"XDG_CONFIG_HOME", directory_.file("config")}}};
  }

  void MakeCertificate(const std::string& name) const {
    const Finished made =
        RunProcess({"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
                    directory_.file(name + ".key"), "-out", directory_.file(name + ".pem")});
    ASSERT_EQ(made.code, 0) << made.errors;
  }
  Finished Add(const std::vector<std::string>& options) const {
    std::vector<std::string> arguments = {"context", "add", "lab", "--server",
                                          absl::StrCat("localhost:", server_->port())};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return Anneal(arguments, environment_);
  }

  const TempDirectory directory_;
  OldService service_;
  std::unique_ptr<Server> server_;
  ProcessOptions environment_;
};

TEST_F(TlsTest, AContextWithACertificateAndATokenShowsIt) {
  ASSERT_EQ(
      Add({"--ca", directory_.file("server.pem"), "--token-file", directory_.file("token")}).code,
      kFine);
  const Finished server = Anneal({"server", "-v"}, environment_);
  EXPECT_EQ(server.code, kFine) << server.errors;
  EXPECT_THAT(server.output, HasSubstr("0.0.1"));
  EXPECT_THAT(service_.tokens(), ::testing::ElementsAre("Bearer a-secret-token"));
  EXPECT_EQ((server.output + server.errors).find("a-secret-token"), std::string::npos);
}

TEST_F(TlsTest, WithoutATokenNoneIsShown) {
  ASSERT_EQ(Add({"--ca", directory_.file("server.pem")}).code, kFine);
  EXPECT_EQ(Anneal({"server"}, environment_).code, kFine);
  EXPECT_TRUE(service_.tokens().empty());
}

TEST_F(TlsTest, AnotherCertificateIsNotTrustedAndGetsNoToken) {
  ASSERT_EQ(
      Add({"--ca", directory_.file("other.pem"), "--token-file", directory_.file("token")}).code,
      kFine);
  EXPECT_TRUE(IsOneLineError(Anneal({"server"}, environment_), kFailed, {"localhost"}));
  EXPECT_TRUE(service_.tokens().empty());
}

TEST_F(TlsTest, AClientWithoutTlsIsRejected) {
  EXPECT_EQ(Anneal({"--server", server_->address(), "server"}, environment_).code, kFailed);
}

}  // namespace
}  // namespace anneal
