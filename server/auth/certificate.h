// `CheckTlsFiles` validates the PEM files of the daemon's certificate.

#ifndef ANNEAL_SERVER_AUTH_CERTIFICATE_H_
#define ANNEAL_SERVER_AUTH_CERTIFICATE_H_

#include <string>

#include "absl/status/status.h"

namespace anneal::auth {

struct TlsFiles {
  std::string certificate;  // followed by its chain, if it has one
  std::string key;
  std::string client_ca;  // verifies client certificates; empty: clients use tokens only
};

// Checks that the files can be read, that key and certificate match, and that the certificate has
// not expired. FAILED_PRECONDITION, naming the option and the fault. Blocks on the disk.
absl::Status CheckTlsFiles(const TlsFiles& files);

}  // namespace anneal::auth

#endif  // ANNEAL_SERVER_AUTH_CERTIFICATE_H_
