#include "server/store/reserve.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace anneal::store {
namespace {

constexpr std::chrono::seconds kPause(1);
constexpr mode_t kOwnerOnly = 0600;

}  // namespace

Reserve::Reserve(std::string path, int64_t bytes) : path_(std::move(path)), bytes_(bytes) {
  // The reserve was disabled since the last start.
  if (bytes_ == 0) ::unlink(path_.c_str());
  Fill();
}

void Reserve::Fill() {
  if (is_filled_ || bytes_ == 0) return;
  if (failed_.has_value() && Clock::now() - *failed_ < kPause) return;
  const int file = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kOwnerOnly);
  if (file >= 0) {
    is_filled_ = ::ftruncate(file, bytes_) == 0 && ::posix_fallocate(file, 0, bytes_) == 0;
    ::close(file);
  }
  failed_.reset();
  if (is_filled_) return;
  // A partial reserve would not suffice and would only take space.
  ::unlink(path_.c_str());
  failed_ = Clock::now();
}

bool Reserve::Release() {
  if (!is_filled_) return false;
  is_filled_ = false;
  return ::unlink(path_.c_str()) == 0;
}

}  // namespace anneal::store
