#include "server/workers/thread_executor.h"

#include <sched.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/provenance.h"
#include "server/telemetry/log.h"
#include "server/training/make_engine.h"
#include "server/training/provenance.h"
#include "server/training/trainer.h"
#include "server/workers/courier.h"

namespace anneal::workers {
namespace {

v1::RunEnd InvalidData(const absl::Status& status) {
  v1::RunEnd end;
  end.mutable_failure()->set_reason(v1::FAILURE_REASON_INVALID_DATA);
  end.mutable_failure()->set_message(std::string(status.message()));
  return end;
}

// Lowers the priority of the calling thread, which threads that it starts inherit: with as many
// workers as processors, requests would otherwise queue behind training.
void YieldToServing() {
  constexpr int kNice = 10;
  if (setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice) != 0) {
    spdlog::warn(absl::StrCat("cannot lower the priority of a worker: ", std::strerror(errno)));
  }
}

// Pins the calling thread to the `number`th of its allowed processors during the object's lifetime.
class Pin {
 public:
  explicit Pin(int number) {
    cpu_set_t one;
    CPU_ZERO(&one);
    Check(sched_getaffinity(0, sizeof(allowed_), &allowed_));
    for (int processor = 0; processor < CPU_SETSIZE; ++processor) {
      if (!CPU_ISSET(processor, &allowed_) || number-- > 0) continue;
      CPU_SET(processor, &one);
      break;
    }
    Check(sched_setaffinity(0, sizeof(one), &one));
  }
  ~Pin() { Check(sched_setaffinity(0, sizeof(allowed_), &allowed_)); }
  Pin(const Pin&) = delete;
  Pin& operator=(const Pin&) = delete;

 private:
  static void Check(int result) {
    if (result != 0) spdlog::warn(absl::StrCat("cannot pin a worker: ", std::strerror(errno)));
  }

  cpu_set_t allowed_;
};

}  // namespace

ThreadExecutor::ThreadExecutor(int workers, bool pin, training::data::DatasetRegistry* datasets)
    : workers_(workers), pin_(pin), datasets_(datasets) {}

ThreadExecutor::~ThreadExecutor() { Shutdown(); }

void ThreadExecutor::Begin(ReportReceiver* receiver) {
  receiver_ = receiver;
  for (int i = 0; i < workers_; ++i) threads_.emplace_back([this, i] { Work(i); });
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

std::string ThreadExecutor::kind() const { return KindOf(training::ThisProvenance()); }

bool ThreadExecutor::Has(int64_t run_id) const {
  MutexLock lock(&mutex_);
  return active_.contains(run_id);
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

void ThreadExecutor::Work(int worker) {
  training::PrepareTrainingThread();
  YieldToServing();
  v1::RunAssignment assignment;
  std::stop_token stop;
  while (Take(&assignment, &stop)) {
    Execute(worker, assignment, stop);
    {
      MutexLock lock(&mutex_);
      active_.erase(assignment.run_id());
    }
    receiver_->OnIdle();
  }
}

bool ThreadExecutor::Take(v1::RunAssignment* assignment, std::stop_token* stop) {
  MutexLock lock(&mutex_);
  while (waiting_.empty() && !closing_) wake_.Wait(&mutex_);
  // A run that was started just before the shutdown is still taken: it reports that it stopped.
  if (waiting_.empty()) return false;
  *assignment = std::move(waiting_.front());
  waiting_.pop_front();
  *stop = active_.at(assignment->run_id()).get_token();
  return true;
}

void ThreadExecutor::Execute(int worker, const v1::RunAssignment& assignment,
                             const std::stop_token& stop) {
  const telemetry::LogField run("run", assignment.name());
  Courier courier(receiver_);
  // After the courier, whose thread would inherit the pinning.
  std::optional<Pin> pin;
  if (pin_) pin.emplace(worker);
  const auto send = [&courier, run_id = assignment.run_id()](auto set) {
    v1::RunReport report;
    report.set_run_id(run_id);
    set(&report);
    return courier.Send(std::move(report));
  };
  const training::TrainingObserver observer = {
      .on_started =
          [&send](v1::RunStarted started) {
            return send([&](v1::RunReport* r) { *r->mutable_started() = std::move(started); });
          },
      .on_epoch =
          [&send](v1::EpochReport epoch) {
            return send([&](v1::RunReport* r) { *r->mutable_epoch() = std::move(epoch); });
          },
      .on_checkpoint =
          [&send](v1::Checkpoint checkpoint) {
            return send(
                [&](v1::RunReport* r) { *r->mutable_checkpoint() = std::move(checkpoint); });
          }};
  const auto dataset = datasets_->Get(assignment.config().dataset().name());
  absl::StatusOr<v1::RunEnd> end = dataset.ok()
                                       ? training::Train(assignment, **dataset, observer, stop)
                                       : absl::StatusOr<v1::RunEnd>(InvalidData(dataset.status()));
  absl::Status status = end.status();
  if (status.ok()) {
    status = send([&](v1::RunReport* report) { *report->mutable_end() = *std::move(end); });
  }
  if (status.ok()) status = courier.Drain();
  if (!status.ok()) {
    spdlog::info(absl::StrCat("the worker left the run: ", status.message()));
  }
}

}  // namespace anneal::workers
