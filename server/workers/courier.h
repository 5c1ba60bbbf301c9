// Delivers the reports of one run, in order, on a thread of its own, so that training goes on while
// the disk is busy.

#ifndef ANNEAL_SERVER_WORKERS_COURIER_H_
#define ANNEAL_SERVER_WORKERS_COURIER_H_

#include <optional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "common/mutex.h"
#include "server/workers/executor.h"

namespace anneal::workers {

// Send and Drain are for one thread.
class Courier {
 public:
  // Borrows `receiver`.
  explicit Courier(ReportReceiver* receiver);
  // Drops what was not delivered: call Drain before.
  ~Courier();
  Courier(const Courier&) = delete;
  Courier& operator=(const Courier&) = delete;

  // Takes a report to deliver, after waiting until the one before is on its way: at most one is
  // being delivered and one waits. Returns the error of an earlier delivery, after which nothing is
  // delivered any more.
  absl::Status Send(v1::RunReport report) ABSL_LOCKS_EXCLUDED(mutex_);

  // Waits until all is delivered.
  absl::Status Drain() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Loop() ABSL_LOCKS_EXCLUDED(mutex_);

  ReportReceiver* const receiver_;

  Mutex mutex_;
  CondVar changed_;
  std::optional<v1::RunReport> waiting_ ABSL_GUARDED_BY(mutex_);
  bool delivering_ ABSL_GUARDED_BY(mutex_) = false;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace anneal::workers

#endif  // ANNEAL_SERVER_WORKERS_COURIER_H_
