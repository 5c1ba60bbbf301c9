#include "server/storage_monitor.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace anneal {
namespace {

constexpr std::chrono::milliseconds kProbePause(1000);

}  // namespace

StorageMonitor::~StorageMonitor() { Stop(); }

void StorageMonitor::Begin(std::function<void()> probe,
                           std::function<void(bool healthy)> on_change) {
  probe_ = std::move(probe);
  on_change_ = std::move(on_change);
  thread_ = std::thread([this] { Watch(); });
}

void StorageMonitor::Stop() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
}

void StorageMonitor::OnCommit(const absl::Status& status) {
  MutexLock lock(&mutex_);
  if (last_.ok() != status.ok()) changed_.SignalAll();
  last_ = status;
}

bool StorageMonitor::healthy() const {
  MutexLock lock(&mutex_);
  return last_.ok();
}

void StorageMonitor::Watch() {
  bool reported = false;  // the last argument of on_change_
  bool was_healthy = false;
  while (true) {
    absl::Status status;
    {
      MutexLock lock(&mutex_);
      while (!stopping_ && last_.ok() && reported) changed_.Wait(&mutex_);
      if (stopping_) return;
      status = last_;
    }
    if (status.ok() != reported) {
      reported = status.ok();
      if (!reported) {
        spdlog::error(absl::StrCat("the database refuses writes: ", status.message()));
      } else if (std::exchange(was_healthy, true)) {
        spdlog::info("the database accepts writes again");
      }
      on_change_(reported);
      continue;
    }
    probe_();
    MutexLock lock(&mutex_);
    if (!stopping_ && !last_.ok()) changed_.WaitFor(&mutex_, kProbePause);
  }
}

}  // namespace anneal
