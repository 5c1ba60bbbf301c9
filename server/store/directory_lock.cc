#include "server/store/directory_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace anneal::store {
namespace {

absl::Status SystemError(const std::string& path, int error) {
  return absl::PermissionDeniedError(absl::StrCat(path, ": ", std::strerror(error)));
}

absl::Status MakeDataDirectory(const std::filesystem::path& directory) {
  if (std::error_code error; std::filesystem::is_directory(directory, error)) {
    return absl::OkStatus();
  }
  if (directory.has_parent_path() && directory != directory.parent_path()) {
    ANNEAL_RETURN_IF_ERROR(MakeDataDirectory(directory.parent_path()));
  }
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return SystemError(directory.string(), errno);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<DirectoryLock>> DirectoryLock::Take(const std::string& directory) {
  ANNEAL_RETURN_IF_ERROR(MakeDataDirectory(directory));
  const std::string path = absl::StrCat(directory, "/lock");
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return SystemError(path, errno);
  std::unique_ptr<DirectoryLock> lock(new DirectoryLock(descriptor));
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return SystemError(path, errno);
    return absl::FailedPreconditionError(absl::StrCat(
        directory, " is in use by another anneald; stop it, or name another --data-dir"));
  }
  return lock;
}

DirectoryLock::~DirectoryLock() { ::close(descriptor_); }

}  // namespace anneal::store
