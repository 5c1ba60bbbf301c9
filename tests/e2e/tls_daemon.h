// A real anneald that serves over TLS, and who comes there with tokens.

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

// A directory with what deploy/make_tls.sh makes, for a server and a client called cleo.
class TlsDirectory {
 public:
  TlsDirectory() { Make(directory_.file("tls")); }
  static void Make(const std::string& directory);
  std::string file(const std::string& name) const { return directory_.file("tls/" + name); }
  std::string other(const std::string& name) const { return directory_.file(name); }

 private:
  const TempDirectory directory_;
};

// Not thread-safe, but for Channel.
class TlsDaemon {
 public:
  explicit TlsDaemon(const std::vector<std::string>& more_options = {});

  // What `anneald token create` prints.
  std::string Token(const std::string& name, const std::string& role,
                    const std::vector<std::string>& more = {}) const;
  void Revoke(const std::string& name) const;
  // On a connection of its own, to whom that authority has signed.
  std::shared_ptr<grpc::Channel> Channel(const std::string& ca) const;
  std::shared_ptr<grpc::Channel> Channel() const { return Channel(tls_.file("ca.pem")); }
  // What the call of a method with an empty request comes to.
  static grpc::StatusCode CodeOf(const std::shared_ptr<grpc::Channel>& channel,
                                 const std::string& path, const std::string& token);
  // The client, with a context of that token.
  Finished As(const std::string& token, std::vector<std::string> arguments) const;

 protected:
  const TlsDirectory tls_;
  TestDaemon daemon_;
  std::string address_;  // of TLS
};

}  // namespace anneal

#endif  // ANNEAL_TESTS_E2E_TLS_DAEMON_H_
