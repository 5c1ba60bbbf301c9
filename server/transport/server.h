// Who is served where, and how that stops.

#ifndef ANNEAL_SERVER_TRANSPORT_SERVER_H_
#define ANNEAL_SERVER_TRANSPORT_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/transport/grpc_server.h"
#include "server/transport/listen_addresses.h"
#include "server/api/services.h"

namespace anneal::rpc {

// Thread-safe.
class Server {
 public:
  // INVALID_ARGUMENT: an address that is not as it should be, or TLS without its files.
  // FAILED_PRECONDITION: an address is taken or cannot be bound, or a file of TLS is wrong. Nothing
  // is served after an error.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const Listening& listening,
                                                       const Services& services);

  // What it listens on, with the ports that were chosen: local, insecure, TLS.
  std::vector<std::string> addresses() const;

  // For calls inside this process: tests.
  std::shared_ptr<grpc::Channel> InProcessChannel();

  // Whether somebody who comes now, on a connection of their own, is answered; over the first local
  // address, or inside this process where there is none. Blocks for seconds at most. Errors: what
  // came instead of an answer.
  absl::Status CheckAnswers();

  // What the health service says; NOT_SERVING until the first time, and from Shutdown on.
  void SetServing(bool serving);

  // Says NOT_SERVING, refuses new calls, ends streams with UNAVAILABLE, waits for calls under way
  // and cancels what is left when patience is over. Returns when no call is left.
  void Shutdown(std::chrono::milliseconds patience);

 private:
  explicit Server(EventHub* hub) : hub_(hub) {}

  EventHub* const hub_;
  std::unique_ptr<Front> plain_;  // local and insecure addresses
  std::unique_ptr<Front> tls_;    // null: nobody comes over TLS
  std::string local_address_;     // empty: none
};

}  // namespace anneal::rpc

#endif  // ANNEAL_SERVER_TRANSPORT_SERVER_H_
