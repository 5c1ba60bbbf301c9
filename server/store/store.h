// `Store` owns a data directory: its lock, its database, one writer, and a pool of readers.

#ifndef ANNEAL_SERVER_STORE_STORE_H_
#define ANNEAL_SERVER_STORE_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "server/store/connection.h"
#include "server/store/directory_lock.h"
#include "server/store/writer.h"

namespace anneal::store {

// Thread-safe. All methods block on the disk, so do not call them on gRPC's callback threads.
class Store {
 public:
  // Creates the directory (mode 0700) and the database if missing, takes the lock and migrates.
  // Keeps `reserve_bytes` of disk space for writes that make room.
  // FAILED_PRECONDITION: another daemon holds the directory, or the database belongs to another
  // application or a newer version. DATA_LOSS: corrupt. PERMISSION_DENIED: not writable. An
  // existing database is never replaced.
  static absl::StatusOr<std::unique_ptr<Store>> Open(const std::string& directory,
                                                     int64_t reserve_bytes = 0);
  // Requires that no read or write is in progress. Checkpoints the WAL.
  ~Store();

  void set_commit_listener(Writer::CommitListener listener) {
    writer_->set_commit_listener(std::move(listener));
  }

  void set_commit_observer(Writer::CommitObserver observer) {
    writer_->set_commit_observer(std::move(observer));
  }

  absl::Status Write(Writer::WriteFunction function,
                     Writer::Purpose purpose = Writer::Purpose::kRecord) {
    return writer_->Write(std::move(function), purpose);
  }

  // Returns the path of the database.
  const std::string& path() const { return path_; }

  // Health probe: makes a no-op commit, whose status the commit observer receives.
  void Probe();

  // Runs `function` on a snapshot of the committed state. Returns its result, a StatusOr, or the
  // error of opening or closing the snapshot.
  template <typename Function>
  std::invoke_result_t<Function&, Connection&> Read(Function&& function)
      ABSL_LOCKS_EXCLUDED(mutex_) {
    std::invoke_result_t<Function&, Connection&> result = absl::UnknownError("not read");
    const absl::Status status = ReadSnapshot([&](Connection& db) {
      result = function(db);
      if constexpr (std::is_same_v<decltype(result), absl::Status>) {
        return result;
      } else {
        return result.status();
      }
    });
    if (!status.ok()) return status;
    return result;
  }

 private:
  absl::Status ReadSnapshot(const std::function<absl::Status(Connection&)>& function)
      ABSL_LOCKS_EXCLUDED(mutex_);
  Store(std::string path, std::unique_ptr<DirectoryLock> lock, std::unique_ptr<Writer> writer);
  absl::StatusOr<std::unique_ptr<Connection>> TakeReader() ABSL_LOCKS_EXCLUDED(mutex_);

  const std::string path_;
  const std::unique_ptr<DirectoryLock> lock_;
  std::unique_ptr<Writer> writer_;

  Mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_readers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_STORE_H_
