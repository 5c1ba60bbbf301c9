// These functions check a database, back it up, and try an upgrade on a copy. A daemon may be using
// the database; the file is never changed.

#ifndef ANNEAL_SERVER_STORE_MAINTENANCE_H_
#define ANNEAL_SERVER_STORE_MAINTENANCE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace anneal::store {

// Returns the path of a data directory's database.
std::string DatabasePath(const std::string& directory);

// Checks integrity and foreign keys. NOT_FOUND: there is no database. FAILED_PRECONDITION: it
// belongs to another application or a newer version. DATA_LOSS, with the first finding.
absl::Status CheckDatabase(const std::string& path);

// Copies the committed state to `destination` atomically, after checking the copy. ALREADY_EXISTS:
// the file exists. Otherwise errors of CheckDatabase and of the file system.
absl::Status BackUpDatabase(const std::string& path, const std::string& destination);

// Applies the pending migrations to a temporary copy beside the database and returns their names.
// Errors of CheckDatabase, the copy and the migrations.
absl::StatusOr<std::vector<std::string>> TryMigrations(const std::string& path);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_MAINTENANCE_H_
