#include "server/auth/certificate.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>
#include <memory>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/status.h"

namespace anneal::auth {
namespace {

absl::Status Bad(absl::string_view option, const std::string& path, absl::string_view what) {
  return absl::FailedPreconditionError(absl::StrCat(option, " ", path, " ", what));
}

using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

absl::StatusOr<Certificate> ReadCertificate(absl::string_view option, const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return Bad(option, path, "cannot be read");
  const absl::Cleanup close = [file] { std::fclose(file); };
  Certificate certificate(::PEM_read_X509(file, nullptr, nullptr, nullptr), &X509_free);
  if (certificate == nullptr) return Bad(option, path, "is not a certificate in PEM format");
  return certificate;
}

}  // namespace

absl::Status CheckTlsFiles(const TlsFiles& files) {
  ANNEAL_ASSIGN_OR_RETURN(const Certificate certificate,
                          ReadCertificate("--tls-cert", files.certificate));
  if (::X509_cmp_current_time(::X509_get0_notAfter(certificate.get())) <= 0) {
    return Bad("--tls-cert", files.certificate, "has expired");
  }
  std::FILE* file = std::fopen(files.key.c_str(), "re");
  if (file == nullptr) return Bad("--tls-key", files.key, "cannot be read");
  const absl::Cleanup close = [file] { std::fclose(file); };
  // A daemon cannot ask for a password.
  const auto no_password = [](char*, int, int, void*) { return 0; };
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      ::PEM_read_PrivateKey(file, nullptr, no_password, nullptr), &EVP_PKEY_free);
  if (key == nullptr)
    return Bad("--tls-key", files.key, "is not a key in PEM format without a password");
  if (::X509_check_private_key(certificate.get(), key.get()) != 1) {
    return Bad("--tls-key", files.key, "does not belong to the certificate");
  }
  if (files.client_ca.empty()) return absl::OkStatus();
  return ReadCertificate("--tls-client-ca", files.client_ca).status();
}

}  // namespace anneal::auth
