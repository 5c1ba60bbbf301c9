#include "server/store/look_store.h"

#include <string>

#include "common/enum_name.h"
#include "common/status.h"
#include "server/store/event_store.h"

namespace anneal::store {
namespace {

constexpr int64_t kHourMicros = 3'600'000'000;

// Stores the look's time, unless an equal one was counted within an hour. The clock may have been
// set back since.
absl::StatusOr<bool> IsNew(Connection& db, int64_t experiment_key, const v1::Look& look,
                           int64_t time_micros) {
  const std::string kind = EnumName(look.kind());
  Statement upsert = db.Prepare(
      "INSERT INTO looks (experiment_id, kind, metric, user, time) VALUES (?, ?, ?, ?, ?)"
      " ON CONFLICT (experiment_id, kind, metric, user) DO UPDATE SET time = excluded.time WHERE "
      "abs(excluded.time - time) >= ?");
  upsert.Bind(experiment_key, kind, look.metric(), look.user(), time_micros, kHourMicros);
  ANNEAL_RETURN_IF_ERROR(upsert.Run());
  return db.changes() > 0;
}

}  // namespace

absl::StatusOr<bool> RecordLook(Transaction& transaction, int64_t experiment_key,
                                const v1::Look& look, int64_t time_micros) {
  Connection& db = transaction.db();
  ANNEAL_ASSIGN_OR_RETURN(const bool is_new, IsNew(db, experiment_key, look, time_micros));
  if (!is_new) return false;
  Statement count = db.Prepare("UPDATE experiments SET looks = looks + 1 WHERE experiment_id = ?");
  ANNEAL_RETURN_IF_ERROR(count.Bind(experiment_key).Run());
  ANNEAL_RETURN_IF_ERROR(AppendLook(transaction, experiment_key, time_micros, look));
  return true;
}

}  // namespace anneal::store
