#include "server/store/run_store.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/enum_name.h"
#include "common/run_state.h"
#include "common/status.h"
#include "server/store/attempt_store.h"
#include "server/store/epoch_store.h"
#include "server/store/event_store.h"
#include "server/store/experiment_store.h"
#include "server/store/message_column.h"
#include "server/store/run_reader.h"
#include "server/store/test_result_store.h"

namespace anneal::store {
namespace {

absl::Status NoSuchRun(const std::string& name) {
  return WithReason(absl::NotFoundError(absl::StrCat("there is no run ", name)),
                    v1::ERROR_REASON_RUN_NOT_FOUND);
}

RunStateRow ReadState(const Statement& row) {
  RunStateRow run{.key = row.Int(0), .state = EnumValue<v1::RunState>(row.Bytes(1))};
  if (!row.IsNull(2)) run.failure = EnumValue<v1::FailureReason>(row.Bytes(2));
  return run;
}

// Returns the elapsed seconds up to the epoch before `epoch`, as recorded. A restarted run measured
// other times for those epochs.
absl::StatusOr<double> ElapsedBefore(Connection& db, int64_t run_key, int32_t epoch) {
  Statement query = db.Prepare("SELECT elapsed_seconds FROM epochs WHERE run_id = ? AND epoch = ?");
  query.Bind(run_key, epoch - 1);
  const double elapsed = query.Next() ? query.Real(0) : 0;
  ANNEAL_RETURN_IF_ERROR(query.status());
  return elapsed;
}

// Records the start for the fairness between users.
absl::Status NoteStart(Connection& db, int64_t run_key) {
  Statement count = db.Prepare("UPDATE counters SET value = value + 1 WHERE name = 'starts'");
  ANNEAL_RETURN_IF_ERROR(count.Run());
  Statement update = db.Prepare(
      "INSERT INTO users (user, last_start)"
      " SELECT r.user, c.value FROM runs r, counters c WHERE r.run_id = ? AND c.name = 'starts'"
      " ON CONFLICT (user) DO UPDATE SET last_start = excluded.last_start");
  return update.Bind(run_key).Run();
}

}  // namespace

absl::StatusOr<int64_t> RunKey(Connection& db, const RunName& name) {
  ANNEAL_ASSIGN_OR_RETURN(const int64_t experiment, ExperimentKey(db, name.experiment_id));
  Statement query = db.Prepare("SELECT run_id FROM runs WHERE experiment_id = ? AND ordinal = ?");
  query.Bind(experiment, name.ordinal);
  const bool found = query.Next();
  ANNEAL_RETURN_IF_ERROR(query.status());
  if (!found) return NoSuchRun(FormatRunName(name.experiment_id, name.ordinal));
  return query.Int(0);
}

absl::StatusOr<v1::Run> GetRun(Connection& db, const RunName& name, v1::RunView view,
                               const std::vector<Metric>& metrics) {
  ANNEAL_ASSIGN_OR_RETURN(const int64_t experiment, ExperimentKey(db, name.experiment_id));
  const RunQuery query = {.experiment_key = experiment,
                          .ordinal = name.ordinal,
                          .list = {.limit = 1},
                          .view = view,
                          .metrics = metrics};
  ANNEAL_ASSIGN_OR_RETURN(std::vector<ListedRun> runs, ListRuns(db, query));
  if (runs.empty()) return NoSuchRun(FormatRunName(name.experiment_id, name.ordinal));
  return std::move(runs[0].run);
}

absl::StatusOr<std::vector<ListedRun>> ListRuns(Connection& db, const RunQuery& query) {
  RunReader reader(&db, query.view, query.metrics);
  std::vector<Condition> conditions;
  if (query.experiment_key.has_value()) {
    conditions.push_back(MakeCondition("r.experiment_id = ?", {*query.experiment_key}));
  } else {
    // Few experiments are deleted, so this is faster than a join that tests each run's experiment.
    conditions.push_back(
        MakeCondition("r.experiment_id NOT IN (SELECT d.experiment_id FROM experiments d"
                      " WHERE d.deleted IS NOT NULL)"));
  }
  if (query.ordinal.has_value()) {
    conditions.push_back(MakeCondition("r.ordinal = ?", {*query.ordinal}));
  }
  const ListStatement list =
      MakeListStatement(reader.columns(), reader.column_count(), reader.tables(), conditions,
                        {{.sql = "r.experiment_id"}, {.sql = "r.ordinal"}}, query.list);
  Statement statement = list.is_fixed ? db.Prepare(list.sql) : db.PrepareOnce(list.sql);
  statement.BindValues(list.values);
  std::vector<ListedRun> runs;
  PageRoom room(query.list.max_bytes);
  while (statement.Next()) {
    ANNEAL_ASSIGN_OR_RETURN(v1::Run run, reader.Read(statement));
    runs.push_back({.run = std::move(run), .place = PlaceOf(statement, list)});
    if (!room.Fits(runs.back().run)) break;
  }
  ANNEAL_RETURN_IF_ERROR(statement.status());
  return runs;
}

absl::Status ChangeRunState(Transaction& transaction, int64_t run_key, v1::RunState to,
                            int64_t time_micros, const std::optional<v1::Failure>& failure) {
  Connection& db = transaction.db();
  ANNEAL_ASSIGN_OR_RETURN(const RunStateRow before, GetRunStateRow(db, run_key));
  const v1::RunState from = before.state;
  ANNEAL_RETURN_IF_ERROR(CheckTransition(from, to));
  const std::string to_name = EnumName(to);
  const bool starts = to == v1::RUN_STATE_RUNNING;
  std::optional<std::string> reason;
  std::optional<std::string> message;
  if (failure.has_value()) {
    reason = EnumName(failure->reason());
    message = failure->message();
  }
  int64_t experiment_key = 0;
  {
    Statement update = db.Prepare(
        "UPDATE runs SET state = ?2, failure_reason = ?3, failure_message = ?4,"
        " started = CASE WHEN ?5 THEN ?6 ELSE started END, attempts = attempts + ?5,"
        " ended = CASE WHEN ?7 THEN ?6 END"
        " WHERE run_id = ?1 RETURNING experiment_id");
    update.Bind(run_key, to_name, reason, message, starts ? 1 : 0, time_micros,
                IsFinal(to) ? 1 : 0);
    if (update.Next()) experiment_key = update.Int(0);
    ANNEAL_RETURN_IF_ERROR(update.Run());
  }
  Statement counts = db.Prepare(
      "UPDATE experiments SET"
      " pending = pending - (?2 = 'PENDING') + (?3 = 'PENDING'),"
      " running = running - (?2 = 'RUNNING') + (?3 = 'RUNNING'),"
      " suspended = suspended - (?2 = 'SUSPENDED') + (?3 = 'SUSPENDED'),"
      " succeeded = succeeded - (?2 = 'SUCCEEDED') + (?3 = 'SUCCEEDED'),"
      " failed = failed - (?2 = 'FAILED') + (?3 = 'FAILED'),"
      " cancelled = cancelled - (?2 = 'CANCELLED') + (?3 = 'CANCELLED'),"
      " diverged = diverged - ?4 + ?5"
      " WHERE experiment_id = ?1");
  const std::string from_name = EnumName(from);
  const bool had_diverged = before.failure == v1::FAILURE_REASON_DIVERGED;
  const bool diverges = failure.has_value() && failure->reason() == v1::FAILURE_REASON_DIVERGED;
  ANNEAL_RETURN_IF_ERROR(
      counts.Bind(experiment_key, from_name, to_name, had_diverged, diverges).Run());
  if (starts) ANNEAL_RETURN_IF_ERROR(NoteStart(db, run_key));
  v1::StateChange change;
  change.set_from(from);
  change.set_to(to);
  if (failure.has_value()) *change.mutable_failure() = *failure;
  return AppendStateChange(transaction, experiment_key, run_key, time_micros, change);
}

absl::StatusOr<std::vector<RunningRun>> RunningRuns(Connection& db) {
  Statement query =
      db.Prepare("SELECT run_id, losses FROM runs WHERE state = 'RUNNING' ORDER BY run_id");
  std::vector<RunningRun> runs;
  while (query.Next()) runs.push_back({.key = query.Int(0), .losses = query.Int(1)});
  ANNEAL_RETURN_IF_ERROR(query.status());
  return runs;
}

absl::StatusOr<v1::RunAssignment> GetAssignment(Connection& db, int64_t run_key) {
  Statement query = db.Prepare(
      "SELECT e.id, r.ordinal, c.json, r.seed, r.dataset_sha256 FROM runs r"
      " JOIN experiments e USING (experiment_id) JOIN configs c USING (config_id)"
      " WHERE r.run_id = ?");
  query.Bind(run_key);
  const bool found = query.Next();
  ANNEAL_RETURN_IF_ERROR(query.status());
  if (!found) return NoSuchRun(absl::StrCat("with key ", run_key));
  v1::RunAssignment assignment;
  assignment.set_run_id(run_key);
  assignment.set_name(FormatRunName(query.Text(0), query.Int(1)));
  assignment.set_seed(query.Int(3));
  assignment.set_dataset_sha256(query.Text(4));
  ANNEAL_RETURN_IF_ERROR(FromColumn(query.Bytes(2), assignment.mutable_config()));
  return assignment;
}

absl::Status RecordStart(Transaction& transaction, int64_t run_key, const v1::RunStarted& started) {
  ANNEAL_ASSIGN_OR_RETURN(const int64_t network,
                          NetworkKey(transaction, ToColumn(started.network())));
  std::optional<int64_t> split;
  if (started.has_split()) {
    ANNEAL_ASSIGN_OR_RETURN(split, SplitKey(transaction, ToColumn(started.split())));
  }
  Statement update = transaction.db().Prepare(
      "UPDATE runs SET engine = ?, dataset_sha256 = ?, network_id = ?, split_id = ?"
      " WHERE run_id = ?");
  update.Bind(started.engine(), started.dataset_sha256(), network, split, run_key);
  ANNEAL_RETURN_IF_ERROR(update.Run());
  return InsertAttempt(
      transaction, run_key,
      started.has_provenance() ? std::optional(started.provenance()) : std::nullopt);
}

absl::Status RecordEpoch(Transaction& transaction, int64_t run_key, int64_t time_micros,
                         const v1::EpochReport& report) {
  const int32_t epoch = report.epoch().epoch();
  int64_t experiment_key = 0;
  bool began_again = false;
  {
    Statement update = transaction.db().Prepare(
        "UPDATE runs SET epochs_done = ?2, losses = 0 WHERE run_id = ?1 AND epochs_done < ?2"
        " RETURNING experiment_id, attempts");
    update.Bind(run_key, epoch);
    const bool is_new = update.Next();
    if (is_new) {
      experiment_key = update.Int(0);
      began_again = update.Int(1) > 1;
    }
    ANNEAL_RETURN_IF_ERROR(update.Run());
    if (!is_new) return absl::OkStatus();
  }
  v1::EpochReport record = report;
  if (began_again) {
    ANNEAL_ASSIGN_OR_RETURN(const double before, ElapsedBefore(transaction.db(), run_key, epoch));
    record.mutable_epoch()->set_elapsed_seconds(before + report.epoch().epoch_seconds());
  }
  ANNEAL_RETURN_IF_ERROR(InsertEpoch(transaction, run_key, record));
  return AppendEpoch(transaction, experiment_key, run_key, time_micros, epoch);
}

absl::Status SetLosses(Transaction& transaction, int64_t run_key, int64_t losses) {
  Statement update = transaction.db().Prepare("UPDATE runs SET losses = ? WHERE run_id = ?");
  return update.Bind(losses, run_key).Run();
}

absl::Status RecordCompletion(Transaction& transaction, int64_t run_key,
                              const v1::RunCompleted& completed) {
  for (const v1::TestResult& result : completed.test_results()) {
    ANNEAL_RETURN_IF_ERROR(InsertTestResult(transaction, run_key, result));
  }
  Statement insert = transaction.db().Prepare(
      "INSERT OR REPLACE INTO weights_digests (run_id, weights_sha256, best_weights_sha256)"
      " VALUES (?, nullif(?, ''), nullif(?, ''))");
  return insert.Bind(run_key, completed.weights_sha256(), completed.best_weights_sha256()).Run();
}

absl::Status ExtendRun(Transaction& transaction, int64_t run_key,
                       const v1::TrainingConfig& config) {
  ANNEAL_RETURN_IF_ERROR(KeepAsEarlierTestResults(transaction, run_key));
  ANNEAL_ASSIGN_OR_RETURN(const int64_t key, ConfigKey(transaction, ToColumn(config)));
  Statement update = transaction.db().Prepare(
      "UPDATE runs SET config_id = ?, extended_from = json_insert(extended_from, '$[#]',"
      " epochs_total), epochs_total = ? WHERE run_id = ?");
  ANNEAL_RETURN_IF_ERROR(update.Bind(key, config.epochs(), run_key).Run());
  Statement forget = transaction.db().Prepare("DELETE FROM weights_digests WHERE run_id = ?");
  return forget.Bind(run_key).Run();
}

absl::Status UpdateRunAnnotations(Transaction& transaction, int64_t run_key,
                                  const google::protobuf::Map<std::string, std::string>& labels,
                                  absl::string_view note) {
  Connection& db = transaction.db();
  Statement update = db.Prepare("UPDATE runs SET note = ? WHERE run_id = ?");
  ANNEAL_RETURN_IF_ERROR(update.Bind(note, run_key).Run());
  Statement forget = db.Prepare("DELETE FROM run_labels WHERE run_id = ?");
  ANNEAL_RETURN_IF_ERROR(forget.Bind(run_key).Run());
  for (const auto& [key, value] : labels) {
    Statement insert = db.Prepare("INSERT INTO run_labels (run_id, key, value) VALUES (?, ?, ?)");
    ANNEAL_RETURN_IF_ERROR(insert.Bind(run_key, key, value).Run());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<RunStateRow>> RunStates(Connection& db, int64_t experiment_key) {
  Statement query = db.Prepare(
      "SELECT run_id, state, failure_reason FROM runs WHERE experiment_id = ? ORDER BY ordinal");
  query.Bind(experiment_key);
  std::vector<RunStateRow> runs;
  while (query.Next()) runs.push_back(ReadState(query));
  ANNEAL_RETURN_IF_ERROR(query.status());
  return runs;
}

absl::StatusOr<RunStateRow> GetRunStateRow(Connection& db, int64_t run_key) {
  Statement query = db.Prepare("SELECT run_id, state, failure_reason FROM runs WHERE run_id = ?");
  query.Bind(run_key);
  const bool found = query.Next();
  ANNEAL_RETURN_IF_ERROR(query.status());
  if (!found) return NoSuchRun(absl::StrCat("with key ", run_key));
  return ReadState(query);
}

absl::StatusOr<v1::RunState> GetRunState(Connection& db, int64_t run_key) {
  Statement query = db.Prepare("SELECT state FROM runs WHERE run_id = ?");
  query.Bind(run_key);
  const bool found = query.Next();
  ANNEAL_RETURN_IF_ERROR(query.status());
  if (!found) return NoSuchRun(absl::StrCat("with key ", run_key));
  return EnumValue<v1::RunState>(query.Bytes(0));
}

}  // namespace anneal::store
