// `Listener` binds addresses, accepts connections and hands them to gRPC. The daemon, not gRPC,
// accepts them, so that it controls the mode and the peers of its socket and the options of its
// connections, and continues to accept after it ran out of file descriptors.

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

// Not thread-safe. Accepts on a thread of its own.
class Listener {
 public:
  using Acceptor = grpc::experimental::ExternalConnectionAcceptor;

  // Returns whether an accepted connection, given by its descriptor, is handed to gRPC; otherwise
  // it is closed. Called by the thread of the listener.
  using Admission = std::function<bool(int descriptor)>;

  // Binds `addresses`, each `HOST:PORT` (port 0 chooses a free one) or `unix:PATH`. A socket file
  // gets mode 0600, and replaces a stale one without a listener. FAILED_PRECONDITION: an address is
  // in use or cannot be bound. INVALID_ARGUMENT: a port is out of range.
  static absl::StatusOr<std::unique_ptr<Listener>> Listen(const std::vector<std::string>& addresses,
                                                          Admission admission = nullptr);
  // Calls Stop.
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Returns the addresses, with the ports that were chosen.
  const std::vector<std::string>& addresses() const { return addresses_; }

  // Starts to accept, beginning with the connections that have waited since Listen. Call once.
  void Begin(std::unique_ptr<Acceptor> acceptor);

  // Stops accepting: closes the sockets, which resets connections that were not accepted, and
  // removes their files. Idempotent.
  void Stop();

 private:
  explicit Listener(Admission admission);

  absl::Status ListenAt(const std::string& address);
  // Sets `port` to the one that was chosen if it was 0.
  absl::Status ListenAtHost(const std::string& host, int* port);
  absl::Status ListenAtPath(const std::string& path);
  void Loop();
  void AcceptFrom(int socket);
  // Blocks until Stop, for at most `timeout` milliseconds.
  void WaitForStop(int timeout) const;

  const Admission admission_;  // null: every connection is admitted
  const int stop_;             // an eventfd; readable after Stop
  std::vector<int> sockets_;
  std::vector<std::string> paths_;  // of Unix sockets, removed by Stop
  std::vector<std::string> addresses_;
  std::unique_ptr<Acceptor> acceptor_;
  bool has_warned_ = false;  // that no descriptor is left
  std::thread thread_;
};

}  // namespace anneal::transport

#endif  // ANNEAL_SERVER_TRANSPORT_LISTENER_H_
