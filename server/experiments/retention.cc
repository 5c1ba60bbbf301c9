#include "server/experiments/retention.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "server/store/checkpoint_store.h"
#include "server/store/event_store.h"

namespace anneal::experiments {
namespace {

constexpr std::chrono::minutes kPause(10);
// A transaction of this size takes some milliseconds, which delays other writes little.
constexpr int64_t kEventsAtATime = 1000;

}  // namespace

Retention::Retention(store::Store* store, const store::CheckpointFiles* checkpoints,
                     const scheduling::Dispatcher* dispatcher, const RetentionAges& ages,
                     WallClock clock)
    : store_(store),
      checkpoints_(checkpoints),
      dispatcher_(dispatcher),
      ages_(ages),
      clock_(std::move(clock)) {}

void Retention::Begin() {
  if (!ages_.checkpoints.has_value() && !ages_.events.has_value()) return;
  thread_ = std::thread([this] { Loop(); });
}

void Retention::Stop() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    stopped_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
}

bool Retention::is_stopping() const {
  MutexLock lock(&mutex_);
  return stopping_;
}

void Retention::Loop() {
  while (!is_stopping()) {
    const auto removed = RemoveOld();
    if (!removed.ok()) {
      spdlog::error(absl::StrCat("cannot remove old records: ", removed.status().message()));
    } else if (removed->runs + removed->events > 0) {
      spdlog::info(absl::StrCat("removed the checkpoints of ", removed->runs, " runs and ",
                                removed->events, " events past their age"));
    }
    MutexLock lock(&mutex_);
    if (!stopping_) stopped_.WaitFor(&mutex_, kPause);
  }
}

absl::StatusOr<Retention::Removed> Retention::RemoveOld() {
  Removed removed;
  if (ages_.checkpoints.has_value()) {
    ANNEAL_ASSIGN_OR_RETURN(removed.runs, RemoveCheckpoints(*ages_.checkpoints));
  }
  if (ages_.events.has_value()) {
    ANNEAL_ASSIGN_OR_RETURN(removed.events, RemoveEvents(*ages_.events));
  }
  return removed;
}

absl::StatusOr<int64_t> Retention::RemoveCheckpoints(absl::Duration age) {
  const int64_t before = Before(age);
  ANNEAL_ASSIGN_OR_RETURN(const std::vector<int64_t> runs,
                          store_->Read([before](store::Connection& db) {
                            return store::ListRunsWithOldCheckpoints(db, before);
                          }));
  int64_t count = 0;
  for (const int64_t run : runs) {
    if (is_stopping()) break;
    ANNEAL_ASSIGN_OR_RETURN(const bool removed, RemoveCheckpointsOf(run, before));
    if (removed) ++count;
  }
  return count;
}

absl::StatusOr<bool> Retention::RemoveCheckpointsOf(int64_t run, int64_t before) {
  if (dispatcher_->HasWorker(run)) return false;
  bool forgotten = false;
  std::vector<store::CheckpointRow> rows;
  ANNEAL_RETURN_IF_ERROR(store_->Write(
      [&](store::Transaction& transaction) -> absl::Status {
        ANNEAL_ASSIGN_OR_RETURN(rows, store::ListCheckpoints(transaction.db(), run));
        ANNEAL_ASSIGN_OR_RETURN(forgotten, store::ForgetOldCheckpoints(transaction, run, before));
        return absl::OkStatus();
      },
      store::Writer::Purpose::kMakeRoom));
  if (!forgotten) return false;
  // Only the files that the rows named: a retry may be writing others by now. After a crash before
  // this they are swept with the run's next checkpoint, or with its experiment.
  for (const store::CheckpointRow& row : rows) checkpoints_->Remove(row.file);
  return true;
}

absl::StatusOr<int64_t> Retention::RemoveEvents(absl::Duration age) {
  const int64_t before = Before(age);
  ANNEAL_ASSIGN_OR_RETURN(
      const std::vector<int64_t> experiments,
      store_->Read([before](store::Connection& db) { return store::ListPrunable(db, before); }));
  int64_t total = 0;
  for (const int64_t experiment : experiments) {
    int64_t pruned = kEventsAtATime;
    while (pruned == kEventsAtATime && !is_stopping()) {
      ANNEAL_RETURN_IF_ERROR(store_->Write(
          [&](store::Transaction& transaction) -> absl::Status {
            ANNEAL_ASSIGN_OR_RETURN(
                pruned, store::PruneEvents(transaction, experiment, before, kEventsAtATime));
            return absl::OkStatus();
          },
          store::Writer::Purpose::kMakeRoom));
      total += pruned;
    }
  }
  return total;
}

}  // namespace anneal::experiments
