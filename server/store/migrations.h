// The schema's versions. migrations/NNNN_name.sql are compiled in; user_version counts those that a
// file has had.

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

// All migrations, in order; the first makes version 1.
absl::Span<const Migration> Migrations();

// FAILED_PRECONDITION: the file belongs to another application, or to a newer version of this one.
// Only reads.
absl::Status CheckOwner(Connection* connection);

// Brings a database up to date, in one transaction. FAILED_PRECONDITION, with nothing changed: the
// file belongs to another application, or to a newer version of this one.
absl::Status Migrate(Connection* connection);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_MIGRATIONS_H_
