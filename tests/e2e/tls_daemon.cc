#include "tests/e2e/tls_daemon.h"

#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/daemon_state.h"
#include "tests/e2e/generic_call.h"
#include "tests/e2e/records.h"

namespace anneal {
namespace {

std::vector<std::string> Options(const TlsDirectory& tls, const std::vector<std::string>& more) {
  std::vector<std::string> options = {
      "--tls-listen", "localhost:0",          "--tls-cert",      tls.file("server.pem"),
      "--tls-key",    tls.file("server.key"), "--tls-client-ca", tls.file("ca.pem")};
  options.insert(options.end(), more.begin(), more.end());
  return options;
}

}  // namespace

void TlsDirectory::Make(const std::string& directory) {
  const Finished made = RunProcess({MAKE_TLS, directory, "--client", "cleo"});
  EXPECT_EQ(made.code, 0) << made.errors;
}

TlsDaemon::TlsDaemon(const std::vector<std::string>& more_options)
    : daemon_(TestDaemon::Address::kSocket, 2, Options(tls_, more_options)) {
  address_ = Lines(Contents(daemon_.file("address"))).back();
  EXPECT_THAT(address_, ::testing::StartsWith("localhost:"));
}

std::string TlsDaemon::Token(const std::string& name, const std::string& role,
                             const std::vector<std::string>& more) const {
  std::vector<std::string> command = {ANNEALD, "--data-dir", daemon_.data_directory(),
                                      "token", "create",     "--name",
                                      name,    "--role",     role};
  command.insert(command.end(), more.begin(), more.end());
  const Finished made = RunProcess(command);
  EXPECT_EQ(made.code, 0) << made.errors;
  return Lines(made.output).empty() ? "" : Lines(made.output)[0];
}

void TlsDaemon::Revoke(const std::string& name) const {
  const Finished revoked =
      RunProcess({ANNEALD, "--data-dir", daemon_.data_directory(), "token", "revoke", name});
  EXPECT_EQ(revoked.code, 0) << revoked.errors;
}

std::shared_ptr<grpc::Channel> TlsDaemon::Channel(const std::string& ca) const {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = Contents(ca);
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address_, grpc::SslCredentials(options), arguments);
}

grpc::StatusCode TlsDaemon::CodeOf(const std::shared_ptr<grpc::Channel>& channel,
                                   const std::string& path, const std::string& token) {
  return CallByPath(channel, path, token).code;
}

Finished TlsDaemon::As(const std::string& token, std::vector<std::string> arguments) const {
  const std::string config = daemon_.file("config-of-" + token.substr(0, token.find('.')));
  const std::string file = config + ".token";
  std::ofstream(file) << token << "\n";
  const ProcessOptions options = {
      .environment = {{"XDG_CONFIG_HOME", config}, {"ANNEAL_SERVER", ""}}};
  const Finished added = RunProcess({ANNEAL, "context", "add", "lab", "--server", address_, "--ca",
                                     tls_.file("ca.pem"), "--token-file", file},
                                    options);
  EXPECT_EQ(added.code, kFine) << added.errors;
  arguments.insert(arguments.begin(), ANNEAL);
  return RunProcess(arguments, options);
}

}  // namespace anneal
