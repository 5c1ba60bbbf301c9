// `Reserve` keeps disk space aside for deletions. SQLite logs deletions before it frees space, so
// on a disk that is completely full nothing could be cleaned up.

#ifndef ANNEAL_SERVER_STORE_RESERVE_H_
#define ANNEAL_SERVER_STORE_RESERVE_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace anneal::store {

// A file that occupies the space. Not thread-safe. Blocks on the disk.
class Reserve {
 public:
  // 0 bytes: no reserve. The destructor keeps the file for the next daemon.
  Reserve(std::string path, int64_t bytes);

  // Grows the file to its full size if the disk has room. After a failure, calls within a second do
  // nothing.
  void Fill();

  // Frees the space for others. Returns false if there was none.
  bool Release();

 private:
  using Clock = std::chrono::steady_clock;

  const std::string path_;
  const int64_t bytes_;
  bool is_filled_ = false;
  std::optional<Clock::time_point> failed_;
};

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_RESERVE_H_
