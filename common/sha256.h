// `Sha256` computes SHA-256 digests with OpenSSL. Not thread-safe.

#ifndef ANNEAL_COMMON_SHA256_H_
#define ANNEAL_COMMON_SHA256_H_

#include <string>

#include "absl/strings/string_view.h"

struct evp_md_ctx_st;

namespace anneal {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Update(absl::string_view bytes);
  // Returns 64 lower-case hexadecimal digits. Finalises the hash; call it once.
  std::string HexDigest();

 private:
  evp_md_ctx_st* const context_;
};

}  // namespace anneal

#endif  // ANNEAL_COMMON_SHA256_H_
