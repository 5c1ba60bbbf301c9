// `Migrate` brings a database to the current schema. The migrations (migrations/NNNN_name.sql) are
// compiled in, and a database's user_version is the number of applied migrations.

#ifndef ANNEAL_SERVER_STORE_MIGRATIONS_H_
#define ANNEAL_SERVER_STORE_MIGRATIONS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "server/store/connection.h"

namespace anneal::store {

struct Migration {
  const char* name;  // such as 0001_first_light
  const char* sql;
};

// Returns all migrations in order; the first makes version 1.
absl::Span<const Migration> Migrations();

// Reads the schema version and checks it. FAILED_PRECONDITION: the file belongs to another
// application, or to a newer version of this one.
absl::Status CheckOwner(Connection* connection);

// Applies the pending migrations in one transaction. Errors of the check, with nothing changed.
absl::Status Migrate(Connection* connection);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_MIGRATIONS_H_
