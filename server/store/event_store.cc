#include "server/store/event_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/enum_name.h"
#include "common/resource_name.h"
#include "common/status.h"
#include "common/wall_clock.h"
#include "server/store/epoch_store.h"
#include "server/store/message_column.h"
#include "server/store/start_over.h"

namespace anneal::store {
namespace {

struct Slot {
  int64_t sequence = 0;
  int64_t position = 0;
};

absl::StatusOr<int64_t> TakeNumber(Statement update) {
  const bool found = update.Next();
  const int64_t number = found ? update.Int(0) : 0;
  ANNEAL_RETURN_IF_ERROR(update.Run());
  if (!found) return absl::NotFoundError("the event's experiment does not exist");
  return number;
}

// Takes the next sequence and position. There is only one writer, so this is free of races.
absl::StatusOr<Slot> NextSlot(Transaction& transaction, int64_t experiment_key) {
  Slot slot;
  Statement sequence = transaction.db().Prepare(
      "UPDATE experiments SET last_sequence = last_sequence + 1 WHERE experiment_id = ?"
      " RETURNING last_sequence");
  sequence.Bind(experiment_key);
  ANNEAL_ASSIGN_OR_RETURN(slot.sequence, TakeNumber(std::move(sequence)));
  ANNEAL_ASSIGN_OR_RETURN(slot.position,
                          TakeNumber(transaction.db().Prepare(
                              "UPDATE counters SET value = value + 1 WHERE name = 'events'"
                              " RETURNING value")));
  transaction.NoteEvent(experiment_key);
  return slot;
}

// The epoch counts, or is one of an attempt before the run began anew.
absl::StatusOr<v1::Epoch> EpochOf(Connection& db, const Statement& row) {
  const int64_t run = row.Int(3);
  const auto number = static_cast<int32_t>(row.Int(4));
  if (row.IsNull(13)) return GetEpoch(db, run, number);
  ANNEAL_ASSIGN_OR_RETURN(
      std::vector<v1::Epoch> epochs,
      ListEarlierEpochs(db, run, static_cast<int32_t>(row.Int(13)), number - 1, /*limit=*/1));
  if (epochs.empty()) {
    return absl::DataLossError(absl::StrCat("epoch ", number, " of an earlier attempt is lost"));
  }
  return std::move(epochs[0]);
}

absl::StatusOr<v1::Event> ReadEvent(Connection& db, const Statement& row) {
  const absl::string_view experiment_id = row.Bytes(10);
  v1::Event event;
  event.set_experiment(ExperimentName(experiment_id));
  event.set_sequence(row.Int(0));
  event.set_position(row.Int(11));
  *event.mutable_time() = ToTimestamp(row.Int(1));
  if (!row.IsNull(3)) event.set_run(FormatRunName(experiment_id, row.Int(9)));
  const std::string kind = row.Text(2);
  if (kind == "EPOCH") {
    ANNEAL_ASSIGN_OR_RETURN(*event.mutable_epoch(), EpochOf(db, row));
  } else if (!row.IsNull(12)) {
    ANNEAL_RETURN_IF_ERROR(FromColumn(row.Bytes(12), event.mutable_look()));
  } else if (!row.IsNull(13)) {
    event.mutable_start_over()->set_attempt(static_cast<int32_t>(row.Int(13)));
    event.mutable_start_over()->set_reason(row.Text(8));
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
  ANNEAL_ASSIGN_OR_RETURN(const Slot slot, NextSlot(transaction, experiment_key));
  Statement insert = transaction.db().Prepare(
      "INSERT INTO events (experiment_id, sequence, position, time, kind, run_id, message)"
      " VALUES (?, ?, ?, ?, 'MESSAGE', ?, ?)");
  return insert.Bind(experiment_key, slot.sequence, slot.position, time_micros, run_key, text)
      .Run();
}

absl::Status AppendLook(Transaction& transaction, int64_t experiment_key, int64_t time_micros,
                        const v1::Look& look) {
  ANNEAL_ASSIGN_OR_RETURN(const Slot slot, NextSlot(transaction, experiment_key));
  const std::string json = ToColumn(look);
  Statement insert = transaction.db().Prepare(
      "INSERT INTO events (experiment_id, sequence, position, time, kind, look)"
      " VALUES (?, ?, ?, ?, 'MESSAGE', ?)");
  return insert.Bind(experiment_key, slot.sequence, slot.position, time_micros, json).Run();
}

absl::Status AppendStartOver(Transaction& transaction, int64_t experiment_key, int64_t run_key,
                             int64_t time_micros, const v1::StartOver& start_over) {
  ANNEAL_ASSIGN_OR_RETURN(const Slot slot, NextSlot(transaction, experiment_key));
  Statement insert = transaction.db().Prepare(
      "INSERT INTO events (experiment_id, sequence, position, time, kind, run_id, attempt, message)"
      " VALUES (?, ?, ?, ?, 'MESSAGE', ?, ?, ?)");
  insert.Bind(experiment_key, slot.sequence, slot.position, time_micros, run_key,
              start_over.attempt(), start_over.reason());
  return insert.Run();
}

absl::Status AppendStateChange(Transaction& transaction, int64_t experiment_key, int64_t run_key,
                               int64_t time_micros, const v1::StateChange& change) {
  ANNEAL_ASSIGN_OR_RETURN(const Slot slot, NextSlot(transaction, experiment_key));
  const std::string from = EnumName(change.from());
  const std::string to = EnumName(change.to());
  std::optional<std::string> reason;
  std::optional<std::string> message;
  if (change.has_failure()) {
    reason = EnumName(change.failure().reason());
    message = change.failure().message();
  }
  Statement insert = transaction.db().Prepare(
      "INSERT INTO events (experiment_id, sequence, position, time, kind, run_id, from_state,"
      " to_state, failure_reason, message) VALUES (?, ?, ?, ?, 'STATE', ?, ?, ?, ?, ?)");
  insert.Bind(experiment_key, slot.sequence, slot.position, time_micros, run_key, from, to, reason,
              message);
  return insert.Run();
}

absl::Status AppendEpoch(Transaction& transaction, int64_t experiment_key, int64_t run_key,
                         int64_t time_micros, int32_t epoch) {
  ANNEAL_ASSIGN_OR_RETURN(const Slot slot, NextSlot(transaction, experiment_key));
  Statement insert = transaction.db().Prepare(
      "INSERT INTO events (experiment_id, sequence, position, time, kind, run_id, epoch)"
      " VALUES (?, ?, ?, ?, 'EPOCH', ?, ?)");
  return insert.Bind(experiment_key, slot.sequence, slot.position, time_micros, run_key, epoch)
      .Run();
}

absl::StatusOr<std::vector<v1::Event>> ListEvents(Connection& db, const EventQuery& query) {
  static const auto& select = *new std::string(
      "SELECT v.sequence, v.time, v.kind, v.run_id, v.epoch, v.from_state, v.to_state,"
      " v.failure_reason, v.message, r.ordinal, e.id, v.position, v.look, v.attempt FROM events v"
      " JOIN experiments e USING (experiment_id) LEFT JOIN runs r USING (run_id)");
  static const auto& of_all =
      *new std::string(select + " WHERE v.position > ? ORDER BY v.position LIMIT ?");
  static const auto& of_experiment = *new std::string(
      select + " WHERE v.experiment_id = ? AND v.sequence > ? ORDER BY v.sequence LIMIT ?");
  static const auto& of_run =
      *new std::string(select +
                       " WHERE v.experiment_id = ? AND v.sequence > ? AND v.run_id = ?"
                       " ORDER BY v.sequence LIMIT ?");
  Statement statement = db.Prepare(!query.experiment_key.has_value() ? of_all
                                   : !query.run_key.has_value()      ? of_experiment
                                                                     : of_run);
  if (!query.experiment_key.has_value()) {
    statement.Bind(query.after, query.limit);
  } else if (!query.run_key.has_value()) {
    statement.Bind(*query.experiment_key, query.after, query.limit);
  } else {
    statement.Bind(*query.experiment_key, query.after, *query.run_key, query.limit);
  }
  std::vector<v1::Event> events;
  while (statement.Next()) {
    ANNEAL_ASSIGN_OR_RETURN(events.emplace_back(), ReadEvent(db, statement));
  }
  ANNEAL_RETURN_IF_ERROR(statement.status());
  return events;
}

absl::StatusOr<LogPosition> GetLogPosition(Connection& db, const EventQuery& query) {
  if (!query.experiment_key.has_value()) {
    ANNEAL_ASSIGN_OR_RETURN(const int64_t last,
                            db.QueryInt("SELECT value FROM counters WHERE name = 'events'"));
    ANNEAL_ASSIGN_OR_RETURN(const int64_t pruned,
                            db.QueryInt("SELECT value FROM counters WHERE name = 'events_pruned'"));
    return LogPosition{.pruned = pruned, .last = last};
  }
  Statement statement = db.Prepare(
      "SELECT e.last_sequence, CASE WHEN ?2 IS NULL THEN e.pending + e.running + e.suspended = 0"
      " ELSE r.state IN ('SUCCEEDED', 'FAILED', 'CANCELLED') END,"
      " (SELECT min(v.sequence) FROM events v WHERE v.experiment_id = ?1)"
      " FROM experiments e LEFT JOIN runs r ON r.run_id = ?2 WHERE e.experiment_id = ?1");
  statement.Bind(*query.experiment_key, query.run_key);
  const bool found = statement.Next();
  ANNEAL_RETURN_IF_ERROR(statement.status());
  if (!found) {
    return WithReason(absl::NotFoundError("the experiment has been purged"),
                      v1::ERROR_REASON_EXPERIMENT_NOT_FOUND);
  }
  const int64_t last = statement.Int(0);
  return LogPosition{.pruned = statement.IsNull(2) ? last : statement.Int(2) - 1,
                     .last = last,
                     .ended = statement.Int(1) != 0};
}

absl::StatusOr<std::vector<int64_t>> ListPrunable(Connection& db, int64_t before_micros) {
  Statement query = db.Prepare(
      "SELECT e.experiment_id FROM experiments e JOIN events v"
      " ON v.experiment_id = e.experiment_id AND v.sequence = e.last_sequence"
      " WHERE e.pending + e.running + e.suspended = 0 AND v.time < ?");
  query.Bind(before_micros);
  std::vector<int64_t> keys;
  while (query.Next()) keys.push_back(query.Int(0));
  ANNEAL_RETURN_IF_ERROR(query.status());
  return keys;
}

absl::StatusOr<int64_t> PruneEvents(Transaction& transaction, int64_t experiment_key,
                                    int64_t before_micros, int64_t limit) {
  Connection& db = transaction.db();
  Statement prune = db.Prepare(
      "DELETE FROM events WHERE experiment_id = ?1 AND sequence IN"
      " (SELECT v.sequence FROM events v WHERE v.experiment_id = ?1 ORDER BY v.sequence LIMIT ?3)"
      " AND EXISTS (SELECT 1 FROM experiments e JOIN events v"
      "  ON v.experiment_id = e.experiment_id AND v.sequence = e.last_sequence"
      "  WHERE e.experiment_id = ?1 AND e.pending + e.running + e.suspended = 0 AND v.time < ?2)"
      " RETURNING position");
  prune.Bind(experiment_key, before_micros, limit);
  // Wakes watchers whose cursor is in the pruned range.
  transaction.NoteEvent(experiment_key);
  int64_t count = 0;
  int64_t last = 0;
  for (; prune.Next(); ++count) last = std::max(last, prune.Int(0));
  ANNEAL_RETURN_IF_ERROR(prune.status());
  Statement note =
      db.Prepare("UPDATE counters SET value = max(value, ?) WHERE name = 'events_pruned'");
  ANNEAL_RETURN_IF_ERROR(note.Bind(last).Run());
  return count;
}

}  // namespace anneal::store
