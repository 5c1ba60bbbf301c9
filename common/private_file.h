// These functions read and write files that only their owner may access: secrets, and paths to
// secrets.

#ifndef ANNEAL_COMMON_PRIVATE_FILE_H_
#define ANNEAL_COMMON_PRIVATE_FILE_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace anneal {

// Returns the contents, or nothing if the file does not exist. FAILED_PRECONDITION: others may read
// or write the file, or another user owns it (root may read any). Otherwise the system's error.
absl::StatusOr<std::optional<std::string>> ReadPrivateFile(const std::string& path);

// Replaces the file atomically and durably, with mode 0600. Files that root writes are owned by the
// owner of the directory. Returns the system's error.
absl::Status WritePrivateFile(const std::string& path, absl::string_view contents);

}  // namespace anneal

#endif  // ANNEAL_COMMON_PRIVATE_FILE_H_
