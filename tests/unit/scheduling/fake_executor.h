// `FakeExecutor` is an executor without training: a test plays its workers.

#ifndef ANNEAL_TESTS_UNIT_SCHEDULING_FAKE_EXECUTOR_H_
#define ANNEAL_TESTS_UNIT_SCHEDULING_FAKE_EXECUTOR_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "common/mutex.h"
#include "server/workers/executor.h"

namespace anneal::scheduling {

// Thread-safe.
class FakeExecutor final : public workers::Executor {
 public:
  explicit FakeExecutor(int workers) : workers_(workers) {}

  void Begin(workers::ReportReceiver* receiver) override { receiver_ = receiver; }
  int workers() const override { return workers_; }
  std::string kind() const override { return kind_; }
  // Empty, the kind of what records none, unless a test sets it.
  void set_kind(const std::string& kind) { kind_ = kind; }
  // The dispatcher asks once each time that it looks at the queue.
  int idle_workers() const override ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    ++looks_;
    changed_.SignalAll();
    return workers_ - static_cast<int>(stop_requested_.size());
  }
  bool Has(int64_t run_id) const override ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    return stop_requested_.contains(run_id);
  }
  void Start(v1::RunAssignment assignment) override ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    if (stop_requested_.contains(assignment.run_id())) ++violations_;
    if (static_cast<int>(stop_requested_.size()) >= workers_ || shutdowns_ > 0) ++violations_;
    stop_requested_[assignment.run_id()] = false;
    started_.push_back(std::move(assignment));
    changed_.SignalAll();
  }
  void RequestStop(int64_t run_id) override ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    if (const auto found = stop_requested_.find(run_id); found != stop_requested_.end()) {
      found->second = true;
    }
  }
  // Stops every run that a worker holds, as a real executor does.
  void Shutdown() override ABSL_LOCKS_EXCLUDED(mutex_) {
    std::vector<int64_t> held;
    {
      MutexLock lock(&mutex_);
      ++shutdowns_;
      for (const auto& [run, stop] : stop_requested_) held.push_back(run);
      stop_requested_.clear();
    }
    for (const int64_t run : held) {
      v1::RunReport report;
      report.set_run_id(run);
      report.mutable_end()->set_stopped(true);
      shutdown_results_.push_back(receiver_->OnReport(report));
    }
  }

  // Control functions for tests:

  // Blocks until the dispatcher has given out `count` runs in all; returns them in order. Returns
  // fewer after half a minute.
  std::vector<v1::RunAssignment> WaitForStarts(size_t count) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    const auto end = Deadline();
    while (started_.size() < count && std::chrono::steady_clock::now() < end) {
      changed_.WaitFor(&mutex_, std::chrono::milliseconds(1000));
    }
    return started_;
  }
  std::vector<v1::RunAssignment> started() const ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    return started_;
  }

  // Blocks until a pass over the queue that began after this call has ended. `wake` makes the
  // dispatcher look. Returns false after half a minute.
  bool WaitForLook(const std::function<void()>& wake) ABSL_LOCKS_EXCLUDED(mutex_) {
    // The dispatcher's passes are sequential: when the third begins, the second, which began after
    // the call, has ended.
    for (int i = 0; i < 3; ++i) {
      int64_t before = 0;
      {
        MutexLock lock(&mutex_);
        before = looks_;
      }
      wake();
      MutexLock lock(&mutex_);
      const auto end = Deadline();
      while (looks_ == before) {
        if (std::chrono::steady_clock::now() >= end) return false;
        changed_.WaitFor(&mutex_, std::chrono::milliseconds(1000));
      }
    }
    return true;
  }

  absl::Status Report(const v1::RunReport& report) { return receiver_->OnReport(report); }

  // A worker leaves its run and becomes idle.
  void Leave(int64_t run_id) ABSL_LOCKS_EXCLUDED(mutex_) {
    {
      MutexLock lock(&mutex_);
      stop_requested_.erase(run_id);
    }
    receiver_->OnIdle();
  }

  // Returns true if a worker holds the run and was asked to stop it.
  bool WasAskedToStop(int64_t run_id) const ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    const auto found = stop_requested_.find(run_id);
    return found != stop_requested_.end() && found->second;
  }
  int shutdowns() const ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    return shutdowns_;
  }
  // The results of the reports that Shutdown made.
  const std::vector<absl::Status>& shutdown_results() const { return shutdown_results_; }
  // Calls of Start that break the contract of Executor.
  int violations() const ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    return violations_;
  }

 private:
  static std::chrono::steady_clock::time_point Deadline() {
    return std::chrono::steady_clock::now() + std::chrono::seconds(30);
  }

  const int workers_;
  std::string kind_;
  workers::ReportReceiver* receiver_ = nullptr;
  std::vector<absl::Status> shutdown_results_;

  mutable Mutex mutex_;
  mutable CondVar changed_;
  mutable int64_t looks_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<int64_t, bool> stop_requested_ ABSL_GUARDED_BY(mutex_);  // of the runs held
  std::vector<v1::RunAssignment> started_ ABSL_GUARDED_BY(mutex_);
  int shutdowns_ ABSL_GUARDED_BY(mutex_) = 0;
  int violations_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace anneal::scheduling

#endif  // ANNEAL_TESTS_UNIT_SCHEDULING_FAKE_EXECUTOR_H_
