// `ChooseEndpoint` decides which daemon a command calls, from flags, environment variables and
// contexts.

#ifndef ANNEAL_CLIENT_ENDPOINT_H_
#define ANNEAL_CLIENT_ENDPOINT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/config.pb.h"

namespace anneal::client {

struct Endpoint {
  Context context;
  // The setting that chose it, for messages: `--server`, `context lab`.
  std::string source;
};

// Returns the first that is set of: `server`, the context named `context`, ANNEAL_SERVER, the
// current context, the local daemon's socket, the default port. An empty argument is not set.
// Errors: those of ReadClientConfig, and NOT_FOUND for an unknown context.
absl::StatusOr<Endpoint> ChooseEndpoint(const std::string& server, const std::string& context);

// Returns the context with this name. NOT_FOUND, listing the known ones.
absl::StatusOr<Context> FindContext(const ClientConfig& config, const std::string& name);

// Reads the client's settings; returns an empty config if there is no file. FAILED_PRECONDITION:
// the file cannot be read, is malformed, or is accessible to other users.
absl::StatusOr<ClientConfig> ReadClientConfig();
// Replaces the file atomically, with mode 0600. Errors: those of the system calls.
absl::Status WriteClientConfig(const ClientConfig& config);

// Checks that the context is complete and consistent, without connecting. INVALID_ARGUMENT naming
// the option.
absl::Status CheckContext(const Context& context);

}  // namespace anneal::client

#endif  // ANNEAL_CLIENT_ENDPOINT_H_
