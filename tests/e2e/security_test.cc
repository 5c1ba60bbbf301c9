// Tests TLS and tokens: every method without a token and with a wrong, expired or insufficient one;
// files that change during calls; client certificates.

#include <grpcpp/grpcpp.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "anneal/v1/services.grpc.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/daemon_state.h"
#include "tests/e2e/records.h"
#include "tests/e2e/test_daemon.h"
#include "tests/e2e/tls_daemon.h"
#include "tests/fixtures/watch.h"

namespace anneal {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> Methods() {
  std::vector<std::string> paths;
  const auto* file = v1::GetServerInfoRequest::descriptor()->file();
  for (int s = 0; s < file->service_count(); ++s) {
    for (int m = 0; m < file->service(s)->method_count(); ++m) {
      paths.push_back(absl::StrCat("/", file->service(s)->full_name(), "/",
                                   file->service(s)->method(m)->name()));
    }
  }
  return paths;
}

bool OnlyReads(const std::string& path) {
  for (const char* verb : {"/Get", "/List", "/Watch", "/Download", "/Compare"}) {
    if (absl::StrContains(path, verb)) return true;
  }
  return false;
}

class SecurityTest : public ::testing::Test, protected TlsDaemon {};

TEST_F(SecurityTest, EveryMethodRejectsMissingWrongAndRevokedTokens) {
  const std::string good = Token("ada", "admin");
  const std::string revoked = Token("rex", "admin");
  Revoke("rex");
  std::string wrong = good;
  wrong.back() = wrong.back() == '0' ? '1' : '0';
  const auto channel = Channel();
  for (const std::string& path : Methods()) {
    for (const std::string& token : {std::string(), wrong, revoked, std::string("nonsense")}) {
      EXPECT_EQ(CodeOf(channel, path, token), grpc::StatusCode::UNAUTHENTICATED)
          << path << " with \"" << token << "\"";
    }
    const grpc::StatusCode code = CodeOf(channel, path, good);
    EXPECT_NE(code, grpc::StatusCode::UNAUTHENTICATED) << path;
    EXPECT_NE(code, grpc::StatusCode::PERMISSION_DENIED) << path;
  }
}

TEST_F(SecurityTest, ReadersMayOnlyRead) {
  const std::string reader = Token("rita", "reader");
  const auto channel = Channel();
  for (const std::string& path : Methods()) {
    const grpc::StatusCode code = CodeOf(channel, path, reader);
    EXPECT_EQ(code == grpc::StatusCode::PERMISSION_DENIED, !OnlyReads(path))
        << path << ": " << code;
    EXPECT_NE(code, grpc::StatusCode::UNAUTHENTICATED) << path;
  }
}

TEST_F(SecurityTest, SubmittersMayCallAllButAdminMethods) {
  const std::string submitter = Token("sue", "submitter");
  const auto channel = Channel();
  for (const std::string& path : Methods()) {
    // The request names no resource: ownership is checked later.
    EXPECT_EQ(CodeOf(channel, path, submitter) == grpc::StatusCode::PERMISSION_DENIED,
              absl::StrContains(path, "/BackUp"))
        << path;
  }
}

TEST_F(SecurityTest, AStreamEndsSoonAfterItsTokenWasRevoked) {
  const std::string token = Token("ada", "reader");
  daemon_.Submit("endless", {"--set", "epochs=50000"});
  const auto stub = v1::ExperimentService::NewStub(Channel());
  // One stream receives event after event, one is silent.
  daemon_.Submit("waiting", {"--set", "epochs=50000"});
  EXPECT_EQ(daemon_.Anneal({"pause", "waiting"}).code, kFine);
  for (const char* name : {"experiments/endless", "experiments/waiting"}) {
    const std::string of = absl::StrCat("reader-", std::string(name).substr(12));
    const std::string own = Token(of, "reader");
    Context context;
    context.AddMetadata("authorization", "Bearer " + own);
    v1::WatchExperimentRequest request;
    request.set_name(name);
    const auto reader = stub->WatchExperiment(&context, request);
    v1::Event event;
    ASSERT_TRUE(reader->Read(&event)) << name;
    Revoke(of);
    while (reader->Read(&event)) {
    }
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNAUTHENTICATED) << name;
  }
  EXPECT_EQ(As(token, {"list"}).code, kFine) << "others stay";
}

class RateLimitedTest : public ::testing::Test, protected TlsDaemon {
 protected:
  RateLimitedTest() : TlsDaemon({"--max-requests-per-second", "3"}) {}
};

