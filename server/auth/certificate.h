// The daemon's certificate, as files in PEM format.

#ifndef ANNEAL_SERVER_AUTH_CERTIFICATE_H_
#define ANNEAL_SERVER_AUTH_CERTIFICATE_H_

#include <string>

#include "absl/status/status.h"

namespace anneal::auth {

struct TlsFiles {
  std::string certificate;  // with those that it was signed by, if any
  std::string key;
  std::string client_ca;  // of clients that have certificates; empty: none has
};

// Whether they can be read, belong together, and are valid now. FAILED_PRECONDITION naming the
// option and what is wrong.
absl::Status CheckTlsFiles(const TlsFiles& files);

}  // namespace anneal::auth

#endif  // ANNEAL_SERVER_AUTH_CERTIFICATE_H_
