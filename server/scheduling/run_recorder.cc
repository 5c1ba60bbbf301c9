#include "server/scheduling/run_recorder.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/enum_name.h"
#include "common/run_state.h"
#include "common/status.h"
#include "server/store/fault_point.h"
#include "server/store/run_store.h"

namespace anneal::scheduling {
namespace {

// Stores the end of a run that is RUNNING.
absl::Status RecordEnd(store::Transaction& transaction, int64_t run, const v1::RunEnd& end,
                       int64_t now) {
  switch (end.outcome_case()) {
    case v1::RunEnd::kCompleted:
      ANNEAL_RETURN_IF_ERROR(store::KeepFinalCheckpoints(transaction, run));
      ANNEAL_RETURN_IF_ERROR(store::RecordCompletion(transaction, run, end.completed()));
      return store::ChangeRunState(transaction, run, v1::RUN_STATE_SUCCEEDED, now);
    case v1::RunEnd::kFailure:
      return store::ChangeRunState(transaction, run, v1::RUN_STATE_FAILED, now, end.failure());
    default:
      return store::ChangeRunState(transaction, run, v1::RUN_STATE_PENDING, now);
  }
}

absl::Status ReportRefused(v1::RunState state) {
  return absl::CancelledError(absl::StrCat("the run is ", EnumName(state)));
}

// Ignores reports for finished runs; for suspended (and perhaps resumed) runs only the final one,
// because the next worker will reach the same end.
absl::Status RecordReport(store::Transaction& transaction, const v1::RunReport& report,
                          const std::optional<store::CheckpointRow>& checkpoint, int64_t now) {
  const int64_t run = report.run_id();
  ANNEAL_ASSIGN_OR_RETURN(const v1::RunState state, store::GetRunState(transaction.db(), run));
  if (IsFinal(state) || (report.has_end() && state != v1::RUN_STATE_RUNNING)) {
    return ReportRefused(state);
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
      return store::SetLosses(transaction, run, 0);  // the run made progress
    default:
      return RecordEnd(transaction, run, report.end(), now);
  }
}

const v1::Checkpoint* CheckpointOf(const v1::RunReport& report) {
  if (report.has_checkpoint()) return &report.checkpoint();
  return report.epoch().has_checkpoint() ? &report.epoch().checkpoint() : nullptr;
}

v1::Failure NotStorable(const absl::Status& status) {
  v1::Failure failure;
  failure.set_reason(v1::FAILURE_REASON_INTERNAL);
  failure.set_message(absl::StrCat("a report of the run cannot be stored: ", status.message()));
  return failure;
}

struct NamedFiles {
  std::string directory;
  std::vector<std::string> names;
};

// Returns the directory of a run's checkpoints and the files that rows name there.
absl::StatusOr<NamedFiles> ReadNamedFiles(store::Connection& db, int64_t run) {
  NamedFiles files;
  ANNEAL_ASSIGN_OR_RETURN(files.directory, store::CheckpointDirectory(db, run));
  ANNEAL_ASSIGN_OR_RETURN(const auto rows, store::ListCheckpoints(db, run));
  for (const store::CheckpointRow& row : rows) files.names.push_back(row.file.name);
  return files;
}

}  // namespace

RunRecorder::RunRecorder(store::Store* store, const store::CheckpointFiles* checkpoints,
                         telemetry::Metrics* metrics, DiskRetry* retry, WallClock clock)
    : store_(store),
      checkpoints_(checkpoints),
      metrics_(metrics),
      retry_(retry),
      clock_(std::move(clock)) {}

absl::Status RunRecorder::Record(const v1::RunReport& report) {
  std::optional<store::CheckpointRow> row;
  if (const v1::Checkpoint* checkpoint = CheckpointOf(report); checkpoint != nullptr) {
    ANNEAL_RETURN_IF_ERROR(retry_->Run([&] {
      absl::StatusOr<store::CheckpointRow> result =
          WriteCheckpointFile(report.run_id(), *checkpoint);
      if (result.ok()) row = *std::move(result);
      return result.status();
    }));
  }
  const absl::Status status = Store(report, row);
  if (row.has_value() || report.has_end()) SweepCheckpoints(report.run_id());
  return status;
}

absl::StatusOr<store::CheckpointRow> RunRecorder::WriteCheckpointFile(
    int64_t run, const v1::Checkpoint& checkpoint) {
  const absl::StatusOr<std::string> name =
      store_->Read([&](store::Connection& db) -> absl::StatusOr<std::string> {
        ANNEAL_ASSIGN_OR_RETURN(const v1::RunState state, store::GetRunState(db, run));
        if (IsFinal(state)) return ReportRefused(state);
        return store::NewCheckpointName(db, run, checkpoint.step());
      });
  if (!name.ok()) return name.status();
  store::CheckpointRow row = {.step = checkpoint.step(),
                              .epoch = checkpoint.epoch(),
                              .best = checkpoint.best(),
                              .created = clock_()};
  ANNEAL_ASSIGN_OR_RETURN(row.file, checkpoints_->Write(*name, checkpoint.contents()));
  return row;
}

absl::Status RunRecorder::Store(const v1::RunReport& report,
                                const std::optional<store::CheckpointRow>& checkpoint) {
  const absl::Status status = retry_->Run([&] {
    return store_->Write([&](store::Transaction& transaction) {
      const absl::Status recorded = RecordReport(transaction, report, checkpoint, clock_());
      if (checkpoint.has_value()) store::FaultPoint("checkpoint.recorded");
      return recorded;
    });
  });
  if (checkpoint.has_value()) store::FaultPoint("checkpoint.committed");
  if (status.ok() && report.has_epoch()) {
    metrics_->CountEpoch(static_cast<double>(report.epoch().samples()));
  }
  if (status.ok() || absl::IsCancelled(status) || absl::IsNotFound(status) || IsDiskError(status)) {
    return status;
  }
  // The report can never be stored: fail the run, which would otherwise stay RUNNING forever.
  const absl::Status failed = retry_->Run([&] {
    return store_->Write([&](store::Transaction& transaction) {
      return store::ChangeRunState(transaction, report.run_id(), v1::RUN_STATE_FAILED, clock_(),
                                   NotStorable(status));
    });
  });
  return failed.ok() ? status : failed;
}

void RunRecorder::SweepCheckpoints(int64_t run) {
  const absl::StatusOr<NamedFiles> files =
      store_->Read([run](store::Connection& db) { return ReadNamedFiles(db, run); });
  if (files.ok()) checkpoints_->Sweep(files->directory, files->names);
}

}  // namespace anneal::scheduling
