#include "server/executor/dispatcher.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/enum_name.h"
#include "common/run_state.h"
#include "common/status.h"
#include "server/queue/policy.h"
#include "server/store/event_store.h"
#include "server/store/experiment_store.h"
#include "server/store/run_store.h"
#include "server/store/test_result_store.h"

namespace anneal::executor {
namespace {

constexpr std::chrono::milliseconds kRetryPause(1000);

// Stores what a run ended with. `run` is RUNNING.
absl::Status RecordEnd(store::Transaction& transaction, int64_t run, const v1::RunEnd& end,
                       int64_t now) {
  switch (end.outcome_case()) {
    case v1::RunEnd::kCompleted:
      for (const v1::TestResult& result : end.completed().test_results()) {
        ANNEAL_RETURN_IF_ERROR(store::InsertTestResult(transaction, run, result));
      }
      return store::ChangeRunState(transaction, run, v1::RUN_STATE_SUCCEEDED, now);
    case v1::RunEnd::kFailure:
      return store::ChangeRunState(transaction, run, v1::RUN_STATE_FAILED, now, end.failure());
    default:
      return store::ChangeRunState(transaction, run, v1::RUN_STATE_PENDING, now);
  }
}

// A run that is not RUNNING any more was cancelled: what its worker still says does not count.
absl::Status Record(store::Transaction& transaction, const v1::RunReport& report, int64_t now) {
  const int64_t run = report.run_id();
  ANNEAL_ASSIGN_OR_RETURN(const v1::RunState state, store::GetRunState(transaction.db(), run));
  if (state != v1::RUN_STATE_RUNNING) {
    return absl::CancelledError(absl::StrCat("the run is ", EnumName(state)));
  }
  switch (report.kind_case()) {
    case v1::RunReport::kStarted:
      return store::RecordStart(transaction, run, report.started());
    case v1::RunReport::kEpoch:
      return store::RecordEpoch(transaction, run, now, report.epoch());
    default:
      return RecordEnd(transaction, run, report.end(), now);
  }
}

// Errors of the disk, which may pass, rather than of what is to be written.
bool IsStorage(const absl::Status& status) {
  return absl::IsResourceExhausted(status) || absl::IsUnavailable(status) ||
         absl::IsInternal(status) || absl::IsDataLoss(status) || absl::IsPermissionDenied(status);
}

v1::Failure NotStorable(const absl::Status& status) {
  v1::Failure failure;
  failure.set_reason(v1::FAILURE_REASON_INTERNAL);
  failure.set_message(absl::StrCat("its report could not be stored: ", status.message()));
  return failure;
}

v1::Failure WorkerLost(int64_t losses) {
  v1::Failure failure;
  failure.set_reason(v1::FAILURE_REASON_WORKER_LOST);
  failure.set_message(absl::StrCat("the daemon died ", losses,
                                   " times while training it, without finishing an epoch"));
  return failure;
}

}  // namespace

int64_t SystemWallClock() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Dispatcher::Dispatcher(store::Store* store, Executor* executor, WallClock clock)
    : store_(store), executor_(executor), clock_(std::move(clock)) {}

Dispatcher::~Dispatcher() { Shutdown(); }

absl::Status Dispatcher::Begin() {
  ANNEAL_RETURN_IF_ERROR(Recover());
  executor_->Begin(this);
  thread_ = std::thread([this] { Loop(); });
  return absl::OkStatus();
}

absl::Status Dispatcher::Recover() {
  return store_->Write([this](store::Transaction& transaction) -> absl::Status {
    ANNEAL_ASSIGN_OR_RETURN(const auto runs, store::RunningRuns(transaction.db()));
    for (const store::RunningRun& run : runs) {
      const int64_t losses = run.losses + 1;
      const bool retry = queue::RecoverLostRun(losses) == queue::Recovery::kRetry;
      ANNEAL_RETURN_IF_ERROR(store::SetLosses(transaction, run.key, losses));
      ANNEAL_RETURN_IF_ERROR(
          retry ? store::ChangeRunState(transaction, run.key, v1::RUN_STATE_PENDING, clock_())
                : store::ChangeRunState(transaction, run.key, v1::RUN_STATE_FAILED, clock_(),
                                        WorkerLost(losses)));
    }
    if (!runs.empty()) spdlog::info("{} runs of an earlier daemon taken back", runs.size());
    return absl::OkStatus();
  });
}

void Dispatcher::Shutdown() {
  {
    MutexLock lock(&mutex_);
    closing_ = true;
    changed_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
  executor_->Shutdown();
}

void Dispatcher::Wake() {
  MutexLock lock(&mutex_);
  wake_ = true;
  changed_.SignalAll();
}

bool Dispatcher::Pause(std::chrono::milliseconds time) {
  MutexLock lock(&mutex_);
  if (!closing_) changed_.WaitFor(&mutex_, time);
  return !closing_;
}

void Dispatcher::Loop() {
  while (true) {
    {
      MutexLock lock(&mutex_);
      while (!wake_ && !closing_) changed_.Wait(&mutex_);
      if (closing_) return;
      wake_ = false;
    }
    const absl::StatusOr<int> started = StartRuns();
    if (started.ok()) continue;
    spdlog::error("runs cannot be started: {}", std::string(started.status().message()));
    if (!Pause(kRetryPause)) return;
    Wake();
  }
}

absl::StatusOr<int> Dispatcher::StartRuns() {
  const int idle = executor_->idle_workers();
  if (idle == 0) return 0;
  std::vector<v1::RunAssignment> assignments;
  const absl::Status status = store_->Write([&](store::Transaction& transaction) -> absl::Status {
    assignments.clear();
    ANNEAL_ASSIGN_OR_RETURN(const auto pending, store::PendingRuns(transaction.db(), idle));
    queue::Snapshot snapshot{.idle_workers = idle};
    for (const store::QueuedRun& run : pending) {
      snapshot.pending.push_back({.key = run.key, .priority = run.priority});
    }
    for (const int64_t run : queue::NextRuns(std::move(snapshot))) {
      ANNEAL_RETURN_IF_ERROR(
          store::ChangeRunState(transaction, run, v1::RUN_STATE_RUNNING, clock_()));
      ANNEAL_ASSIGN_OR_RETURN(assignments.emplace_back(),
                              store::GetAssignment(transaction.db(), run));
    }
    return absl::OkStatus();
  });
  ANNEAL_RETURN_IF_ERROR(status);
  for (v1::RunAssignment& assignment : assignments) {
    spdlog::info("{}: started", assignment.name());
    executor_->Start(std::move(assignment));
  }
  return static_cast<int>(assignments.size());
}

absl::Status Dispatcher::OnReport(const v1::RunReport& report) {
  const absl::Status status = WriteWhenPossible([this, &report](store::Transaction& transaction) {
    return Record(transaction, report, clock_());
  });
  if (status.ok() || absl::IsCancelled(status) || absl::IsNotFound(status) || IsStorage(status)) {
    return status;
  }
  // The report itself cannot be stored, and never will be: the run must not stay RUNNING for ever.
  const absl::Status failed = WriteWhenPossible([&](store::Transaction& transaction) {
    return store::ChangeRunState(transaction, report.run_id(), v1::RUN_STATE_FAILED, clock_(),
                                 NotStorable(status));
  });
  return failed.ok() ? status : failed;
}

absl::Status Dispatcher::WriteWhenPossible(const store::Writer::WriteFunction& function) {
  bool told = false;
  while (true) {
    absl::Status status = store_->Write(function);
    if (!IsStorage(status)) return status;
    if (!std::exchange(told, true)) {
      spdlog::error("cannot write; training waits: {}", std::string(status.message()));
    }
    if (!Pause(kRetryPause)) return status;
  }
}

absl::Status Dispatcher::CancelExperiment(const std::string& experiment_id) {
  return Cancel([&](store::Connection& db) -> absl::StatusOr<std::vector<int64_t>> {
    ANNEAL_ASSIGN_OR_RETURN(const int64_t key, store::ExperimentKey(db, experiment_id));
    return store::UnfinishedRuns(db, key);
  });
}

absl::Status Dispatcher::CancelRun(const RunName& name) {
  return Cancel([&](store::Connection& db) -> absl::StatusOr<std::vector<int64_t>> {
    ANNEAL_ASSIGN_OR_RETURN(const int64_t key, store::RunKey(db, name));
    ANNEAL_ASSIGN_OR_RETURN(const v1::RunState state, store::GetRunState(db, key));
    return IsFinal(state) ? std::vector<int64_t>{} : std::vector<int64_t>{key};
  });
}

absl::Status Dispatcher::Cancel(
    const std::function<absl::StatusOr<std::vector<int64_t>>(store::Connection&)>& find) {
  std::vector<int64_t> runs;
  const absl::Status status = store_->Write([&](store::Transaction& transaction) -> absl::Status {
    ANNEAL_ASSIGN_OR_RETURN(runs, find(transaction.db()));
    for (const int64_t run : runs) {
      ANNEAL_RETURN_IF_ERROR(
          store::ChangeRunState(transaction, run, v1::RUN_STATE_CANCELLED, clock_()));
    }
    return absl::OkStatus();
  });
  ANNEAL_RETURN_IF_ERROR(status);
  for (const int64_t run : runs) executor_->RequestStop(run);
  return absl::OkStatus();
}

}  // namespace anneal::executor
