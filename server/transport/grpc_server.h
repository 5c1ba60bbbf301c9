// One gRPC server, at addresses that have the same rules: the local ones, or those of TLS.

#ifndef ANNEAL_SERVER_TRANSPORT_GRPC_SERVER_H_
#define ANNEAL_SERVER_TRANSPORT_GRPC_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/transport/listener.h"
#include "server/api/experiment_service.h"
#include "server/api/info_services.h"
#include "server/api/run_service.h"
#include "server/api/services.h"

namespace anneal::rpc {

// Thread-safe.
class Front {
 public:
  struct Options {
    std::vector<std::string> addresses;
    std::shared_ptr<grpc::ServerCredentials> credentials;
    bool has_reflection = false;
  };

  // Does not say that it serves yet, but does. Errors as Acceptor::Listen.
  static absl::StatusOr<std::unique_ptr<Front>> Start(const Options& options,
                                                      const Services& services);

  const std::vector<std::string>& addresses() const { return acceptor_->addresses(); }
  grpc::Server& server() { return *server_; }

  // What its health service says.
  void SetServing(bool serving);

  // Takes no new connections.
  void StopAccepting() { acceptor_->Stop(); }
  // Refuses new calls, waits for those under way and cancels what is left at the deadline. Streams
  // must have been told to finish.
  void Shutdown(std::chrono::system_clock::time_point deadline) { server_->Shutdown(deadline); }

 private:
  explicit Front(const Services& services);

  ExperimentService experiments_;
  RunService runs_;
  PresetService presets_;
  ServerService server_info_;
  std::unique_ptr<Acceptor> acceptor_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace anneal::rpc

#endif  // ANNEAL_SERVER_TRANSPORT_GRPC_SERVER_H_
