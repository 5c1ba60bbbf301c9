// `NpzFile` writes arrays as NumPy's NPZ, which numpy.load reads: a zip archive of one .npy file
// for each array.

#ifndef ANNEAL_CLIENT_EXPORTERS_NPZ_H_
#define ANNEAL_CLIENT_EXPORTERS_NPZ_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "client/exporters/output_file.h"

namespace anneal::client::exporters {

// Returns a .npy file, version 1.0, of a one-dimensional array of little-endian int32:
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html . Pure; thread-safe.
std::string Npy(absl::Span<const int32_t> values);

// The members are stored without compression, and dated 1980, so that equal arrays give equal
// files. Format: PKWARE's APPNOTE.TXT, version 2.0, without its 64-bit extension. Not thread-safe.
class NpzFile {
 public:
  // Opens the file; see OutputFile.
  NpzFile(absl::string_view option, const std::string& path) : file_(option, path) {}

  // Appends an array, whose name must be new and of ASCII. Returns the errors of
  // OutputFile::status; OUT_OF_RANGE if the archive exceeds 65,534 arrays or 4 GiB.
  absl::Status Add(absl::string_view name, absl::Span<const int32_t> values);

  // Writes the directory of the archive and renames the file to its final path.
  absl::Status Finish();

 private:
  OutputFile file_;
  std::string directory_;  // the entries of the members so far
  uint64_t offset_ = 0;    // of the next member
  uint64_t members_ = 0;
};

}  // namespace anneal::client::exporters

#endif  // ANNEAL_CLIENT_EXPORTERS_NPZ_H_
