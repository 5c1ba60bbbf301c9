#include "common/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace anneal {
namespace {

bool WriteAll(int descriptor, absl::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0) return false;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool GiveToOwnerOfDirectory(int descriptor, int directory) {
  struct stat info {};
  return ::geteuid() != 0 ||
         (::fstat(directory, &info) == 0 && ::fchown(descriptor, info.st_uid, info.st_gid) == 0);
}

}  // namespace

absl::StatusOr<std::optional<std::string>> ReadPrivateFile(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot read ", path));
  }
  if ((info.st_mode & 077) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("others may read or change ", path, "; make it private: chmod 600 ", path));
  }
  if (info.st_uid != ::geteuid() && ::geteuid() != 0) {
    return absl::FailedPreconditionError(absl::StrCat(path, " belongs to another user"));
  }
  std::ifstream file(path);
  std::string contents{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file) return absl::ErrnoToStatus(errno, absl::StrCat("cannot read ", path));
  return contents;
}

absl::Status WritePrivateFile(const std::string& path, absl::string_view contents) {
  const auto failed = [&path] {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", path));
  };
  const int directory = ::open(DirectoryOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return failed();
  const absl::Cleanup close_directory = [directory] { ::close(directory); };
  std::string temporary = absl::StrCat(path, ".XXXXXX");
  const int descriptor = ::mkostemp(temporary.data(), O_CLOEXEC);  // with mode 0600
  if (descriptor < 0) return failed();
  const absl::Cleanup remove = [&temporary] { ::unlink(temporary.c_str()); };
  const bool written = GiveToOwnerOfDirectory(descriptor, directory) &&
                       WriteAll(descriptor, contents) && ::fsync(descriptor) == 0;
  const absl::Status status = written ? absl::OkStatus() : failed();
  ::close(descriptor);
  ANNEAL_RETURN_IF_ERROR(status);
  const bool placed = ::rename(temporary.c_str(), path.c_str()) == 0 && ::fsync(directory) == 0;
  return placed ? absl::OkStatus() : failed();
}

}  // namespace anneal
