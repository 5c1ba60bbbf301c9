#include "server/store/start_over.h"

#include "absl/strings/str_cat.h"
#include "common/provenance.h"
#include "common/status.h"
#include "server/store/attempt_store.h"
#include "server/store/epoch_store.h"
#include "server/store/event_store.h"

namespace anneal::store {
namespace {

absl::StatusOr<bool> HasProgress(Connection& db, int64_t run_key) {
  Statement query = db.Prepare(
      "SELECT epochs_done > 0 OR EXISTS (SELECT 1 FROM checkpoints c WHERE c.run_id = r.run_id)"
      " FROM runs r WHERE r.run_id = ?");
  query.Bind(run_key);
  const bool has_progress = query.Next() && query.Int(0) != 0;
  ANNEAL_RETURN_IF_ERROR(query.status());
  return has_progress;
}

struct RunRow {
  int64_t experiment_key = 0;
  int64_t attempt = 0;  // the one that begins
};

absl::StatusOr<RunRow> ReadRunRow(Connection& db, int64_t run_key) {
  Statement query = db.Prepare("SELECT experiment_id, attempts FROM runs WHERE run_id = ?");
  query.Bind(run_key);
  RunRow row;
  if (query.Next()) row = {.experiment_key = query.Int(0), .attempt = query.Int(1)};
  ANNEAL_RETURN_IF_ERROR(query.status());
  return row;
}

// Copies the run's epochs to those of `attempt`.
absl::Status KeepEpochs(Transaction& transaction, int64_t run_key, int64_t attempt) {
  constexpr int kAtATime = 1000;
  for (int32_t after = 0;;) {
    ANNEAL_ASSIGN_OR_RETURN(const std::vector<v1::Epoch> epochs,
                            ListEpochs(transaction.db(), run_key, after, kAtATime));
    if (epochs.empty()) return absl::OkStatus();
    after = epochs.back().epoch();
    for (const v1::Epoch& epoch : epochs) {
      const std::string record = epoch.SerializeAsString();
      Statement insert = transaction.db().Prepare(
          "INSERT INTO earlier_epochs (run_id, attempt, epoch, record) VALUES (?, ?, ?, ?)");
      ANNEAL_RETURN_IF_ERROR(insert.Bind(run_key, attempt, epoch.epoch(), Blob{record}).Run());
    }
  }
}

absl::Status RemoveProgress(Connection& db, int64_t run_key) {
  for (const char* sql :
       {"DELETE FROM epochs WHERE run_id = ?", "DELETE FROM run_extremes WHERE run_id = ?",
        "DELETE FROM checkpoints WHERE run_id = ?",
        "UPDATE runs SET epochs_done = 0, collapsed = 0, started_over = attempts,"
        " train_loss = NULL, train_accuracy = NULL, validation_loss = NULL,"
        " validation_accuracy = NULL, best_validation_accuracy = NULL,"
        " max_validation_accuracy = NULL, min_validation_loss = NULL, best_validation_loss = NULL,"
        " best_validation_relu_accuracy = NULL WHERE run_id = ?"}) {
    ANNEAL_RETURN_IF_ERROR(db.Prepare(sql).Bind(run_key).Run());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::optional<std::string>> OtherKindOf(Connection& db, int64_t run_key,
                                                       absl::string_view kind) {
  ANNEAL_ASSIGN_OR_RETURN(const bool has_progress, HasProgress(db, run_key));
  if (!has_progress) return std::optional<std::string>();
  ANNEAL_ASSIGN_OR_RETURN(const std::vector<v1::Attempt> attempts, ListAttempts(db, run_key));
  const bool is_known = !attempts.empty() && attempts.back().has_provenance();
  const std::string recorded = is_known ? KindOf(attempts.back().provenance()) : "";
  return recorded == kind ? std::nullopt : std::optional<std::string>(recorded);
}

absl::Status StartOver(Transaction& transaction, int64_t run_key, int64_t time_micros,
                       absl::string_view reason) {
  Connection& db = transaction.db();
  ANNEAL_ASSIGN_OR_RETURN(const RunRow run, ReadRunRow(db, run_key));
  ANNEAL_RETURN_IF_ERROR(KeepEpochs(transaction, run_key, run.attempt - 1));
  {
    Statement events = db.Prepare(
        "UPDATE events SET attempt = ? WHERE experiment_id = ? AND run_id = ? AND kind = 'EPOCH'"
        " AND attempt IS NULL");
    ANNEAL_RETURN_IF_ERROR(events.Bind(run.attempt - 1, run.experiment_key, run_key).Run());
  }
  ANNEAL_RETURN_IF_ERROR(RemoveProgress(db, run_key));
  v1::StartOver start_over;
  start_over.set_attempt(static_cast<int32_t>(run.attempt));
  start_over.set_reason(std::string(reason));
  return AppendStartOver(transaction, run.experiment_key, run_key, time_micros, start_over);
}

absl::StatusOr<std::vector<v1::Epoch>> ListEarlierEpochs(Connection& db, int64_t run_key,
                                                         int32_t attempt, int32_t after,
                                                         int limit) {
  Statement query = db.Prepare(
      "SELECT record FROM earlier_epochs WHERE run_id = ? AND attempt = ? AND epoch > ?"
      " ORDER BY epoch LIMIT ?");
  query.Bind(run_key, attempt, after, limit);
  std::vector<v1::Epoch> epochs;
  while (query.Next()) {
    if (!epochs.emplace_back().ParseFromString(query.Text(0))) {
      return absl::DataLossError(
          absl::StrCat("an epoch of attempt ", attempt, " of run ", run_key, " is damaged"));
    }
  }
  ANNEAL_RETURN_IF_ERROR(query.status());
  return epochs;
}

}  // namespace anneal::store
