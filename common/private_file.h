// Files that only their owner may read and change: of secrets, or of where secrets are.

#ifndef ANNEAL_COMMON_PRIVATE_FILE_H_
#define ANNEAL_COMMON_PRIVATE_FILE_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace anneal {

// The contents; nothing where there is no such file. FAILED_PRECONDITION: others may read or change
// it, or it is somebody else's (root may read everybody's). Otherwise what the system says.
absl::StatusOr<std::optional<std::string>> ReadPrivateFile(const std::string& path);

// Replaces it as a whole, with mode 0600; it is on disk when this returns. What root writes belongs
// to whom the directory belongs to. Errors: what the system says.
absl::Status WritePrivateFile(const std::string& path, absl::string_view contents);

}  // namespace anneal

#endif  // ANNEAL_COMMON_PRIVATE_FILE_H_
