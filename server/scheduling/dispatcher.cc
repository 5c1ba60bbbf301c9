#include "server/scheduling/dispatcher.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/run_state.h"
#include "common/status.h"
#include "server/scheduling/policy.h"
#include "server/store/experiment_store.h"
#include "server/store/queue_store.h"
#include "server/store/start_over.h"
#include "server/telemetry/log.h"

namespace anneal::scheduling {
namespace {

constexpr std::chrono::milliseconds kErrorPause(1000);

v1::Failure WorkerLost(int64_t losses) {
  v1::Failure failure;
  failure.set_reason(v1::FAILURE_REASON_WORKER_LOST);
  failure.set_message(absl::StrCat("the daemon died ", losses,
                                   " times while training the run, without finishing an epoch"));
  return failure;
}

}  // namespace

Dispatcher::Dispatcher(store::Store* store, const store::CheckpointFiles* checkpoints,
                       workers::Executor* executor, telemetry::Metrics* metrics,
                       const store::UsageLimits& limits, WallClock clock)
    : store_(store),
      checkpoints_(checkpoints),
      executor_(executor),
      limits_(limits),
      clock_(std::move(clock)),
      recorder_(store, checkpoints, metrics, &retry_, clock_) {}

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
    if (!runs.empty())
      spdlog::info(absl::StrCat("recovered ", runs.size(), " runs of an earlier daemon"));
    return absl::OkStatus();
  });
}

void Dispatcher::Shutdown() {
  {
    MutexLock lock(&mutex_);
    closing_ = true;
    changed_.SignalAll();
  }
  retry_.GiveUp();
  if (thread_.joinable()) thread_.join();
  executor_->Shutdown();
}

void Dispatcher::Wake() {
  MutexLock lock(&mutex_);
  wake_ = true;
  changed_.SignalAll();
}

bool Dispatcher::AwaitWake() {
  MutexLock lock(&mutex_);
  while (!wake_ && !closing_) changed_.Wait(&mutex_);
  wake_ = false;
  return !closing_;
}

bool Dispatcher::PauseAfterError() {
  MutexLock lock(&mutex_);
  if (!closing_) changed_.WaitFor(&mutex_, kErrorPause);
  wake_ = true;
  return !closing_;
}

void Dispatcher::Loop() {
  while (AwaitWake()) {
    const absl::Status status = StartRuns();
    if (status.ok()) continue;
    spdlog::error(absl::StrCat("cannot start runs: ", status.message()));
    if (!PauseAfterError()) return;
  }
}

absl::Status Dispatcher::StartRuns() {
  const int idle = executor_->idle_workers();
  if (idle == 0) return absl::OkStatus();
  ANNEAL_ASSIGN_OR_RETURN(std::vector<v1::RunAssignment> assignments, ClaimRuns(idle));
  for (v1::RunAssignment& assignment : assignments) {
    const telemetry::LogField run("run", assignment.name());
    AttachCheckpoint(&assignment);
    spdlog::info("started");
    executor_->Start(std::move(assignment));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<v1::RunAssignment>> Dispatcher::ClaimRuns(int idle) {
  std::vector<v1::RunAssignment> assignments;
  const absl::Status status = store_->Write([&](store::Transaction& transaction) -> absl::Status {
    assignments.clear();
    // Enough runs that `idle` are left without those that a worker still holds.
    ANNEAL_ASSIGN_OR_RETURN(QueueSnapshot snapshot,
                            store::HeadOfQueue(transaction.db(), idle + executor_->workers()));
    std::erase_if(snapshot.pending,
                  [this](const PendingRun& run) { return executor_->Has(run.key); });
    for (const int64_t run : NextRuns(std::move(snapshot), idle)) {
      ANNEAL_RETURN_IF_ERROR(
          store::ChangeRunState(transaction, run, v1::RUN_STATE_RUNNING, clock_()));
      ANNEAL_RETURN_IF_ERROR(StartOverIfOfAnotherKind(transaction, run));
      ANNEAL_ASSIGN_OR_RETURN(assignments.emplace_back(),
                              store::GetAssignment(transaction.db(), run));
    }
    return absl::OkStatus();
  });
  ANNEAL_RETURN_IF_ERROR(status);
  return assignments;
}

absl::Status Dispatcher::StartOverIfOfAnotherKind(store::Transaction& transaction, int64_t run) {
  const std::string kind = executor_->kind();
  ANNEAL_ASSIGN_OR_RETURN(const auto other, store::OtherKindOf(transaction.db(), run, kind));
  if (!other.has_value()) return absl::OkStatus();
  return store::StartOver(transaction, run, clock_(),
                          absl::StrCat("starts over: its epochs are of ",
                                       other->empty() ? std::string("an unknown build") : *other,
                                       "; this is ", kind, ", which may give other bits"));
}

void Dispatcher::AttachCheckpoint(v1::RunAssignment* assignment) {
  const int64_t run = assignment->run_id();
  const absl::StatusOr<std::vector<store::CheckpointRow>> rows =
      store_->Read([run](store::Connection& db) { return store::ListCheckpoints(db, run); });
  if (!rows.ok()) {
    spdlog::error(absl::StrCat("cannot list the run's checkpoints: ", rows.status().message()));
    assignment->clear_dataset_sha256();
    return;
  }
  for (const store::CheckpointRow& row : *rows) {
    absl::StatusOr<std::string> contents = checkpoints_->Read(row.file);
    if (contents.ok()) {
      assignment->set_checkpoint(*std::move(contents));
      spdlog::info(absl::StrCat("resumes after step ", row.step));
      return;
    }
    spdlog::warn(absl::StrCat(contents.status().message(), "; trying the checkpoint before"));
    if (!absl::IsDataLoss(contents.status())) continue;
    const absl::Status forgotten = store_->Write([&](store::Transaction& transaction) {
      return store::DeleteCheckpoint(transaction, run, row.step);
    });
    if (!forgotten.ok()) {
      spdlog::error(absl::StrCat("cannot forget the checkpoint: ", forgotten.message()));
    }
  }
  assignment->clear_dataset_sha256();
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
    ANNEAL_ASSIGN_OR_RETURN(const StateRows runs, find(transaction.db()));
    ANNEAL_ASSIGN_OR_RETURN(changed, ChangeStates(transaction, command, runs));
    return absl::OkStatus();
  };
  // Cancelling may use the disk reserve, because cancelled runs can be deleted.
  ANNEAL_RETURN_IF_ERROR(store_->Write(change, command == Command::kCancel
                                                   ? store::Writer::Purpose::kMakeRoom
                                                   : store::Writer::Purpose::kRecord));
  if (command == Command::kCancel || command == Command::kPause) {
    for (const int64_t run : changed) executor_->RequestStop(run);
  } else {
    Wake();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<int64_t>> Dispatcher::ChangeStates(store::Transaction& transaction,
                                                              Command command,
                                                              const StateRows& runs) {
  std::vector<int64_t> changed;
  absl::Status refused;
  bool applies = false;
  int64_t revived = 0;  // runs that had ended
  for (const store::RunStateRow& run : runs) {
    const auto next = NextState(command, run.state, run.failure);
    if (!next.ok()) {
      refused = next.status();
      continue;
    }
    applies = true;
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
  if (!applies && !refused.ok()) return refused;
  return changed;
}

}  // namespace anneal::scheduling
