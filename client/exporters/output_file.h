// `OutputFile` writes a file atomically: readers see the old contents or the complete new ones.

#ifndef ANNEAL_CLIENT_EXPORTERS_OUTPUT_FILE_H_
#define ANNEAL_CLIENT_EXPORTERS_OUTPUT_FILE_H_

#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace anneal::client::exporters {

// Writes to a temporary file in the same directory and renames it when finished; destruction before
// that removes it. Not thread-safe.
class OutputFile {
 public:
  // Opens the temporary file; `status` reports a failure. `option` is the command-line option that
  // named the file.
  OutputFile(absl::string_view option, std::string path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void Write(absl::string_view text);
  // Returns the first error so far: INVALID_ARGUMENT naming the option if the file could not be
  // opened, otherwise the system's error, naming the file.
  absl::Status status() const;
  // Renames the file to its final path. Errors: those of `status`.
  absl::Status Finish();

 private:
  const std::string path_;
  const std::string temporary_;
  std::ofstream stream_;
  absl::Status opened_;
  int error_ = 0;  // errno of the first failure
};

// Creates a directory and its parents. INVALID_ARGUMENT naming `option`.
absl::Status MakeDirectory(absl::string_view option, const std::string& path);

}  // namespace anneal::client::exporters

#endif  // ANNEAL_CLIENT_EXPORTERS_OUTPUT_FILE_H_
