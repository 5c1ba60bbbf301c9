// The gRPC server: its settings, its services, and how it stops.

#ifndef ANNEAL_SERVER_RPC_SERVER_H_
#define ANNEAL_SERVER_RPC_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/rpc/acceptor.h"
#include "server/rpc/experiment_service.h"
#include "server/rpc/info_services.h"
#include "server/rpc/run_service.h"
#include "server/rpc/services.h"

namespace anneal::rpc {

// Thread-safe.
class Server {
 public:
  // Serves at `addresses`: `host:port` with a loopback host, port 0 for a free one; or `unix:PATH`,
  // which gets mode 0600. INVALID_ARGUMENT: another host (this version has no authentication).
  // FAILED_PRECONDITION: an address is taken or cannot be bound. Nothing is served after an error.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const std::vector<std::string>& addresses,
                                                       const Services& services);

  // What it listens on, with the ports that were chosen.
  const std::vector<std::string>& addresses() const { return acceptor_->addresses(); }

  // For calls inside this process: tests.
  std::shared_ptr<grpc::Channel> InProcessChannel();

  // Says NOT_SERVING, refuses new calls, ends streams with UNAVAILABLE, waits for calls under way
  // and cancels what is left at the deadline. Returns when no call is left.
  void Shutdown(std::chrono::milliseconds deadline);

 private:
  explicit Server(const Services& services);

  EventHub* const hub_;
  ExperimentService experiments_;
  RunService runs_;
  PresetService presets_;
  ServerService server_info_;
  std::unique_ptr<Acceptor> acceptor_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace anneal::rpc

#endif  // ANNEAL_SERVER_RPC_SERVER_H_
