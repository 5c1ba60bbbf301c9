// The daemon's listening addresses and the gRPC servers behind them.

#ifndef ANNEAL_SERVER_TRANSPORT_SERVER_H_
#define ANNEAL_SERVER_TRANSPORT_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/telemetry/metrics.h"
#include "server/transport/grpc_server.h"
#include "server/transport/listen_addresses.h"
#include "server/transport/listener.h"

namespace anneal::transport {

// Thread-safe.
class Server {
 public:
  struct Options {
    ListenAddresses addresses;
    // Makes the services of one gRPC server: gRPC registers a service object only once.
    std::function<std::vector<std::unique_ptr<grpc::Service>>()> make_services;
    // Tells all streams to finish. Called once, by Shutdown.
    std::function<void()> finish_streams;
    telemetry::Metrics* metrics = nullptr;  // borrowed
    Listener::Admission admission;          // empty: every connection is admitted
  };

  // INVALID_ARGUMENT: an address of the wrong form, or TLS without its files. FAILED_PRECONDITION:
  // an address is taken or cannot be bound, or a TLS file is wrong. Nothing is served after an
  // error.
  static absl::StatusOr<std::unique_ptr<Server>> Start(Options options);

  // Returns the addresses it listens on, with the ports that were chosen: local, insecure, TLS.
  std::vector<std::string> addresses() const;

  // Returns a channel for calls inside this process, for tests.
  std::shared_ptr<grpc::Channel> InProcessChannel();

  // Returns a channel that opens a connection of its own to the first local address; the in-process
  // one where there is none. For the self-check.
  std::shared_ptr<grpc::Channel> NewConnection();

  // Sets the answer of the health service; NOT_SERVING before the first call and from Shutdown on.
  void SetServing(bool serving);

  // Says NOT_SERVING, refuses new calls, ends streams with UNAVAILABLE, waits for calls under way
  // and cancels what is left after `patience`. Returns when no call is left.
  void Shutdown(std::chrono::milliseconds patience);

 private:
  explicit Server(std::function<void()> finish_streams)
      : finish_streams_(std::move(finish_streams)) {}

  const std::function<void()> finish_streams_;
  std::unique_ptr<GrpcServer> plain_;  // local and insecure addresses
  std::unique_ptr<GrpcServer> tls_;    // null without a TLS address
  std::string local_address_;          // the first; empty: none
};

}  // namespace anneal::transport

#endif  // ANNEAL_SERVER_TRANSPORT_SERVER_H_
