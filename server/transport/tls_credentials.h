// `TlsCredentials` makes the credentials of a TLS server.

#ifndef ANNEAL_SERVER_TRANSPORT_TLS_CREDENTIALS_H_
#define ANNEAL_SERVER_TRANSPORT_TLS_CREDENTIALS_H_

#include <grpcpp/grpcpp.h>

#include <memory>

#include "server/auth/certificate.h"

namespace anneal::transport {

// Returns credentials for TLS 1.2 or newer. They reload changed files within seconds, for new
// connections. Client certificates are verified; a client without one needs a token.
std::shared_ptr<grpc::ServerCredentials> TlsCredentials(const auth::TlsFiles& files);

}  // namespace anneal::transport

#endif  // ANNEAL_SERVER_TRANSPORT_TLS_CREDENTIALS_H_
