// Files that are there whole or not at all.

#ifndef ANNEAL_CLIENT_EXPORTERS_OUTPUT_FILE_H_
#define ANNEAL_CLIENT_EXPORTERS_OUTPUT_FILE_H_

#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace anneal::client::exporters {

// Writes beside its place, and moves there when it is finished: what was there before stays until
// then. Removes what is unfinished. Not thread-safe.
class OutputFile {
 public:
  // Opens, or remembers why that failed. `option` is what the user named it with.
  OutputFile(absl::string_view option, std::string path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void Write(absl::string_view text);
  // Whether all went well so far. INVALID_ARGUMENT naming the option if the file could not be
  // opened; otherwise what the system said, naming the file.
  absl::Status status() const;
  // Moves the file to its place. Errors likewise.
  absl::Status Finish();

 private:
  const std::string path_;
  const std::string temporary_;
  std::ofstream stream_;
  absl::Status opened_;
  int error_ = 0;  // errno of the first failure
};

// Makes a directory, and those that it is in. INVALID_ARGUMENT naming `option`.
absl::Status MakeDirectory(absl::string_view option, const std::string& path);

}  // namespace anneal::client::exporters

#endif  // ANNEAL_CLIENT_EXPORTERS_OUTPUT_FILE_H_