TEST_F(RateLimitedTest, RateLimitsApplyPerUser) {
  const std::string ada = Token("ada", "reader");
  const std::string bob = Token("bob", "reader");
  const auto channel = Channel();
  std::map<grpc::StatusCode, int> codes;
  for (int i = 0; i < 200; ++i) {
    ++codes[CodeOf(channel, "/anneal.v1.ExperimentService/ListExperiments", ada)];
  }
  EXPECT_GE(codes[grpc::StatusCode::OK], 3);
  EXPECT_GE(codes[grpc::StatusCode::RESOURCE_EXHAUSTED], 1);
  EXPECT_EQ(codes[grpc::StatusCode::OK] + codes[grpc::StatusCode::RESOURCE_EXHAUSTED], 200);
  EXPECT_EQ(CodeOf(channel, "/anneal.v1.ExperimentService/ListExperiments", bob),
            grpc::StatusCode::OK);
  // Requests without limits are not counted.
  for (int i = 0; i < 30; ++i) EXPECT_EQ(daemon_.Anneal({"list"}).code, kFine);
}

TEST_F(RateLimitedTest, TheClientWaitsInsteadOfFailing) {
  const std::string ada = Token("ada", "admin");
  const auto channel = Channel();
  bool had_to_wait = false;
  // The quota may have refilled by the time of the client's retry.
  for (int i = 0; i < 20 && !had_to_wait; ++i) {
    while (CodeOf(channel, "/anneal.v1.ExperimentService/ListExperiments", ada) ==
           grpc::StatusCode::OK) {
    }
    const Finished list = As(ada, {"-v", "list"});
    EXPECT_EQ(list.code, kFine) << list.errors;
    had_to_wait = absl::StrContains(list.errors, "RATE_LIMITED");
  }
  EXPECT_TRUE(had_to_wait);
}

TEST_F(SecurityTest, OneConnectionMayCarryCallsOfSeveralUsers) {
  const std::string reader = Token("rita", "reader");
  const std::string admin = Token("ada", "admin");
  const auto channel = Channel();
  const std::string path = "/anneal.v1.ExperimentService/CancelExperiment";
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(CodeOf(channel, path, reader), grpc::StatusCode::PERMISSION_DENIED);
    EXPECT_EQ(CodeOf(channel, path, admin), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(CodeOf(channel, path, ""), grpc::StatusCode::UNAUTHENTICATED);
  }
}

