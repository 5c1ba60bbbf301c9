#include "client/exporters/output_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace anneal::client::exporters {

OutputFile::OutputFile(absl::string_view option, std::string path)
    : path_(std::move(path)),
      temporary_(absl::StrCat(path_, ".", ::getpid(), ".part")),
      stream_(temporary_, std::ios::binary | std::ios::trunc) {
  if (stream_) return;
  error_ = errno;
  opened_ = InvalidField(
      option, absl::StrCat("is ", path_, ", which cannot be created: ", std::strerror(error_)));
}

OutputFile::~OutputFile() {
  stream_.close();
  std::remove(temporary_.c_str());  // already renamed after success
}

void OutputFile::Write(absl::string_view text) {
  if (error_ != 0) return;
  stream_.write(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream_) error_ = errno;
}

absl::Status OutputFile::status() const {
  if (!opened_.ok() || error_ == 0) return opened_;
  return absl::ErrnoToStatus(error_, absl::StrCat("cannot write ", path_));
}

absl::Status OutputFile::Finish() {
  stream_.close();
  if (error_ == 0 && !stream_) error_ = errno;
  if (error_ == 0 && std::rename(temporary_.c_str(), path_.c_str()) != 0) error_ = errno;
  return status();
}

absl::Status MakeDirectory(absl::string_view option, const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error) return absl::OkStatus();
  return InvalidField(option,
                      absl::StrCat("is ", path, ", which cannot be created: ", error.message()));
}

}  // namespace anneal::client::exporters
