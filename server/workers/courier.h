// `Courier` delivers the reports of one run, in order, on a thread of its own, so that training
// continues while the disk is busy.

#ifndef ANNEAL_SERVER_WORKERS_COURIER_H_
#define ANNEAL_SERVER_WORKERS_COURIER_H_

#include <optional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "common/mutex.h"
#include "server/workers/executor.h"

namespace anneal::workers {

// One thread calls Send and Drain.
class Courier {
 public:
  // Borrows `receiver`.
  explicit Courier(ReportReceiver* receiver);
  // Drops reports that are not delivered yet: call Drain before.
  ~Courier();
  Courier(const Courier&) = delete;
  Courier& operator=(const Courier&) = delete;

  // Queues a report for delivery. Blocks while another report is queued: at most one report is
  // being delivered and one is queued. Returns the first error of a delivery; after it no report is
  // delivered.
  absl::Status Send(v1::RunReport report) ABSL_LOCKS_EXCLUDED(mutex_);

  // Blocks until all reports are delivered. Errors as Send.
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

  std::thread thread_;  // last: it uses all members above
};

}  // namespace anneal::workers

#endif  // ANNEAL_SERVER_WORKERS_COURIER_H_
