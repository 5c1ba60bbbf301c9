// Looking after a database: whether it is sound, copies of it, and what an upgrade would do. Works
// on the file of a daemon that serves as on one that rests, and changes neither.

#ifndef ANNEAL_SERVER_STORE_MAINTENANCE_H_
#define ANNEAL_SERVER_STORE_MAINTENANCE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace anneal::store {

// Where the database of a data directory is.
std::string DatabasePath(const std::string& directory);

// NOT_FOUND: there is none. FAILED_PRECONDITION: it is not ours, or newer. DATA_LOSS: SQLite's
// integrity check or a foreign key finds something; the first finding is in the message.
absl::Status CheckDatabase(const std::string& path);

// Writes what is committed now to another file, checks it, and puts it in its place: it is there
// whole or not at all. ALREADY_EXISTS: the file is there. Otherwise as CheckDatabase, and what the
// disk says.
absl::Status BackUpDatabase(const std::string& path, const std::string& destination);

// Names of the migrations that this version would bring the database, after they have worked on a
// copy of it beside it. Errors of either.
absl::StatusOr<std::vector<std::string>> TryMigrations(const std::string& path);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_MAINTENANCE_H_