TEST_F(SecurityTest, HealthNeedsNoTokenAndReflectionIsNotServed) {
  const std::string admin = Token("ada", "admin");
  EXPECT_EQ(CodeOf(Channel(), "/grpc.health.v1.Health/Check", ""), grpc::StatusCode::OK);
  EXPECT_EQ(
      CodeOf(Channel(), "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", admin),
      grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_NE(CodeOf(grpc::CreateChannel(daemon_.address(), grpc::InsecureChannelCredentials()),
                   "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", ""),
            grpc::StatusCode::UNIMPLEMENTED)
      << "but on the machine itself";
}

TEST_F(SecurityTest, SubmittersChangeTheirOwnExperimentsAndAdminsAll) {
  const std::string ada = Token("ada", "submitter");
  const std::string bob = Token("bob", "submitter");
  const std::string root = Token("root", "admin");
  const std::string config = daemon_.tiny_config();
  ASSERT_EQ(As(ada, {"submit", "--file", config, "--id", "hers", "--set", "epochs=50000"}).code,
            kFine);
  EXPECT_THAT(As(bob, {"list"}).output, AllOf(HasSubstr("hers"), HasSubstr("ada")))
      << "everybody sees it, and whose it is";
  const std::vector<std::vector<std::string>> changes = {{"edit", "hers", "--note", "mine"},
                                                         {"pause", "hers"},
                                                         {"pause", "hers/0"},
                                                         {"cancel", "hers"},
                                                         {"cancel", "hers/0"},
                                                         {"delete", "hers", "--force"},
                                                         {"extend", "hers/0", "--epochs", "60000"}};
  for (const auto& change : changes) {
    const Finished refused = As(bob, change);
    EXPECT_EQ(refused.code, kFailed) << change[0];
    EXPECT_THAT(refused.errors, AllOf(HasSubstr("belongs to ada"), HasSubstr("bob"))) << change[0];
  }
  EXPECT_EQ(As(ada, {"edit", "hers", "--note", "mine"}).code, kFine);
  EXPECT_EQ(As(ada, {"pause", "hers"}).code, kFine);
  EXPECT_EQ(As(root, {"cancel", "hers"}).code, kFine);
  EXPECT_EQ(As(ada, {"delete", "hers"}).code, kFine);
  EXPECT_EQ(As(bob, {"undelete", "hers"}).code, kFailed);
  EXPECT_EQ(As(bob, {"purge", "hers"}).code, kFailed);
  EXPECT_EQ(As(ada, {"purge", "hers"}).code, kFine);
}

TEST_F(SecurityTest, AnExpiredTokenIsReportedAsExpired) {
  const std::string token = Token("ada", "reader", {"--expires", "1m"});
  EXPECT_EQ(As(token, {"list"}).code, kFine);
  // Sets the expiry more than a minute into the past.
  const std::string path = daemon_.data_directory() + "/tokens.textproto";
  std::string text = Contents(path);
  const size_t at = text.find("expire_time");
  ASSERT_NE(at, std::string::npos);
  const size_t seconds = text.find("seconds: ", at) + 9;
  text.replace(seconds, text.find('\n', seconds) - seconds, "1000000000");
  std::ofstream(path) << text;
  EXPECT_TRUE(IsOneLineError(As(token, {"list"}), kFailed, {"expired", "token create"}));
}

TEST_F(SecurityTest, AClientCertificateReplacesItsToken) {
  namespace tls = grpc::experimental;
  const auto list = [this](const std::string& certificate) {
    const auto provider = std::make_shared<tls::StaticDataCertificateProvider>(
        Contents(tls_.file("ca.pem")),
        std::vector<tls::IdentityKeyCertPair>{
            {Contents(certificate + ".key"), Contents(certificate + ".pem")}});
    tls::TlsChannelCredentialsOptions options;
    options.set_certificate_provider(provider);
    options.watch_root_certs();
    options.watch_identity_key_cert_pairs();
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return CodeOf(grpc::CreateCustomChannel(address_, tls::TlsCredentials(options), arguments),
                  "/anneal.v1.ExperimentService/ListExperiments", "");
  };
  EXPECT_EQ(list(tls_.file("cleo")), grpc::StatusCode::UNAUTHENTICATED) << "has no token yet";
  Token("cleo", "reader");
  EXPECT_EQ(list(tls_.file("cleo")), grpc::StatusCode::OK);
  // Signed by another authority.
  TlsDirectory::Make(tls_.other("foreign"));
  EXPECT_NE(list(tls_.other("foreign/cleo")), grpc::StatusCode::OK);
}

TEST_F(SecurityTest, TokensAndCertificatesAreReplacedUnderLoadWithoutAFailedCall) {
  const std::string token = Token("ada", "reader");
  std::atomic<bool> stop = false;
  std::atomic<int> calls = 0;
  std::atomic<int> failed = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 2; ++i) {
    clients.emplace_back([&] {
      while (!stop) {
        // Each call uses a new connection.
        const auto code = CodeOf(Channel(), "/anneal.v1.ExperimentService/ListExperiments", token);
        ++calls;
        if (code != grpc::StatusCode::OK) ++failed;
      }
    });
  }
  const std::string before = Contents(tls_.file("server.pem"));
  for (int i = 0; i < 3; ++i) {
    Token(absl::StrCat("new-", i), "reader");
    // Another certificate of the same authority; each file is renamed into place.
    std::filesystem::remove(tls_.other("next"));
    std::filesystem::create_directory(tls_.other("next"));
    for (const char* name : {"ca.pem", "ca.key"}) {
      std::filesystem::copy(tls_.file(name), tls_.other("next") + "/" + name);
    }
    TlsDirectory::Make(tls_.other("next"));
    for (const char* name : {"server.key", "server.pem"}) {
      std::filesystem::rename(tls_.other("next") + "/" + name, tls_.file(name));
    }
    std::filesystem::remove_all(tls_.other("next"));
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  }
  stop = true;
  for (std::thread& client : clients) client.join();
  EXPECT_GT(calls, 50);
  EXPECT_EQ(failed, 0) << "of " << calls;
  EXPECT_NE(Contents(tls_.file("server.pem")), before);
}

TEST_F(SecurityTest, SecretsAreInNoLogErrorOrProcessListing) {
  const std::string token = Token("ada", "submitter");
  const std::string secret = token.substr(token.find('.') + 1);
  EXPECT_EQ(As(token, {"-v", "list"}).code, kFine);
  const Finished wrong = As(token.substr(0, token.size() - 1) + "x", {"-v", "list"});
  EXPECT_EQ(wrong.code, kFailed);
  for (const std::string& text :
       {daemon_.process().errors(), daemon_.process().output(), wrong.errors, wrong.output,
        Contents(daemon_.data_directory() + "/tokens.textproto")}) {
    EXPECT_THAT(text, Not(HasSubstr(secret.substr(0, 16))));
  }
  EXPECT_THAT(Contents(absl::StrCat("/proc/", daemon_.pid(), "/cmdline")), Not(HasSubstr(secret)));
}

