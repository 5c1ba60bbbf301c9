#include "server/store/migrations.h"

#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace anneal::store {
namespace {

constexpr int64_t kApplicationId = 0x414e4e4c;  // "ANNL"

}  // namespace

absl::Status CheckOwner(Connection* connection) {
  const auto known = static_cast<int64_t>(Migrations().size());
  ANNEAL_ASSIGN_OR_RETURN(const int64_t version, connection->QueryInt("PRAGMA user_version"));
  ANNEAL_ASSIGN_OR_RETURN(const int64_t application, connection->QueryInt("PRAGMA application_id"));
  ANNEAL_ASSIGN_OR_RETURN(const int64_t tables,
                          connection->QueryInt("SELECT count(*) FROM sqlite_schema"));
  const bool fresh = application == 0 && version == 0 && tables == 0;
  if (!fresh && application != kApplicationId) {
    return absl::FailedPreconditionError(
        "the database belongs to another application; name another --data-dir");
  }
  if (version > known) {
    return absl::FailedPreconditionError(absl::StrCat("the database has schema version ", version,
                                                      ", and this anneald knows ", known,
                                                      "; run the newer anneald that wrote it"));
  }
  return absl::OkStatus();
}

absl::Status Migrate(Connection* connection) {
  ANNEAL_RETURN_IF_ERROR(CheckOwner(connection));
  const absl::Span<const Migration> migrations = Migrations();
  ANNEAL_ASSIGN_OR_RETURN(const int64_t version, connection->QueryInt("PRAGMA user_version"));
  const auto known = static_cast<int64_t>(migrations.size());
  if (version == known) return absl::OkStatus();

  std::string script = absl::StrCat("PRAGMA application_id = ", kApplicationId, ";");
  for (int64_t next = version; next < known; ++next) {
    absl::StrAppend(&script, migrations[static_cast<size_t>(next)].sql, "\n");
  }
  absl::StrAppend(&script, "PRAGMA user_version = ", known, ";");
  ANNEAL_RETURN_IF_ERROR(connection->Execute("BEGIN IMMEDIATE"));
  const absl::Status status = connection->Execute(script);
  if (status.ok()) return connection->Execute("COMMIT");
  if (connection->in_transaction()) (void)connection->Execute("ROLLBACK");
  return status;
}

}  // namespace anneal::store
