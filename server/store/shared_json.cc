#include "server/store/shared_json.h"

#include "common/status.h"

namespace anneal::store {
namespace {

absl::StatusOr<int64_t> FindOrInsert(Connection& db, absl::string_view find,
                                     absl::string_view insert, absl::string_view json) {
  {
    Statement query = db.Prepare(find);
    query.Bind(json);
    const bool found = query.Next();
    ANNEAL_RETURN_IF_ERROR(query.status());
    if (found) return query.Int(0);
  }
  Statement statement = db.Prepare(insert);
  ANNEAL_RETURN_IF_ERROR(statement.Bind(json).Run());
  return db.last_insert_rowid();
}

}  // namespace

absl::StatusOr<int64_t> ConfigKey(Transaction& transaction, absl::string_view json) {
  return FindOrInsert(transaction.db(), "SELECT config_id FROM configs WHERE json = ?",
                      "INSERT INTO configs (json) VALUES (?)", json);
}

absl::StatusOr<int64_t> NetworkKey(Transaction& transaction, absl::string_view json) {
  return FindOrInsert(transaction.db(), "SELECT network_id FROM networks WHERE json = ?",
                      "INSERT INTO networks (json) VALUES (?)", json);
}

absl::Status RemoveUnusedJson(Transaction& transaction) {
  Connection& db = transaction.db();
  Statement configs = db.Prepare(
      "DELETE FROM configs WHERE NOT EXISTS"
      " (SELECT 1 FROM runs r WHERE r.config_id = configs.config_id)");
  ANNEAL_RETURN_IF_ERROR(configs.Run());
  Statement networks = db.Prepare(
      "DELETE FROM networks WHERE NOT EXISTS"
      " (SELECT 1 FROM runs r WHERE r.network_id = networks.network_id) AND NOT EXISTS"
      " (SELECT 1 FROM experiments e WHERE e.network_id = networks.network_id)");
  return networks.Run();
}

}  // namespace anneal::store
