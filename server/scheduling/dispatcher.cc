#include "server/scheduling/dispatcher.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/enum_name.h"
#include "common/run_state.h"
#include "common/status.h"
#include "server/scheduling/policy.h"
#include "server/store/event_store.h"
#include "server/store/experiment_store.h"
#include "server/store/fault_point.h"
#include "server/store/queue_store.h"
#include "server/store/run_store.h"
#include "server/store/test_result_store.h"
#include "server/telemetry/log.h"

namespace anneal::scheduling {
namespace {

constexpr std::chrono::milliseconds kRetryPause(1000);

// Stores what a run ended with. `run` is RUNNING.
absl::Status RecordEnd(store::Transaction& transaction, int64_t run, const v1::RunEnd& end,
                       int64_t now) {
  switch (end.outcome_case()) {
    case v1::RunEnd::kCompleted:
      ANNEAL_RETURN_IF_ERROR(store::KeepFinalCheckpoints(transaction, run));
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

absl::Status HasEnded(v1::RunState state) {
  return absl::CancelledError(absl::StrCat("the run is ", EnumName(state)));
}

// What a worker still says of a run that has ended, because it was cancelled, does not count. Of
// one that was suspended, and perhaps resumed already, only its end does not: the next worker will
// come to the same end.
absl::Status Record(store::Transaction& transaction, const v1::RunReport& report,
                    const std::optional<store::CheckpointRow>& checkpoint, int64_t now) {
  const int64_t run = report.run_id();
  ANNEAL_ASSIGN_OR_RETURN(const v1::RunState state, store::GetRunState(transaction.db(), run));
  if (IsFinal(state) || (report.has_end() && state != v1::RUN_STATE_RUNNING)) {
    return HasEnded(state);
  }
  if (checkpoint.has_value()) {
    ANNEAL_RETURN_IF_ERROR(store::InsertCheckpoint(transaction, run, *checkpoint));
  }
  switch (report.kind_case()) {
    case v1::RunReport::kStarted:
      return store::RecordStart(transaction, run, report.started());
    case v1::RunReport::kEpoch:
      return store::RecordEpoch(transaction, run, now, report.epoch());
    case v1::RunReport::kCheckpoint:
      return store::SetLosses(transaction, run, 0);  // it got somewhere
    default:
      return RecordEnd(transaction, run, report.end(), now);
  }
}

const v1::Checkpoint* CheckpointOf(const v1::RunReport& report) {
  if (report.has_checkpoint()) return &report.checkpoint();
  return report.epoch().has_checkpoint() ? &report.epoch().checkpoint() : nullptr;
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

Dispatcher::Dispatcher(store::Store* store, const store::CheckpointFiles* checkpoints,
                       workers::Executor* executor, telemetry::Metrics* metrics,
                       const store::UsageLimits& limits, WallClock clock)
    : store_(store),
      checkpoints_(checkpoints),
      executor_(executor),
      metrics_(metrics),
      limits_(limits),
      clock_(std::move(clock)) {}

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
      const bool retry = RecoverLostRun(losses) == Recovery::kRetry;
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
  ANNEAL_ASSIGN_OR_RETURN(std::vector<v1::RunAssignment> assignments, ClaimRuns(idle));
  for (v1::RunAssignment& assignment : assignments) {
    const telemetry::LogField run("run", assignment.name());
    AttachCheckpoint(&assignment);
    spdlog::info("started");
    executor_->Start(std::move(assignment));
  }
  return static_cast<int>(assignments.size());
}

absl::StatusOr<std::vector<v1::RunAssignment>> Dispatcher::ClaimRuns(int idle) {
  std::vector<v1::RunAssignment> assignments;
  const absl::Status status = store_->Write([&](store::Transaction& transaction) -> absl::Status {
    assignments.clear();
    // So many that enough are left without those that a worker is still about to leave.
    ANNEAL_ASSIGN_OR_RETURN(QueueSnapshot snapshot,
                            store::HeadOfQueue(transaction.db(), idle + executor_->workers()));
    std::erase_if(snapshot.pending,
                  [this](const PendingRun& run) { return executor_->Has(run.key); });
    for (const int64_t run : NextRuns(std::move(snapshot), idle)) {
      ANNEAL_RETURN_IF_ERROR(
          store::ChangeRunState(transaction, run, v1::RUN_STATE_RUNNING, clock_()));
      ANNEAL_ASSIGN_OR_RETURN(assignments.emplace_back(),
                              store::GetAssignment(transaction.db(), run));
    }
    return absl::OkStatus();
  });
  ANNEAL_RETURN_IF_ERROR(status);
  return assignments;
}

void Dispatcher::AttachCheckpoint(v1::RunAssignment* assignment) {
  const int64_t run = assignment->run_id();
  std::vector<store::CheckpointRow> rows;
  const absl::Status listed = store_->Read([&](store::Connection& db) -> absl::Status {
    ANNEAL_ASSIGN_OR_RETURN(rows, store::ListCheckpoints(db, run));
    return absl::OkStatus();
  });
  if (!listed.ok()) spdlog::error("{}", std::string(listed.message()));
  for (const store::CheckpointRow& row : rows) {
    absl::StatusOr<std::string> contents = checkpoints_->Read(row.file);
    if (contents.ok()) {
      assignment->set_checkpoint(*std::move(contents));
      spdlog::info("goes on after step {}", row.step);
      return;
    }
    spdlog::warn("{}; taking the one before", std::string(contents.status().message()));
    if (!absl::IsDataLoss(contents.status())) continue;
    const absl::Status forgotten = store_->Write([&](store::Transaction& transaction) {
      return store::DeleteCheckpoint(transaction, run, row.step);
    });
    if (!forgotten.ok()) spdlog::error("{}", std::string(forgotten.message()));
  }
  assignment->clear_dataset_sha256();
}

absl::StatusOr<store::CheckpointRow> Dispatcher::WriteCheckpointFile(
    int64_t run, const v1::Checkpoint& checkpoint) {
  std::string name;
  const absl::Status named = store_->Read([&](store::Connection& db) -> absl::Status {
    ANNEAL_ASSIGN_OR_RETURN(const v1::RunState state, store::GetRunState(db, run));
    if (IsFinal(state)) return HasEnded(state);
    ANNEAL_ASSIGN_OR_RETURN(name, store::NewCheckpointName(db, run, checkpoint.step()));
    return absl::OkStatus();
  });
  ANNEAL_RETURN_IF_ERROR(named);
  store::CheckpointRow row = {.step = checkpoint.step(),
                              .epoch = checkpoint.epoch(),
                              .best = checkpoint.best(),
                              .created = clock_()};
  ANNEAL_ASSIGN_OR_RETURN(row.file, checkpoints_->Write(name, checkpoint.contents()));
  return row;
}

absl::Status Dispatcher::OnReport(const v1::RunReport& report) {
  std::optional<store::CheckpointRow> row;
  if (const v1::Checkpoint* checkpoint = CheckpointOf(report); checkpoint != nullptr) {
    const absl::Status written = WhenPossible([&] {
      absl::StatusOr<store::CheckpointRow> result =
          WriteCheckpointFile(report.run_id(), *checkpoint);
      if (result.ok()) row = std::move(*result);
      return result.status();
    });
    ANNEAL_RETURN_IF_ERROR(written);
  }
  const absl::Status status = Store(report, row);
  if (row.has_value() || report.has_end()) SweepCheckpoints(report.run_id());
  return status;
}

absl::Status Dispatcher::Store(const v1::RunReport& report,
                               const std::optional<store::CheckpointRow>& checkpoint) {
  const absl::Status status = WhenPossible([&] {
    return store_->Write([&](store::Transaction& transaction) {
      const absl::Status recorded = Record(transaction, report, checkpoint, clock_());
      if (checkpoint.has_value()) store::FaultPoint("checkpoint.recorded");
      return recorded;
    });
  });
  if (checkpoint.has_value()) store::FaultPoint("checkpoint.committed");
  if (status.ok() && report.has_epoch()) {
    metrics_->CountEpoch(static_cast<double>(report.epoch().samples()));
  }
  if (status.ok() || absl::IsCancelled(status) || absl::IsNotFound(status) || IsStorage(status)) {
    return status;
  }
  // The report itself cannot be stored, and never will be: the run must not stay RUNNING for ever.
  const absl::Status failed = WhenPossible([&] {
    return store_->Write([&](store::Transaction& transaction) {
      return store::ChangeRunState(transaction, report.run_id(), v1::RUN_STATE_FAILED, clock_(),
                                   NotStorable(status));
    });
  });
  return failed.ok() ? status : failed;
}

void Dispatcher::SweepCheckpoints(int64_t run) {
  std::string directory;
  std::vector<std::string> keep;
  const absl::Status status = store_->Read([&](store::Connection& db) -> absl::Status {
    ANNEAL_ASSIGN_OR_RETURN(directory, store::CheckpointDirectory(db, run));
    ANNEAL_ASSIGN_OR_RETURN(const auto rows, store::ListCheckpoints(db, run));
    for (const store::CheckpointRow& row : rows) keep.push_back(row.file.name);
    return absl::OkStatus();
  });
  if (status.ok()) checkpoints_->Sweep(directory, keep);
}

absl::Status Dispatcher::WhenPossible(const std::function<absl::Status()>& function) {
  bool told = false;
  while (true) {
    absl::Status status = function();
    if (!IsStorage(status)) return status;
    if (!std::exchange(told, true)) {
      spdlog::error("cannot write; training waits: {}", std::string(status.message()));
    }
    if (!Pause(kRetryPause)) return status;
  }
}

absl::Status Dispatcher::ChangeExperiment(const std::string& experiment_id, Command command) {
  return Change(command, [&](store::Connection& db) -> absl::StatusOr<StateRows> {
    ANNEAL_ASSIGN_OR_RETURN(const int64_t key, store::ExperimentKey(db, experiment_id));
    ANNEAL_RETURN_IF_ERROR(store::CheckNotDeleted(db, experiment_id));
    return store::RunStates(db, key);
  });
}

absl::Status Dispatcher::ChangeRun(const RunName& name, Command command) {
  return Change(command, [&](store::Connection& db) -> absl::StatusOr<StateRows> {
    ANNEAL_ASSIGN_OR_RETURN(const int64_t key, store::RunKey(db, name));
    ANNEAL_RETURN_IF_ERROR(store::CheckNotDeleted(db, name.experiment_id));
    ANNEAL_ASSIGN_OR_RETURN(const store::RunStateRow run, store::GetRunStateRow(db, key));
    return StateRows{run};
  });
}

absl::Status Dispatcher::Change(
    Command command, const std::function<absl::StatusOr<StateRows>(store::Connection&)>& find) {
  std::vector<int64_t> changed;
  const auto change = [&](store::Transaction& transaction) -> absl::Status {
    changed.clear();
    ANNEAL_ASSIGN_OR_RETURN(const StateRows runs, find(transaction.db()));
    absl::Status refused;
    bool done = false;
    int64_t revived = 0;  // runs that had ended
    for (const store::RunStateRow& run : runs) {
      const auto next = NextState(command, run.state, run.failure);
      if (!next.ok()) {
        refused = next.status();
        continue;
      }
      done = true;
      if (!next->has_value()) continue;
      changed.push_back(run.key);
      revived += IsFinal(run.state) ? 1 : 0;
      ANNEAL_RETURN_IF_ERROR(store::SetLosses(transaction, run.key, 0));
      ANNEAL_RETURN_IF_ERROR(store::ChangeRunState(transaction, run.key, **next, clock_()));
    }
    if (revived > 0) {
      ANNEAL_RETURN_IF_ERROR(
          store::CheckRevived(transaction.db(), limits_, changed.front(), revived));
    }
    return done ? absl::OkStatus() : refused;
  };
  // What is cancelled can be deleted.
  ANNEAL_RETURN_IF_ERROR(store_->Write(change, command == Command::kCancel
                                                   ? store::Writer::Purpose::kMakeRoom
                                                   : store::Writer::Purpose::kRecord));
  const bool stops = command == Command::kCancel || command == Command::kPause;
  for (const int64_t run : changed) {
    if (stops) executor_->RequestStop(run);
  }
  if (!stops) Wake();
  return absl::OkStatus();
}

}  // namespace anneal::scheduling
