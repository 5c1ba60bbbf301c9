#include "server/store/run_store.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/enum_name.h"
#include "common/run_state.h"
#include "common/status.h"
#include "common/wall_clock.h"
#include "server/store/epoch_store.h"
#include "server/store/event_store.h"
#include "server/store/experiment_store.h"
#include "server/store/message_column.h"
#include "server/store/queue_store.h"
#include "server/store/test_result_store.h"

namespace anneal::store {
namespace {

constexpr absl::string_view kColumns =
    "r.run_id, r.ordinal, r.seed, r.parameters, r.state, r.failure_reason, r.failure_message,"
    " r.created, r.started, r.ended, r.attempts, r.epochs_done, r.epochs_total, r.engine,"
    " r.dataset_sha256, r.priority, r.user, e.id";
constexpr int kPriorityColumn = 15;
constexpr int kUserColumn = 16;
constexpr int kExperimentColumn = 17;
constexpr int kConfigColumn = 18;
constexpr int kNetworkColumn = 19;

absl::Status NoSuchRun(const std::string& name) {
  return WithReason(absl::NotFoundError(absl::StrCat("there is no run ", name)),
                    v1::ERROR_REASON_RUN_NOT_FOUND);
}

RunStateRow ReadState(const Statement& row) {
  RunStateRow run{.key = row.Int(0), .state = EnumValue<v1::RunState>(row.Bytes(1))};
  if (!row.IsNull(2)) run.failure = EnumValue<v1::FailureReason>(row.Bytes(2));
  return run;
}

// Reads the fields that are in the runs table.
absl::StatusOr<v1::Run> ReadRun(const Statement& row, v1::RunView view) {
  v1::Run run;
  run.set_name(FormatRunName(row.Bytes(kExperimentColumn), row.Int(1)));
  run.set_seed(row.Int(2));
  ANNEAL_RETURN_IF_ERROR(ParametersFromColumn(row.Bytes(3), run.mutable_parameters()));
  run.set_state(EnumValue<v1::RunState>(row.Bytes(4)));
  if (!row.IsNull(5)) {
    run.mutable_failure()->set_reason(EnumValue<v1::FailureReason>(row.Bytes(5)));
    run.mutable_failure()->set_message(row.Text(6));
  }
  *run.mutable_create_time() = ToTimestamp(row.Int(7));
  if (!row.IsNull(8)) *run.mutable_start_time() = ToTimestamp(row.Int(8));
  if (!row.IsNull(9)) *run.mutable_end_time() = ToTimestamp(row.Int(9));
  run.set_attempts(static_cast<int32_t>(row.Int(10)));
  run.set_epochs_done(static_cast<int32_t>(row.Int(11)));
  run.set_epochs_total(static_cast<int32_t>(row.Int(12)));
  run.set_engine(row.Text(13));
  run.set_dataset_sha256(row.Text(14));
  if (view != v1::RUN_VIEW_FULL) return run;
  ANNEAL_RETURN_IF_ERROR(FromColumn(row.Bytes(kConfigColumn), run.mutable_config()));
  if (!row.IsNull(kNetworkColumn)) {
    ANNEAL_RETURN_IF_ERROR(FromColumn(row.Bytes(kNetworkColumn), run.mutable_network()));
  }
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

// Adds the fields that are in other tables.
absl::Status Complete(Connection& db, const Statement& row, v1::RunView view,
                      QueuePositions* positions, v1::Run* run) {
  const int64_t key = row.Int(0);
  if (run->epochs_done() > 0) {
    ANNEAL_ASSIGN_OR_RETURN(*run->mutable_last_epoch(), GetEpoch(db, key, run->epochs_done()));
  }
  if (run->state() == v1::RUN_STATE_PENDING) {
    ANNEAL_ASSIGN_OR_RETURN(const int64_t position,
                            positions->Of(key, row.Int(kPriorityColumn), row.Text(kUserColumn)));
    run->set_queue_position(static_cast<int32_t>(position));
  }
  if (run->state() != v1::RUN_STATE_SUCCEEDED) return absl::OkStatus();
  ANNEAL_ASSIGN_OR_RETURN(const std::vector<v1::TestResult> results,
                          ListTestResults(db, key, view == v1::RUN_VIEW_FULL));
  run->mutable_test_results()->Assign(results.begin(), results.end());
  return absl::OkStatus();
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

absl::StatusOr<v1::Run> GetRun(Connection& db, const RunName& name, v1::RunView view) {
  ANNEAL_ASSIGN_OR_RETURN(const int64_t experiment, ExperimentKey(db, name.experiment_id));
  const RunQuery query = {
      .experiment_key = experiment, .ordinal = name.ordinal, .list = {.limit = 1}, .view = view};
  ANNEAL_ASSIGN_OR_RETURN(std::vector<ListedRun> runs, ListRuns(db, query));
  if (runs.empty()) return NoSuchRun(FormatRunName(name.experiment_id, name.ordinal));
  return std::move(runs[0].run);
}

absl::StatusOr<std::vector<ListedRun>> ListRuns(Connection& db, const RunQuery& query) {
  const bool full = query.view == v1::RUN_VIEW_FULL;
  std::string from = "runs r JOIN experiments e ON e.experiment_id = r.experiment_id";
  if (full) {
    absl::StrAppend(&from, " JOIN configs c ON c.config_id = r.config_id",
                    " LEFT JOIN networks n ON n.network_id = r.network_id");
  }
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
      MakeListStatement(absl::StrCat(kColumns, full ? ", c.json, n.json" : ""),
                        full ? kNetworkColumn + 1 : kConfigColumn, from, conditions,
                        {{.sql = "r.experiment_id"}, {.sql = "r.ordinal"}}, query.list);
  Statement statement = list.is_fixed ? db.Prepare(list.sql) : db.PrepareOnce(list.sql);
  statement.BindValues(list.values);
  std::vector<ListedRun> runs;
  QueuePositions positions(&db);
  PageRoom room(query.list.max_bytes);
  while (statement.Next()) {
    ANNEAL_ASSIGN_OR_RETURN(v1::Run run, ReadRun(statement, query.view));
    ANNEAL_RETURN_IF_ERROR(Complete(db, statement, query.view, &positions, &run));
    runs.push_back({.run = std::move(run), .place = PlaceOf(statement, list)});
    if (!room.Fits(runs.back().run)) break;
  }
  ANNEAL_RETURN_IF_ERROR(statement.status());
  return runs;
}

absl::StatusOr<std::vector<RunConfigRow>> ListRunConfigs(Connection& db, int64_t experiment_key,
                                                         SharedConfigs* configs) {
  Statement query = db.Prepare(
      "SELECT r.run_id, r.config_id, c.json FROM runs r JOIN configs c USING (config_id)"
      " WHERE r.experiment_id = ? ORDER BY r.ordinal");
  query.Bind(experiment_key);
  std::vector<RunConfigRow> rows;
  while (query.Next()) {
    const auto [config, is_new] = configs->try_emplace(query.Int(1));
    if (is_new) ANNEAL_RETURN_IF_ERROR(FromColumn(query.Bytes(2), &config->second));
    rows.push_back({.key = query.Int(0), .config = &config->second});
  }
  ANNEAL_RETURN_IF_ERROR(query.status());
  return rows;
}

absl::Status ChangeRunState(Transaction& transaction, int64_t run_key, v1::RunState to,
                            int64_t time_micros, const std::optional<v1::Failure>& failure) {
  Connection& db = transaction.db();
  ANNEAL_ASSIGN_OR_RETURN(const v1::RunState from, GetRunState(db, run_key));
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
      " cancelled = cancelled - (?2 = 'CANCELLED') + (?3 = 'CANCELLED')"
      " WHERE experiment_id = ?1");
  const std::string from_name = EnumName(from);
  ANNEAL_RETURN_IF_ERROR(counts.Bind(experiment_key, from_name, to_name).Run());
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
  Statement update = transaction.db().Prepare(
      "UPDATE runs SET engine = ?, dataset_sha256 = ?, network_id = ? WHERE run_id = ?");
  return update.Bind(started.engine(), started.dataset_sha256(), network, run_key).Run();
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

absl::Status ExtendRun(Transaction& transaction, int64_t run_key,
                       const v1::TrainingConfig& config) {
  Connection& db = transaction.db();
  Statement forget = db.Prepare("DELETE FROM test_results WHERE run_id = ?");
  ANNEAL_RETURN_IF_ERROR(forget.Bind(run_key).Run());
  ANNEAL_ASSIGN_OR_RETURN(const int64_t key, ConfigKey(transaction, ToColumn(config)));
  Statement update = db.Prepare("UPDATE runs SET config_id = ?, epochs_total = ? WHERE run_id = ?");
  return update.Bind(key, config.epochs(), run_key).Run();
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
