#include "server/store/checkpoint_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "common/sha256.h"
#include "common/status.h"
#include "server/store/fault_point.h"

namespace anneal::store {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirectoryMode = 0700;
constexpr std::streamsize kPiece = 1 << 20;

absl::Status Failed(absl::string_view what, const std::string& path, int error) {
  const std::string message = absl::StrCat("cannot ", what, " ", path, ": ", strerror(error));
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return WithReason(absl::ResourceExhaustedError(absl::StrCat(message, "; make room")),
                        v1::ERROR_REASON_STORAGE_FULL);
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(message);
    default:
      return absl::UnavailableError(message);
  }
}

absl::Status SyncDirectory(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return Failed("open", path, errno);
  const int error = fsync(descriptor) == 0 ? 0 : errno;
  close(descriptor);
  return error == 0 ? absl::OkStatus() : Failed("sync", path, error);
}

// Creates a directory durably: it survives a crash.
absl::Status MakeDirectory(const std::string& path) {
  if (mkdir(path.c_str(), kDirectoryMode) == 0) {
    return SyncDirectory(fs::path(path).parent_path().string());
  }
  if (errno == EEXIST) return absl::OkStatus();
  if (errno != ENOENT) return Failed("create", path, errno);
  ANNEAL_RETURN_IF_ERROR(MakeDirectory(fs::path(path).parent_path().string()));
  return MakeDirectory(path);
}

absl::Status WriteAndSync(const std::string& path, absl::string_view contents) {
  const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kFileMode);
  if (descriptor < 0) return Failed("create", path, errno);
  const absl::Cleanup closer = [descriptor] { close(descriptor); };
  FaultPoint("checkpoint.created");
  while (!contents.empty()) {
    const ssize_t written = write(descriptor, contents.data(), contents.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed("write", path, errno);
    contents.remove_prefix(static_cast<size_t>(written));
  }
  FaultPoint("checkpoint.written");
  return fsync(descriptor) == 0 ? absl::OkStatus() : Failed("sync", path, errno);
}

std::string Digest(absl::string_view contents) {
  Sha256 hash;
  hash.Update(contents);
  return hash.HexDigest();
}

}  // namespace

absl::StatusOr<CheckpointFile> CheckpointFiles::Write(const std::string& name,
                                                      absl::string_view contents) const {
  const std::string target = path(name);
  const std::string temporary = target + ".tmp";
  const std::string parent = fs::path(target).parent_path().string();
  ANNEAL_RETURN_IF_ERROR(MakeDirectory(parent));
  FaultPoint("checkpoint.begun");
  if (absl::Status status = WriteAndSync(temporary, contents); !status.ok()) {
    unlink(temporary.c_str());
    return status;
  }
  FaultPoint("checkpoint.synced");
  if (rename(temporary.c_str(), target.c_str()) != 0) {
    const int error = errno;
    unlink(temporary.c_str());
    return Failed("rename", temporary, error);
  }
  FaultPoint("checkpoint.renamed");
  ANNEAL_RETURN_IF_ERROR(SyncDirectory(parent));
  FaultPoint("checkpoint.directory_synced");
  return CheckpointFile{
      .name = name, .bytes = static_cast<int64_t>(contents.size()), .sha256 = Digest(contents)};
}

absl::StatusOr<std::ifstream> CheckpointFiles::Open(const CheckpointFile& file) const {
  const std::string whole = path(file.name);
  std::ifstream stream(whole, std::ios::binary);
  if (!stream && errno != ENOENT) return Failed("open", whole, errno);
  Sha256 hash;
  int64_t bytes = 0;
  std::string piece(kPiece, '\0');
  while (stream.read(piece.data(), kPiece) || stream.gcount() > 0) {
    hash.Update(absl::string_view(piece).substr(0, static_cast<size_t>(stream.gcount())));
    bytes += stream.gcount();
  }
  if (bytes != file.bytes || hash.HexDigest() != file.sha256) {
    return absl::DataLossError(absl::StrCat("checkpoint ", whole, " is damaged: it has ", bytes,
                                            " of ", file.bytes, " bytes, or another SHA-256"));
  }
  stream.clear();
  stream.seekg(0);
  return stream;
}

absl::StatusOr<std::string> CheckpointFiles::Read(const CheckpointFile& file) const {
  ANNEAL_ASSIGN_OR_RETURN(std::ifstream stream, Open(file));
  std::string contents(static_cast<size_t>(file.bytes), '\0');
  if (stream.read(contents.data(), file.bytes)) return contents;
  return Failed("read", path(file.name), errno);
}

void CheckpointFiles::Remove(const CheckpointFile& file) const {
  std::error_code ignored;
  const fs::path whole = path(file.name);
  fs::remove(whole, ignored);
  fs::remove(whole.parent_path(), ignored);
}

void CheckpointFiles::RemoveAll(const std::string& experiment_id) const {
  std::error_code ignored;
  fs::remove_all(path(experiment_id), ignored);
}

void CheckpointFiles::Sweep(const std::string& run_directory,
                            const std::vector<std::string>& keep) const {
  std::error_code error;
  std::vector<fs::path> rubbish;
  for (const fs::directory_entry& entry : fs::directory_iterator(path(run_directory), error)) {
    const std::string name = absl::StrCat(run_directory, "/", entry.path().filename().string());
    if (std::find(keep.begin(), keep.end(), name) == keep.end()) rubbish.push_back(entry.path());
  }
  for (const fs::path& file : rubbish) fs::remove(file, error);
  if (!keep.empty()) return;
  fs::remove(path(run_directory), error);
}

}  // namespace anneal::store
