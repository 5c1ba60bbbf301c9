// Which daemon a command talks to, and how: contexts, flags and variables.

#ifndef ANNEAL_CLIENT_ENDPOINT_H_
#define ANNEAL_CLIENT_ENDPOINT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "anneal/client/config.pb.h"

namespace anneal::client {

struct Endpoint {
  Context context;
  // Why it is this one, for people: `--server`, `context lab`.
  std::string source;
};

// The first there is of: `server`, the context that is named, ANNEAL_SERVER, the context in use,
// the local daemon's socket, its default port. Empty: not given. Errors: those of ReadClientConfig,
// and NOT_FOUND for a context that is not there.
absl::StatusOr<Endpoint> ChooseEndpoint(const std::string& server, const std::string& context);

// The context of that name. NOT_FOUND, naming those that there are.
absl::StatusOr<Context> FindContext(const ClientConfig& config, const std::string& name);

// The client's settings; empty where there is no file. FAILED_PRECONDITION: it cannot be read, is
// damaged, or others may read or change it.
absl::StatusOr<ClientConfig> ReadClientConfig();
// Replaces the file as a whole, with mode 0600. Errors: what the system said.
absl::Status WriteClientConfig(const ClientConfig& config);

// Whether a daemon can be reached so at all. INVALID_ARGUMENT naming the option.
absl::Status CheckContext(const Context& context);

}  // namespace anneal::client

#endif  // ANNEAL_CLIENT_ENDPOINT_H_
