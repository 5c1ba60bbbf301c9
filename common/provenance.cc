#include "common/provenance.h"

#include "absl/strings/str_cat.h"

namespace anneal {

std::string KindOf(const v1::Provenance& provenance) {
  return absl::StrCat(provenance.version(), " ", provenance.git_commit(),
                      provenance.git_dirty() ? " dirty" : "", ", ", provenance.compiler(),
                      ", LibTorch ", provenance.libtorch(), ", ", provenance.simd_target());
}

}  // namespace anneal
