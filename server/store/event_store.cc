#include "server/store/event_store.h"

#include "common/enum_name.h"
#include "common/resource_name.h"
#include "common/status.h"
#include "server/store/epoch_store.h"
#include "server/store/json.h"

namespace anneal::store {
namespace {

// Takes the experiment's next sequence number; the one writer makes this free of races.
absl::StatusOr<int64_t> NextSequence(Transaction& transaction, int64_t experiment_key) {
  Statement update = transaction.db().Prepare(
      "UPDATE experiments SET last_sequence = last_sequence + 1 WHERE experiment_id = ?"
      " RETURNING last_sequence");
  update.Bind(experiment_key);
  const bool found = update.Next();
  const int64_t sequence = found ? update.Int(0) : 0;
  ANNEAL_RETURN_IF_ERROR(update.Run());
  if (!found) return absl::NotFoundError("the experiment of an event is gone");
  transaction.NoteEvent(experiment_key);
  return sequence;
}

absl::StatusOr<v1::Event> ReadRow(Connection& db, const Statement& row,
                                  absl::string_view experiment_id) {
  v1::Event event;
  event.set_experiment(ExperimentName(experiment_id));
  event.set_sequence(row.Int(0));
  *event.mutable_time() = ToTimestamp(row.Int(1));
  if (!row.IsNull(3)) event.set_run(FormatRunName(experiment_id, row.Int(9)));
  const std::string kind = row.Text(2);
  if (kind == "EPOCH") {
    ANNEAL_ASSIGN_OR_RETURN(*event.mutable_epoch(),
                            GetEpoch(db, row.Int(3), static_cast<int32_t>(row.Int(4))));
  } else if (kind == "MESSAGE") {
    event.set_message(row.Text(8));
  } else {
    v1::StateChange* change = event.mutable_state_change();
    change->set_from(EnumValue<v1::RunState>(row.Bytes(5)));
    change->set_to(EnumValue<v1::RunState>(row.Bytes(6)));
    if (!row.IsNull(7)) {
      change->mutable_failure()->set_reason(EnumValue<v1::FailureReason>(row.Bytes(7)));
      change->mutable_failure()->set_message(row.Text(8));
    }
  }
  return event;
}

}  // namespace

absl::Status AppendMessage(Transaction& transaction, int64_t experiment_key,
                           std::optional<int64_t> run_key, int64_t time_micros,
                           absl::string_view text) {
  ANNEAL_ASSIGN_OR_RETURN(const int64_t sequence, NextSequence(transaction, experiment_key));
  Statement insert = transaction.db().Prepare(
      "INSERT INTO events (experiment_id, sequence, time, kind, run_id, message)"
      " VALUES (?, ?, ?, 'MESSAGE', ?, ?)");
  return insert.Bind(experiment_key, sequence, time_micros, run_key, text).Run();
}

absl::Status AppendStateChange(Transaction& transaction, int64_t experiment_key, int64_t run_key,
                               int64_t time_micros, const v1::StateChange& change) {
  ANNEAL_ASSIGN_OR_RETURN(const int64_t sequence, NextSequence(transaction, experiment_key));
  const std::string from = EnumName(change.from());
  const std::string to = EnumName(change.to());
  std::optional<std::string> reason;
  std::optional<std::string> message;
  if (change.has_failure()) {
    reason = EnumName(change.failure().reason());
    message = change.failure().message();
  }
  Statement insert = transaction.db().Prepare(
      "INSERT INTO events (experiment_id, sequence, time, kind, run_id, from_state, to_state,"
      " failure_reason, message) VALUES (?, ?, ?, 'STATE', ?, ?, ?, ?, ?)");
  return insert.Bind(experiment_key, sequence, time_micros, run_key, from, to, reason, message)
      .Run();
}

absl::Status AppendEpoch(Transaction& transaction, int64_t experiment_key, int64_t run_key,
                         int64_t time_micros, int32_t epoch) {
  ANNEAL_ASSIGN_OR_RETURN(const int64_t sequence, NextSequence(transaction, experiment_key));
  Statement insert = transaction.db().Prepare(
      "INSERT INTO events (experiment_id, sequence, time, kind, run_id, epoch)"
      " VALUES (?, ?, ?, 'EPOCH', ?, ?)");
  return insert.Bind(experiment_key, sequence, time_micros, run_key, epoch).Run();
}

absl::StatusOr<std::vector<v1::Event>> ListEvents(Connection& db, int64_t experiment_key,
                                                  absl::string_view experiment_id, int64_t after,
                                                  int limit) {
  Statement query = db.Prepare(
      "SELECT v.sequence, v.time, v.kind, v.run_id, v.epoch, v.from_state, v.to_state,"
      " v.failure_reason, v.message, r.ordinal"
      " FROM events v LEFT JOIN runs r USING (run_id)"
      " WHERE v.experiment_id = ? AND v.sequence > ? ORDER BY v.sequence LIMIT ?");
  query.Bind(experiment_key, after, limit);
  std::vector<v1::Event> events;
  while (query.Next()) {
    ANNEAL_ASSIGN_OR_RETURN(events.emplace_back(), ReadRow(db, query, experiment_id));
  }
  ANNEAL_RETURN_IF_ERROR(query.status());
  return events;
}

absl::StatusOr<LogPosition> GetLogPosition(Connection& db, int64_t experiment_key) {
  Statement query = db.Prepare(
      "SELECT last_sequence, pending + running + suspended FROM experiments"
      " WHERE experiment_id = ?");
  query.Bind(experiment_key);
  const bool found = query.Next();
  ANNEAL_RETURN_IF_ERROR(query.status());
  if (!found) return absl::NotFoundError("the experiment was deleted");
  return LogPosition{.last_sequence = query.Int(0), .all_runs_ended = query.Int(1) == 0};
}

}  // namespace anneal::store
