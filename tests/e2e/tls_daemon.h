// `TlsDaemon` runs a real anneald that serves TLS, and clients with tokens.

#ifndef ANNEAL_TESTS_E2E_TLS_DAEMON_H_
#define ANNEAL_TESTS_E2E_TLS_DAEMON_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/e2e/process.h"
#include "tests/e2e/test_daemon.h"
#include "tests/fixtures/temp_directory.h"

namespace anneal {

// A directory with the output of deploy/make_tls.sh, for a server and a client named cleo.
class TlsDirectory {
 public:
  TlsDirectory() { Make(directory_.file("tls")); }
  static void Make(const std::string& directory);
  std::string file(const std::string& name) const { return directory_.file("tls/" + name); }
  std::string other(const std::string& name) const { return directory_.file(name); }

 private:
  const TempDirectory directory_;
};

// Not thread-safe, except for Channel.
class TlsDaemon {
 public:
  explicit TlsDaemon(const std::vector<std::string>& more_options = {});

  // Returns the output of `anneald token create`.
  std::string Token(const std::string& name, const std::string& role,
                    const std::vector<std::string>& more = {}) const;
  void Revoke(const std::string& name) const;
  // Opens a new connection that trusts this authority.
  std::shared_ptr<grpc::Channel> Channel(const std::string& ca) const;
  std::shared_ptr<grpc::Channel> Channel() const { return Channel(tls_.file("ca.pem")); }
  // Returns the status of a call with an empty request.
  static grpc::StatusCode CodeOf(const std::shared_ptr<grpc::Channel>& channel,
                                 const std::string& path, const std::string& token);
  // Runs the client with a context that has this token.
  Finished As(const std::string& token, std::vector<std::string> arguments) const;

 protected:
  const TlsDirectory tls_;
  TestDaemon daemon_;
  std::string address_;  // of the TLS listener
};

}  // namespace anneal

#endif  // ANNEAL_TESTS_E2E_TLS_DAEMON_H_
