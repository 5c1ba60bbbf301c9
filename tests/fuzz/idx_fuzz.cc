// Fuzzes IDX files, plain or gzip: the result has as many values as its shape, or DATA_LOSS.

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/training/data/idx.h"
#include "tests/fuzz/require.h"

namespace anneal::fuzz {
namespace {

void Try(const std::string& path, int dimensions) {
  const auto array = training::data::ReadIdx(path, dimensions);
  if (!array.ok()) {
    Require(absl::IsDataLoss(array.status()), "a damaged file is DATA_LOSS");
    return;
  }
  Require(array->shape.size() == static_cast<size_t>(dimensions), "the shape has its dimensions");
  int64_t values = 1;
  for (const int64_t side : array->shape) values *= side;
  Require(values == static_cast<int64_t>(array->values.size()), "the shape has its values");
}

}  // namespace
}  // namespace anneal::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const int file = ::memfd_create("idx", MFD_CLOEXEC);
  anneal::fuzz::Require(file >= 0 && ::write(file, data, size) == static_cast<ssize_t>(size),
                        "there is memory for a file");
  const std::string path = absl::StrCat("/proc/self/fd/", file);
  for (const int dimensions : {1, 3}) anneal::fuzz::Try(path, dimensions);
  ::close(file);
  return 0;
}
