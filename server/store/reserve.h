// Room that is kept on the disk: where it is full, deleting takes room too (SQLite writes what it
// deletes to its log first), and without any nothing could be cleaned up.

#ifndef ANNEAL_SERVER_STORE_RESERVE_H_
#define ANNEAL_SERVER_STORE_RESERVE_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace anneal::store {

// A file that takes up room. Not thread-safe. Blocks on the disk.
class Reserve {
 public:
  // Does nothing with 0 bytes. The file stays when this goes: the next daemon goes on with it.
  Reserve(std::string path, int64_t bytes);

  // Makes the file as large as it should be, if the disk has room; after a failure not for a
  // second.
  void Fill();

  // Gives its room to others. False: there is none.
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
