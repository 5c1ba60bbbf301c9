#include "server/workers/courier.h"

#include <utility>

namespace anneal::workers {

Courier::Courier(ReportReceiver* receiver) : receiver_(receiver), thread_([this] { Loop(); }) {}

Courier::~Courier() {
  {
    MutexLock lock(&mutex_);
    closing_ = true;
    changed_.SignalAll();
  }
  thread_.join();
}

absl::Status Courier::Send(v1::RunReport report) {
  MutexLock lock(&mutex_);
  while (waiting_.has_value() && status_.ok()) changed_.Wait(&mutex_);
  if (!status_.ok()) return status_;
  waiting_ = std::move(report);
  changed_.SignalAll();
  return absl::OkStatus();
}

absl::Status Courier::Drain() {
  MutexLock lock(&mutex_);
  while ((waiting_.has_value() || delivering_) && status_.ok()) changed_.Wait(&mutex_);
  return status_;
}

void Courier::Loop() {
  while (true) {
    v1::RunReport report;
    {
      MutexLock lock(&mutex_);
      while (!waiting_.has_value() && !closing_) changed_.Wait(&mutex_);
      if (closing_) return;
      report = *std::exchange(waiting_, std::nullopt);
      delivering_ = true;
      changed_.SignalAll();
    }
    absl::Status status = receiver_->OnReport(report);
    MutexLock lock(&mutex_);
    delivering_ = false;
    status_ = std::move(status);
    changed_.SignalAll();
    if (!status_.ok()) return;
  }
}

}  // namespace anneal::workers
