#include "server/scheduling/disk_retry.h"

#include <spdlog/spdlog.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace anneal::scheduling {

bool IsDiskError(const absl::Status& status) {
  return absl::IsResourceExhausted(status) || absl::IsUnavailable(status) ||
         absl::IsInternal(status) || absl::IsDataLoss(status) || absl::IsPermissionDenied(status);
}

absl::Status DiskRetry::Run(const std::function<absl::Status()>& function) {
  bool logged = false;
  while (true) {
    absl::Status status = function();
    if (!IsDiskError(status)) return status;
    if (!std::exchange(logged, true)) {
      spdlog::error(absl::StrCat("cannot write; training waits until the disk accepts writes: ",
                                 status.message()));
    }
    if (!Pause()) return status;
  }
}

void DiskRetry::GiveUp() {
  MutexLock lock(&mutex_);
  given_up_ = true;
  changed_.SignalAll();
}

bool DiskRetry::Pause() {
  MutexLock lock(&mutex_);
  if (!given_up_) changed_.WaitFor(&mutex_, pause_);
  return !given_up_;
}

}  // namespace anneal::scheduling
