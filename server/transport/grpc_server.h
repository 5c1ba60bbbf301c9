// `GrpcServer` is one gRPC server with its listener: for all plaintext addresses, or for all TLS
// addresses.

#ifndef ANNEAL_SERVER_TRANSPORT_GRPC_SERVER_H_
#define ANNEAL_SERVER_TRANSPORT_GRPC_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/telemetry/metrics.h"
#include "server/transport/health.h"
#include "server/transport/listener.h"

namespace anneal::transport {

// Thread-safe.
class GrpcServer {
 public:
  struct Options {
    std::vector<std::string> addresses;
    std::shared_ptr<grpc::ServerCredentials> credentials;
    bool has_reflection = false;
    std::vector<std::unique_ptr<grpc::Service>> services;
    telemetry::Metrics* metrics = nullptr;  // borrowed
    Listener::Admission admission;          // null: every connection is admitted
  };

  // Listens and serves; the health service reports NOT_SERVING until SetServing. Errors of
  // Listener::Listen.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(Options options);

  const std::vector<std::string>& addresses() const { return listener_->addresses(); }
  grpc::Server& server() { return *server_; }

  // Sets the answer of the health service, for the server and each of its services.
  void SetServing(bool serving) { health_.SetServing(serving); }

  // Stops accepting connections.
  void StopAccepting() { listener_->Stop(); }
  // Refuses new calls, waits for those in flight, and cancels the rest at the deadline. Streams
  // must have been told to finish.
  void Shutdown(std::chrono::system_clock::time_point deadline);

 private:
  explicit GrpcServer(std::vector<std::unique_ptr<grpc::Service>> services)
      : services_(std::move(services)) {}

  const std::vector<std::unique_ptr<grpc::Service>> services_;
  std::unique_ptr<Listener> listener_;
  HealthService health_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace anneal::transport

#endif  // ANNEAL_SERVER_TRANSPORT_GRPC_SERVER_H_
