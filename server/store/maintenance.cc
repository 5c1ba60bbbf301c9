#include "server/store/maintenance.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <system_error>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "server/store/connection.h"
#include "server/store/migrations.h"

namespace anneal::store {
namespace {

absl::StatusOr<std::unique_ptr<Connection>> OpenToRead(const std::string& path) {
  if (std::error_code ignored; !std::filesystem::exists(path, ignored)) {
    return absl::NotFoundError("there is no database; choose another --data-dir");
  }
  ANNEAL_ASSIGN_OR_RETURN(auto connection, Connection::Open(path, Connection::Mode::kReadOnly));
  ANNEAL_RETURN_IF_ERROR(CheckOwner(connection.get()));
  return connection;
}

absl::Status Check(const std::string& path) {
  ANNEAL_ASSIGN_OR_RETURN(const auto connection, OpenToRead(path));
  {
    Statement findings = connection->Prepare("PRAGMA integrity_check(1)");
    while (findings.Next()) {
      const std::string finding = findings.Text(0);
      if (finding != "ok") return absl::DataLossError(finding);
    }
    ANNEAL_RETURN_IF_ERROR(findings.status());
  }
  Statement orphans = connection->Prepare("PRAGMA foreign_key_check");
  if (orphans.Next()) {
    return absl::DataLossError(absl::StrCat("a row of ", orphans.Text(0),
                                            " refers to a missing row of ", orphans.Text(2)));
  }
  return orphans.status();
}

// Syncs a file and its directory entry.
absl::Status Sync(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
  const absl::Status status = synced ? absl::OkStatus() : absl::ErrnoToStatus(errno, "cannot sync");
  if (descriptor >= 0) ::close(descriptor);
  return status;
}

// Removes a database with its WAL and shared-memory files.
void Remove(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
    ::unlink(absl::StrCat(path, suffix).c_str());
  }
}

absl::Status Copy(const std::string& path, const std::string& destination) {
  ANNEAL_ASSIGN_OR_RETURN(const auto connection, OpenToRead(path));
  return connection->CopyTo(destination);
}

absl::Status BackUp(const std::string& path, const std::string& destination) {
  const std::string temporary = absl::StrCat(destination, ".part");
  Remove(temporary);
  const absl::Cleanup remove = [&temporary] { Remove(temporary); };
  ANNEAL_RETURN_IF_ERROR(Copy(path, temporary));
  ANNEAL_RETURN_IF_ERROR(Check(temporary));
  ANNEAL_RETURN_IF_ERROR(Sync(temporary));
  // A link, unlike a rename, does not replace a file that was created meanwhile.
  if (::link(temporary.c_str(), destination.c_str()) != 0) {
    if (errno == EEXIST) {
      return absl::AlreadyExistsError("the file exists already; choose another name");
    }
    return absl::ErrnoToStatus(errno, "cannot be written");
  }
  const std::string directory = std::filesystem::absolute(destination).parent_path();
  return Sync(directory);
}

}  // namespace

std::string DatabasePath(const std::string& directory) {
  return absl::StrCat(directory, "/anneal.db");
}

absl::Status CheckDatabase(const std::string& path) { return WithPath(Check(path), path); }

absl::Status BackUpDatabase(const std::string& path, const std::string& destination) {
  if (std::error_code ignored; std::filesystem::exists(destination, ignored)) {
    return absl::AlreadyExistsError(
        absl::StrCat(destination, " exists already; choose another name"));
  }
  if (const auto connection = OpenToRead(path); !connection.ok()) {
    return WithPath(connection.status(), path);
  }
  return WithPath(BackUp(path, destination), destination);
}

absl::StatusOr<std::vector<std::string>> TryMigrations(const std::string& path) {
  const std::string copy = absl::StrCat(path, ".migrated");
  Remove(copy);
  const absl::Cleanup remove = [&copy] { Remove(copy); };
  ANNEAL_RETURN_IF_ERROR(WithPath(Copy(path, copy), path));
  ANNEAL_ASSIGN_OR_RETURN(const auto connection,
                          Connection::Open(copy, Connection::Mode::kReadWrite));
  ANNEAL_ASSIGN_OR_RETURN(const int64_t version, connection->QueryInt("PRAGMA user_version"));
  ANNEAL_RETURN_IF_ERROR(WithPath(Migrate(connection.get()), copy));
  std::vector<std::string> names;
  for (const Migration& migration : Migrations().subspan(static_cast<size_t>(version))) {
    names.emplace_back(migration.name);
  }
  return names;
}

}  // namespace anneal::store