TEST_F(SecurityTest, ClientsWithoutTlsOrWithAnotherAuthorityAreRejected) {
  const std::string token = Token("ada", "admin");
  const auto plain = grpc::CreateChannel(address_, grpc::InsecureChannelCredentials());
  EXPECT_EQ(CodeOf(plain, "/anneal.v1.ExperimentService/ListExperiments", token),
            grpc::StatusCode::UNAVAILABLE);
  TlsDirectory::Make(tls_.other("foreign"));
  EXPECT_EQ(CodeOf(Channel(tls_.other("foreign/ca.pem")),
                   "/anneal.v1.ExperimentService/ListExperiments", token),
            grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(CodeOf(Channel(), "/anneal.v1.ExperimentService/ListExperiments", token),
            grpc::StatusCode::OK);
  EXPECT_THAT(daemon_.process().errors(), Not(HasSubstr("andshake")))
      << "whoever comes could fill the log";
}

TEST(TokenCommandTest, InvalidArgumentsAreNamed) {
  const TempDirectory directory;
  const auto run = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {ANNEALD, "--data-dir", directory.file("data"), "token"});
    return RunProcess(arguments);
  };
  EXPECT_EQ(run({}).code, 2);
  EXPECT_EQ(run({"create", "--name", "ada"}).code, 2);
  EXPECT_EQ(run({"create", "--name", "ada", "--role", "king"}).code, 2);
  EXPECT_THAT(run({"create", "--name", "A b", "--role", "admin"}).errors, HasSubstr("--name"));
  for (const char* age : {"30", "d", "-1d", "1w", "0d"}) {
    EXPECT_THAT(run({"create", "--name", "ada", "--role", "admin", "--expires", age}).errors,
                HasSubstr("--expires"))
        << age;
  }
  EXPECT_EQ(run({"create", "--name", "ada", "--role", "admin", "--expires", "30d"}).code, 0);
  EXPECT_EQ(run({"create", "--name", "ada", "--role", "admin"}).code, 1);
  const Finished list = run({"list"});
  EXPECT_THAT(list.output, AllOf(HasSubstr("ada"), HasSubstr("ADMIN")));
  EXPECT_EQ(run({"revoke", "bob"}).code, 1);
  EXPECT_EQ(run({"revoke", "ada"}).code, 0);
  EXPECT_THAT(run({"list"}).output, Not(HasSubstr("ada")));
}

TEST(TlsOptionsTest, MissingOrMismatchedFilesAreNamed) {
  const TlsDirectory tls;
  const auto start = [&](const std::vector<std::string>& more) {
    std::vector<std::string> command = {ANNEALD, "--data-dir", tls.other("data"), "--tls-listen",
                                        "localhost:0"};
    command.insert(command.end(), more.begin(), more.end());
    return RunProcess(command);
  };
  const std::string certificate = tls.file("server.pem");
  const std::string key = tls.file("server.key");
  EXPECT_TRUE(IsOneLineError(start({}), 2, {"--tls-listen", "--tls-cert"}));
  EXPECT_TRUE(IsOneLineError(RunProcess({ANNEALD, "--data-dir", tls.other("data"), "--tls-cert",
                                         certificate, "--tls-key", key}),
                             2, {"--tls-listen", "missing"}));
  EXPECT_TRUE(IsOneLineError(start({"--tls-cert", certificate, "--tls-key", tls.file("none")}), 1,
                             {"--tls-key", "cannot be read"}));
  EXPECT_TRUE(IsOneLineError(start({"--tls-cert", key, "--tls-key", key}), 1,
                             {"--tls-cert", "not a certificate"}));
  EXPECT_TRUE(IsOneLineError(start({"--tls-cert", certificate, "--tls-key", tls.file("cleo.key")}),
                             1, {"--tls-key", "does not belong"}));
  EXPECT_TRUE(
      IsOneLineError(start({"--tls-cert", certificate, "--tls-key", key, "--tls-client-ca", key}),
                     1, {"--tls-client-ca", "not a certificate"}));
}

TEST(InsecureListenTest, ServesPlaintextOnNonLoopbackAddresses) {
  const TestDaemon daemon(TestDaemon::Address::kSocket, 1, {"--insecure-listen", "0.0.0.0:0"});
  const std::string address = Lines(Contents(daemon.file("address"))).back();
  EXPECT_EQ(RunProcess({ANNEAL, "--server",
                        absl::StrCat("127.0.0.1", address.substr(address.rfind(':'))), "list"})
                .code,
            kFine);
}

}  // namespace
}  // namespace anneal
