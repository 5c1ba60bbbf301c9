#include "server/executor/thread_executor.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "server/training/engine.h"
#include "server/training/trainer.h"

namespace anneal::executor {
namespace {

v1::RunReport EndReport(int64_t run_id, v1::RunEnd end) {
  v1::RunReport report;
  report.set_run_id(run_id);
  *report.mutable_end() = std::move(end);
  return report;
}

v1::RunEnd InvalidData(const absl::Status& status) {
  v1::RunEnd end;
  end.mutable_failure()->set_reason(v1::FAILURE_REASON_INVALID_DATA);
  end.mutable_failure()->set_message(std::string(status.message()));
  return end;
}

}  // namespace

ThreadExecutor::ThreadExecutor(int workers, training::DatasetRegistry* datasets)
    : workers_(workers), datasets_(datasets) {}

ThreadExecutor::~ThreadExecutor() { Shutdown(); }

void ThreadExecutor::Begin(Listener* listener) {
  listener_ = listener;
  for (int i = 0; i < workers_; ++i) threads_.emplace_back([this] { Work(); });
}

int ThreadExecutor::idle_workers() const {
  MutexLock lock(&mutex_);
  return closing_ ? 0 : workers_ - static_cast<int>(active_.size());
}

void ThreadExecutor::Start(v1::RunAssignment assignment) {
  MutexLock lock(&mutex_);
  active_.emplace(assignment.run_id(), std::stop_source());
  waiting_.push_back(std::move(assignment));
  wake_.Signal();
}

void ThreadExecutor::RequestStop(int64_t run_id) {
  MutexLock lock(&mutex_);
  if (const auto found = active_.find(run_id); found != active_.end()) {
    found->second.request_stop();
  }
}

void ThreadExecutor::Shutdown() {
  {
    MutexLock lock(&mutex_);
    closing_ = true;
    for (auto& [run_id, stop] : active_) stop.request_stop();
    wake_.SignalAll();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void ThreadExecutor::Work() {
  training::PrepareTrainingThread();
  v1::RunAssignment assignment;
  std::stop_token stop;
  while (Take(&assignment, &stop)) {
    Execute(assignment, stop);
    {
      MutexLock lock(&mutex_);
      active_.erase(assignment.run_id());
    }
    listener_->OnIdle();
  }
}

bool ThreadExecutor::Take(v1::RunAssignment* assignment, std::stop_token* stop) {
  MutexLock lock(&mutex_);
  while (waiting_.empty() && !closing_) wake_.Wait(&mutex_);
  // A run that was handed in just before shutdown is still taken: it reports that it stopped.
  if (waiting_.empty()) return false;
  *assignment = std::move(waiting_.front());
  waiting_.pop_front();
  *stop = active_.at(assignment->run_id()).get_token();
  return true;
}

void ThreadExecutor::Execute(const v1::RunAssignment& assignment, const std::stop_token& stop) {
  const int64_t run_id = assignment.run_id();
  const auto deliver = [this, run_id](auto set) {
    v1::RunReport report;
    report.set_run_id(run_id);
    set(&report);
    return listener_->OnReport(report);
  };
  const training::TrainingObserver observer = {
      .on_started =
          [&deliver](const v1::RunStarted& started) {
            return deliver([&](v1::RunReport* report) { *report->mutable_started() = started; });
          },
      .on_epoch =
          [&deliver](const v1::EpochReport& epoch) {
            return deliver([&](v1::RunReport* report) { *report->mutable_epoch() = epoch; });
          }};
  const auto dataset = datasets_->Get(assignment.config().dataset().name());
  absl::StatusOr<v1::RunEnd> end = dataset.ok()
                                       ? training::Train(assignment, **dataset, observer, stop)
                                       : absl::StatusOr<v1::RunEnd>(InvalidData(dataset.status()));
  const absl::Status status =
      end.ok() ? listener_->OnReport(EndReport(run_id, *std::move(end))) : end.status();
  if (!status.ok()) {
    spdlog::info("{}: left: {}", assignment.name(), std::string(status.message()));
  }
}

}  // namespace anneal::executor
