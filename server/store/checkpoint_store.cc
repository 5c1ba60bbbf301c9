#include "server/store/checkpoint_store.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/status.h"

namespace anneal::store {
namespace {

// The last checkpoint, and the one to fall back to if that is damaged.
constexpr int kGenerations = 2;

constexpr absl::string_view kEndedBefore =
    "r.state IN ('SUCCEEDED', 'FAILED', 'CANCELLED') AND r.ended < ?1";

absl::Status KeepLast(Transaction& transaction, int64_t run_key, int count) {
  Statement forget = transaction.db().Prepare(
      "DELETE FROM checkpoints WHERE run_id = ?1 AND NOT is_best AND step NOT IN"
      " (SELECT step FROM checkpoints WHERE run_id = ?1 ORDER BY step DESC LIMIT ?2)");
  return forget.Bind(run_key, count).Run();
}

struct Attempt {
  std::string directory;
  int64_t number = 0;
};

absl::StatusOr<Attempt> LastAttempt(Connection& db, int64_t run_key) {
  Statement query = db.Prepare(
      "SELECT e.id || '/' || r.ordinal, r.attempts FROM runs r JOIN experiments e"
      " USING (experiment_id) WHERE r.run_id = ?");
  query.Bind(run_key);
  const bool found = query.Next();
  ANNEAL_RETURN_IF_ERROR(query.status());
  if (!found) return absl::NotFoundError(absl::StrCat("there is no run with key ", run_key));
  return Attempt{.directory = query.Text(0), .number = query.Int(1)};
}

}  // namespace

absl::StatusOr<std::string> CheckpointDirectory(Connection& db, int64_t run_key) {
  ANNEAL_ASSIGN_OR_RETURN(const Attempt attempt, LastAttempt(db, run_key));
  return attempt.directory;
}

absl::StatusOr<std::string> NewCheckpointName(Connection& db, int64_t run_key, int64_t step) {
  ANNEAL_ASSIGN_OR_RETURN(const Attempt attempt, LastAttempt(db, run_key));
  return absl::StrFormat("%s/step-%010d-attempt-%d.safetensors", attempt.directory, step,
                         attempt.number);
}

absl::Status InsertCheckpoint(Transaction& transaction, int64_t run_key, const CheckpointRow& row) {
  Connection& db = transaction.db();
  if (row.best) {
    Statement update =
        db.Prepare("UPDATE checkpoints SET is_best = 0 WHERE run_id = ? AND is_best");
    ANNEAL_RETURN_IF_ERROR(update.Bind(run_key).Run());
  }
  Statement insert = db.Prepare(
      // Not OR REPLACE, which does not fire triggers for the row that it deletes.
      "INSERT INTO checkpoints (run_id, step, epoch, is_best, file, bytes, sha256, created)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
      " ON CONFLICT (run_id, step) DO UPDATE SET epoch = excluded.epoch,"
      " is_best = excluded.is_best, file = excluded.file, bytes = excluded.bytes,"
      " sha256 = excluded.sha256, created = excluded.created");
  insert.Bind(run_key, row.step, row.epoch, row.best ? 1 : 0, row.file.name, row.file.bytes,
              row.file.sha256, row.created);
  ANNEAL_RETURN_IF_ERROR(insert.Run());
  return KeepLast(transaction, run_key, kGenerations);
}

absl::Status KeepFinalCheckpoints(Transaction& transaction, int64_t run_key) {
  return KeepLast(transaction, run_key, 1);
}

absl::StatusOr<std::vector<int64_t>> ListRunsWithOldCheckpoints(Connection& db,
                                                                int64_t before_micros) {
  Statement query = db.Prepare(
      absl::StrCat("SELECT DISTINCT c.run_id FROM checkpoints c JOIN runs r USING (run_id) WHERE ",
                   kEndedBefore));
  query.Bind(before_micros);
  std::vector<int64_t> keys;
  while (query.Next()) keys.push_back(query.Int(0));
  ANNEAL_RETURN_IF_ERROR(query.status());
  return keys;
}

absl::StatusOr<bool> ForgetOldCheckpoints(Transaction& transaction, int64_t run_key,
                                          int64_t before_micros) {
  Statement forget =
      transaction.db().Prepare(absl::StrCat("DELETE FROM checkpoints WHERE run_id = ?2 AND EXISTS"
                                            " (SELECT 1 FROM runs r WHERE r.run_id = ?2 AND ",
                                            kEndedBefore, ")"));
  ANNEAL_RETURN_IF_ERROR(forget.Bind(before_micros, run_key).Run());
  return transaction.db().changes() > 0;
}

absl::Status DeleteCheckpoint(Transaction& transaction, int64_t run_key, int64_t step) {
  Statement forget =
      transaction.db().Prepare("DELETE FROM checkpoints WHERE run_id = ? AND step = ?");
  return forget.Bind(run_key, step).Run();
}

absl::StatusOr<std::vector<CheckpointRow>> ListCheckpoints(Connection& db, int64_t run_key) {
  Statement query = db.Prepare(
      "SELECT step, epoch, is_best, file, bytes, sha256, created FROM checkpoints"
      " WHERE run_id = ? ORDER BY step DESC");
  query.Bind(run_key);
  std::vector<CheckpointRow> rows;
  while (query.Next()) {
    rows.push_back({.step = query.Int(0),
                    .epoch = static_cast<int32_t>(query.Int(1)),
                    .best = query.Int(2) != 0,
                    .file = {.name = query.Text(3), .bytes = query.Int(4), .sha256 = query.Text(5)},
                    .created = query.Int(6)});
  }
  ANNEAL_RETURN_IF_ERROR(query.status());
  return rows;
}

}  // namespace anneal::store
