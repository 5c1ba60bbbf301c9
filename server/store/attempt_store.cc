#include "server/store/attempt_store.h"

#include "common/status.h"
#include "common/wall_clock.h"
#include "server/store/message_column.h"

namespace anneal::store {

absl::Status InsertAttempt(Transaction& transaction, int64_t run_key,
                           const std::optional<v1::Provenance>& provenance) {
  std::optional<int64_t> key;
  if (provenance.has_value()) {
    ANNEAL_ASSIGN_OR_RETURN(key, ProvenanceKey(transaction, ToColumn(*provenance)));
  }
  Statement insert = transaction.db().Prepare(
      "INSERT OR REPLACE INTO attempts"
      " (run_id, number, started, first_epoch, starts_over, provenance_id)"
      " SELECT run_id, attempts, started, epochs_done, started_over = attempts, ?2 FROM runs"
      " WHERE run_id = ?1");
  return insert.Bind(run_key, key).Run();
}

absl::StatusOr<std::vector<v1::Attempt>> ListAttempts(Connection& db, int64_t run_key) {
  Statement query = db.Prepare(
      "SELECT a.number, a.started, a.first_epoch, p.json, a.starts_over FROM attempts a"
      " LEFT JOIN provenances p USING (provenance_id) WHERE a.run_id = ? ORDER BY a.number");
  query.Bind(run_key);
  std::vector<v1::Attempt> attempts;
  while (query.Next()) {
    v1::Attempt& attempt = attempts.emplace_back();
    attempt.set_number(static_cast<int32_t>(query.Int(0)));
    if (!query.IsNull(1)) *attempt.mutable_start_time() = ToTimestamp(query.Int(1));
    attempt.set_first_epoch(static_cast<int32_t>(query.Int(2)));
    attempt.set_starts_over(query.Int(4) != 0);
    if (query.IsNull(3)) continue;
    ANNEAL_RETURN_IF_ERROR(FromColumn(query.Bytes(3), attempt.mutable_provenance()));
  }
  ANNEAL_RETURN_IF_ERROR(query.status());
  return attempts;
}

}  // namespace anneal::store
