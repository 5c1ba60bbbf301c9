// `Server` serves gRPC at all of the daemon's addresses: one GrpcServer for plaintext, one for TLS.

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
    Listener::Admission admission;          // null: every connection is admitted
  };

  // INVALID_ARGUMENT: an address is malformed, or TLS lacks its files. FAILED_PRECONDITION: an
  // address is in use or cannot be bound, or a TLS file is unusable. Nothing is served after an
  // error.
  static absl::StatusOr<std::unique_ptr<Server>> Start(Options options);

  // Returns the bound addresses, with the ports that were chosen: local, insecure, TLS.
  std::vector<std::string> addresses() const;

  // Returns a channel for calls inside this process, for tests.
  std::shared_ptr<grpc::Channel> InProcessChannel();

  // Returns a channel that opens its own connection to the first local address; without one, the
  // in-process channel. For the self-check.
  std::shared_ptr<grpc::Channel> NewConnection();

  // Sets the status that the health service reports; NOT_SERVING before the first call and after
  // Shutdown.
  void SetServing(bool serving);

  // Stops accepting connections, reports NOT_SERVING, refuses new calls, ends streams, waits for
  // calls in flight, and cancels the rest after `patience`. Returns when no call is left.
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
