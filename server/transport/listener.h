// Accepts connections and hands them to gRPC, whose own way of doing so ends for good the first
// time that no descriptor is left (CVE-2023-4785, in Debian's version).

#ifndef ANNEAL_SERVER_TRANSPORT_LISTENER_H_
#define ANNEAL_SERVER_TRANSPORT_LISTENER_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace anneal::transport {

class Listener {
 public:
  using Entrance = grpc::experimental::ExternalConnectionAcceptor;

  // Decides whether an accepted connection is handed to gRPC, by its descriptor; one that is not is
  // closed. Called by one thread a listener.
  using Admission = std::function<bool(int descriptor)>;

  // Listens at `addresses`, each `host:port` (0 for a free one) or `unix:PATH`, which must not be
  // served and gets mode 0600. FAILED_PRECONDITION: one is taken or cannot be bound.
  static absl::StatusOr<std::unique_ptr<Listener>> Listen(const std::vector<std::string>& addresses,
                                                          Admission admission = nullptr);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Those, with the ports that were chosen.
  const std::vector<std::string>& addresses() const { return addresses_; }

  // Hands over all connections from now on, those too that have come since Listen. Call once.
  void Begin(std::unique_ptr<Entrance> entrance);

  // Closes what it listens on; hangs up on whoever has not been handed over. Idempotent.
  void Stop();

 private:
  explicit Listener(Admission admission);

  absl::Status ListenAt(const std::string& address);
  // Sets the port, if it was 0.
  absl::Status ListenAtHost(const std::string& host, int* port);
  absl::Status ListenAtPath(const std::string& path);
  void Loop();
  void AcceptFrom(int socket);
  // Whether it is to end, after at most so many milliseconds.
  bool Ends(int timeout) const;

  const Admission admission_;  // null: all
  const int end_;              // readable once it is to end
  std::vector<int> sockets_;
  std::vector<std::string> paths_;  // to be removed with their sockets
  std::vector<std::string> addresses_;
  std::unique_ptr<Entrance> entrance_;
  bool told_ = false;
  std::thread thread_;
};

}  // namespace anneal::transport

#endif  // ANNEAL_SERVER_TRANSPORT_LISTENER_H_
