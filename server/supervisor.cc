#include "server/supervisor.h"

#include <spdlog/spdlog.h>
#include <systemd/sd-daemon.h>

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace anneal {

Supervisor::Supervisor(std::function<absl::Status()> check) : check_(std::move(check)) {
  ::sd_notify(/*unset_environment=*/0, "READY=1");
  uint64_t micros = 0;
  if (::sd_watchdog_enabled(/*unset_environment=*/0, &micros) <= 0) return;
  thread_ = std::thread([this, micros] { FeedWatchdog(std::chrono::microseconds(micros / 2)); });
}

Supervisor::~Supervisor() {
  ::sd_notify(/*unset_environment=*/0, "STOPPING=1");
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
}

void Supervisor::FeedWatchdog(std::chrono::microseconds period) {
  while (true) {
    const absl::Status status = check_();
    if (status.ok()) {
      ::sd_notify(/*unset_environment=*/0, "WATCHDOG=1");
    } else {
      spdlog::error(
          absl::StrCat("the health check failed, the watchdog is not fed: ", status.message()));
    }
    const auto next = std::chrono::steady_clock::now() + period;
    MutexLock lock(&mutex_);
    while (!stopping_ && std::chrono::steady_clock::now() < next) {
      changed_.WaitFor(&mutex_, std::chrono::duration_cast<std::chrono::milliseconds>(period));
    }
    if (stopping_) return;
  }
}

}  // namespace anneal
