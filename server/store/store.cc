#include "server/store/store.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "server/store/maintenance.h"
#include "server/store/migrations.h"

namespace anneal::store {
namespace {

// Opening for writing enables the WAL, which changes the file. So check first, read-only, that the
// file is ours.
absl::Status CheckExisting(const std::string& path) {
  if (std::error_code ignored; !std::filesystem::exists(path, ignored)) return absl::OkStatus();
  ANNEAL_ASSIGN_OR_RETURN(auto connection, Connection::Open(path, Connection::Mode::kReadOnly));
  return CheckOwner(connection.get());
}

absl::StatusOr<std::unique_ptr<Connection>> OpenWriter(const std::string& path) {
  ANNEAL_RETURN_IF_ERROR(CheckExisting(path));
  ANNEAL_ASSIGN_OR_RETURN(auto connection, Connection::Open(path, Connection::Mode::kReadWrite));
  ANNEAL_RETURN_IF_ERROR(Migrate(connection.get()));
  // A read-only file fails only on the first write. Write now rather than at the first submission.
  ANNEAL_RETURN_IF_ERROR(connection->Execute(
      "BEGIN IMMEDIATE; UPDATE runs SET attempts = attempts WHERE run_id = 0; COMMIT"));
  return connection;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const std::string& directory,
                                                   int64_t reserve_bytes) {
  ANNEAL_ASSIGN_OR_RETURN(auto lock, DirectoryLock::Take(directory));
  const std::string path = DatabasePath(directory);
  auto connection = OpenWriter(path);
  if (!connection.ok()) return WithPath(connection.status(), path);
  auto reserve = std::make_unique<Reserve>(absl::StrCat(directory, "/reserve"), reserve_bytes);
  return std::unique_ptr<Store>(new Store(
      path, std::move(lock), std::make_unique<Writer>(*std::move(connection), std::move(reserve))));
}

Store::Store(std::string path, std::unique_ptr<DirectoryLock> lock, std::unique_ptr<Writer> writer)
    : path_(std::move(path)), lock_(std::move(lock)), writer_(std::move(writer)) {}

Store::~Store() {
  {
    // Close readers first, so that the writer's last checkpoint can remove the WAL.
    MutexLock lock(&mutex_);
    idle_readers_.clear();
  }
  writer_.reset();
}

void Store::Probe() {
  // Writes the present version again, which rewrites a page without changing it.
  (void)Write([](Transaction& transaction) -> absl::Status {
    ANNEAL_ASSIGN_OR_RETURN(const int64_t version,
                            transaction.db().QueryInt("PRAGMA user_version"));
    return transaction.db().Execute(absl::StrCat("PRAGMA user_version = ", version));
  });
}

absl::StatusOr<std::unique_ptr<Connection>> Store::TakeReader() {
  {
    MutexLock lock(&mutex_);
    if (!idle_readers_.empty()) {
      std::unique_ptr<Connection> reader = std::move(idle_readers_.back());
      idle_readers_.pop_back();
      return reader;
    }
  }
  return Connection::Open(path_, Connection::Mode::kReadOnly);
}

absl::Status Store::ReadSnapshot(const std::function<absl::Status(Connection&)>& function) {
  ANNEAL_ASSIGN_OR_RETURN(std::unique_ptr<Connection> reader, TakeReader());
  ANNEAL_RETURN_IF_ERROR(reader->Prepare("BEGIN").Run());
  absl::Status status = function(*reader);
  status.Update(reader->Prepare("COMMIT").Run());
  if (!status.ok() && reader->in_transaction()) return status;  // drop the connection
  MutexLock lock(&mutex_);
  idle_readers_.push_back(std::move(reader));
  return status;
}

}  // namespace anneal::store
