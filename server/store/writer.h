// The one connection that writes, on a thread of its own. Writes that wait together are committed
// together: one fsync serves them all, and each still succeeds or fails alone.

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
  // A write either returns OK, or an error and then leaves no trace.
  using WriteFunction = std::function<absl::Status(Transaction&)>;
  // Told, after each commit and on the writer's thread, which experiments have new events.
  using CommitListener = std::function<void(const std::set<int64_t>& experiments)>;

  // Told, after each transaction and on the writer's thread, how it ended and how long it took.
  // What a function refuses is no failure of its transaction.
  using CommitObserver = std::function<void(const absl::Status& status, double seconds)>;

  // What a write is for. One that makes room may use up the reserve where the disk is full.
  enum class Purpose { kRecord, kMakeRoom };

  Writer(std::unique_ptr<Connection> connection, std::unique_ptr<Reserve> reserve);
  // Finishes all writes that were handed in.
  ~Writer();

  // Both are set before the first write.
  void set_commit_listener(CommitListener listener) { listener_ = std::move(listener); }

  void set_commit_observer(CommitObserver observer) { observer_ = std::move(observer); }

  // Blocks until the write is on disk, or has failed. Errors: the function's own; those of
  // StatusFromSqlite when the commit fails, RESOURCE_EXHAUSTED on a full disk among them.
  absl::Status Write(WriteFunction function, Purpose purpose = Purpose::kRecord)
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Request {
    WriteFunction function;
    Purpose purpose = Purpose::kRecord;
    absl::Status status;
    bool done = false;
    CondVar changed;  // one each: nobody is woken for others
  };

  void Loop() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Commit(const std::vector<Request*>& group);
  // Commits those of a group again that make room and for which the disk had none.
  void CommitWithReserve(const std::vector<Request*>& group);
  absl::Status RunOne(const WriteFunction& function, std::set<int64_t>* experiments);

  const std::unique_ptr<Connection> connection_;
  const std::unique_ptr<Reserve> reserve_;  // the writer's thread's
  CommitListener listener_;
  CommitObserver observer_;

  Mutex mutex_;
  CondVar wake_;
  std::deque<Request*> queue_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_WRITER_H_
