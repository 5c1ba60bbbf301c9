// Where the daemon can be reached, and by whom.

#ifndef ANNEAL_SERVER_TRANSPORT_LISTEN_ADDRESSES_H_
#define ANNEAL_SERVER_TRANSPORT_LISTEN_ADDRESSES_H_

#include <string>
#include <vector>

#include "server/auth/certificate.h"

namespace anneal::transport {

// Where to serve. `host:port`, port 0 for a free one.
struct ListenAddresses {
  // With a loopback host, or `unix:PATH`, which gets mode 0600. Whoever comes there may do all.
  std::vector<std::string> local;
  // With any host: whoever comes there may do all, too.
  std::vector<std::string> insecure;
  // With any host, over TLS: who calls needs a token.
  std::vector<std::string> tls;
  auth::TlsFiles tls_files;
};

}  // namespace anneal::transport

#endif  // ANNEAL_SERVER_TRANSPORT_LISTEN_ADDRESSES_H_
