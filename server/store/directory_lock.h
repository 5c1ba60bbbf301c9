// `DirectoryLock` holds the exclusive lock on a data directory while it lives. The kernel releases
// the lock when the process ends, however it ends.

#ifndef ANNEAL_SERVER_STORE_DIRECTORY_LOCK_H_
#define ANNEAL_SERVER_STORE_DIRECTORY_LOCK_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace anneal::store {

class DirectoryLock {
 public:
  // Creates `directory` and its parents (mode 0700) when missing. FAILED_PRECONDITION: another
  // process holds the lock. PERMISSION_DENIED, with the path and the system's reason: the directory
  // cannot be created.
  static absl::StatusOr<std::unique_ptr<DirectoryLock>> Take(const std::string& directory);
  ~DirectoryLock();

  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  explicit DirectoryLock(int descriptor) : descriptor_(descriptor) {}
  const int descriptor_;
};

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_DIRECTORY_LOCK_H_
