#include "server/training/data/idx.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace anneal::training::data {
namespace {

constexpr int64_t kMaxValues = int64_t{1} << 32;
constexpr uint8_t kUnsignedByte = 0x08;

struct CloseGz {
  void operator()(gzFile file) const { gzclose_r(file); }
};
using GzHandle = std::unique_ptr<gzFile_s, CloseGz>;

absl::Status DamagedFile(const std::string& path, absl::string_view what) {
  return absl::DataLossError(absl::StrCat(path, " ", what));
}

// Reads exactly `size` bytes; gzread passes plain files through.
absl::Status ReadBytes(gzFile file, const std::string& path, uint8_t* out, int64_t size) {
  constexpr int64_t kChunk = int64_t{1} << 30;
  for (int64_t done = 0; done < size;) {
    const auto want = static_cast<unsigned>(std::min(kChunk, size - done));
    const int got = gzread(file, out + done, want);
    if (got < 0) {
      int code = 0;
      return DamagedFile(path, absl::StrCat("is damaged: ", gzerror(file, &code)));
    }
    if (got == 0) {
      return DamagedFile(path,
                         absl::StrCat("ends after ", done, " of ", size, " bytes; fetch it again"));
    }
    done += got;
  }
  return absl::OkStatus();
}

int64_t BigEndian(const uint8_t* bytes) {
  return int64_t{bytes[0]} << 24 | int64_t{bytes[1]} << 16 | int64_t{bytes[2]} << 8 | bytes[3];
}

absl::Status ReadHeader(gzFile file, const std::string& path, int dimensions, IdxArray* array) {
  std::vector<uint8_t> header(4 + 4 * static_cast<size_t>(dimensions));
  ANNEAL_RETURN_IF_ERROR(ReadBytes(file, path, header.data(), static_cast<int64_t>(header.size())));
  if (header[0] != 0 || header[1] != 0 || header[2] != kUnsignedByte || header[3] != dimensions) {
    return DamagedFile(path, absl::StrCat("is not an IDX file of unsigned bytes in ", dimensions,
                                          " dimensions (wrong magic number)"));
  }
  int64_t values = 1;
  for (int i = 0; i < dimensions; ++i) {
    const int64_t side = BigEndian(&header[4 + 4 * static_cast<size_t>(i)]);
    if (side < 1 || side > kMaxValues / values) {
      return DamagedFile(path,
                         absl::StrCat("has a dimension of size ", side,
                                      "; sizes are at least 1, and their product at most 2^32"));
    }
    values *= side;
    array->shape.push_back(side);
  }
  array->header.assign(header.begin(), header.end());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<IdxArray> ReadIdx(const std::string& path, int dimensions) {
  const GzHandle file(gzopen(path.c_str(), "rbe"));
  if (file == nullptr) {
    return absl::NotFoundError(absl::StrCat(path, ": ", std::strerror(errno)));
  }
  gzbuffer(file.get(), 1 << 17);
  IdxArray array;
  ANNEAL_RETURN_IF_ERROR(ReadHeader(file.get(), path, dimensions, &array));
  int64_t values = 1;
  for (const int64_t side : array.shape) values *= side;
  // Memory grows with the data actually read, since a damaged header may announce any size.
  constexpr int64_t kStep = int64_t{1} << 24;
  for (int64_t done = 0; done < values;) {
    const int64_t size = std::min(kStep, values - done);
    array.values.resize(static_cast<size_t>(done + size));
    ANNEAL_RETURN_IF_ERROR(ReadBytes(file.get(), path, array.values.data() + done, size));
    done += size;
  }
  // Reading past the last value makes zlib verify the gzip checksum.
  uint8_t extra = 0;
  const int more = gzread(file.get(), &extra, 1);
  int code = Z_OK;
  const char* error = gzerror(file.get(), &code);
  if (more < 0 || (code != Z_OK && code != Z_STREAM_END)) {
    return DamagedFile(path, absl::StrCat("is damaged at its end: ", error, "; fetch it again"));
  }
  if (more > 0) {
    return DamagedFile(
        path, absl::StrCat("continues after the ", values, " values that its header announces"));
  }
  return array;
}

}  // namespace anneal::training::data
