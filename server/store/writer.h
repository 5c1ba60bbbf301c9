// `Writer` serialises all writes through one connection, on its own thread, and commits them in
// groups: one fsync serves all writes that wait at the same time, and each still succeeds or fails
// on its own.

#ifndef ANNEAL_SERVER_STORE_WRITER_H_
#define ANNEAL_SERVER_STORE_WRITER_H_

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "common/mutex.h"
#include "server/store/connection.h"
#include "server/store/reserve.h"
#include "server/store/transaction.h"

namespace anneal::store {

// Thread-safe.
class Writer {
 public:
  // A write that returns an error is rolled back.
  using WriteFunction = std::function<absl::Status(Transaction&)>;
  // Receives the experiments with new events after each commit, on the writer's thread.
  using CommitListener = std::function<void(const std::set<int64_t>& experiments)>;

  // Receives the status and duration of each transaction, on the writer's thread. An error that a
  // write function returns does not fail the transaction.
  using CommitObserver = std::function<void(const absl::Status& status, double seconds)>;

  // The purpose of a write. One that makes room may use the reserve when the disk is full.
  enum class Purpose { kRecord, kMakeRoom };

  Writer(std::unique_ptr<Connection> connection, std::unique_ptr<Reserve> reserve);
  // Completes all pending writes.
  ~Writer();

  // Set both before the first write.
  void set_commit_listener(CommitListener listener) { listener_ = std::move(listener); }

  void set_commit_observer(CommitObserver observer) { observer_ = std::move(observer); }

  // Blocks until the write is durable or has failed. Errors: the function's own, or those of
  // StatusFromSqlite if the commit fails (RESOURCE_EXHAUSTED: the disk is full).
  absl::Status Write(WriteFunction function, Purpose purpose = Purpose::kRecord)
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Request {
    WriteFunction function;
    Purpose purpose = Purpose::kRecord;
    absl::Status status;
    bool done = false;
    CondVar changed;  // one per request, to wake only its waiter
  };

  void Loop() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Commit(const std::vector<Request*>& group);
  // Retries the writes of a group that make room and failed on the full disk.
  void CommitWithReserve(const std::vector<Request*>& group);
  absl::Status RunOne(const WriteFunction& function, std::set<int64_t>* experiments);

  const std::unique_ptr<Connection> connection_;
  const std::unique_ptr<Reserve> reserve_;  // used on the writer's thread only
  CommitListener listener_;
  CommitObserver observer_;

  Mutex mutex_;
  CondVar wake_;
  std::deque<Request*> queue_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;  // last, because it uses all other members
};

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_WRITER_H_
