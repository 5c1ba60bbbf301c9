// `ListenAddresses` lists the addresses that the daemon listens on, by the rights of their callers.

#ifndef ANNEAL_SERVER_TRANSPORT_LISTEN_ADDRESSES_H_
#define ANNEAL_SERVER_TRANSPORT_LISTEN_ADDRESSES_H_

#include <string>
#include <vector>

#include "server/auth/certificate.h"

namespace anneal::transport {

// Addresses are `HOST:PORT`; port 0 chooses a free one.
struct ListenAddresses {
  // Loopback hosts, or `unix:PATH` with mode 0600. Callers may do everything.
  std::vector<std::string> local;
  // Any hosts, in plaintext. Callers may do everything.
  std::vector<std::string> insecure;
  // Any hosts, over TLS. Callers need a token.
  std::vector<std::string> tls;
  auth::TlsFiles tls_files;
};

}  // namespace anneal::transport

#endif  // ANNEAL_SERVER_TRANSPORT_LISTEN_ADDRESSES_H_
