// Where runs execute. All that a run needs goes in as a message, all that it reports comes out as
// messages, so that an implementation may as well sit in another process or on another machine.

#ifndef ANNEAL_SERVER_WORKERS_EXECUTOR_H_
#define ANNEAL_SERVER_WORKERS_EXECUTOR_H_

#include <cstdint>

#include "absl/status/status.h"
#include "anneal/v1/worker.pb.h"

namespace anneal::workers {

// Receives reports, from any thread of the executor. Calls for one run come one after the other.
class ReportReceiver {
 public:
  virtual ~ReportReceiver() = default;
  // May block, on the disk for instance; the run waits. An error ends the run without another
  // report.
  virtual absl::Status OnReport(const v1::RunReport& report) = 0;
  // A worker has become idle.
  virtual void OnIdle() = 0;
};

// Thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;

  // Borrows `receiver`, which must stay until Shutdown returns. Call once, before Start.
  virtual void Begin(ReportReceiver* receiver) = 0;

  virtual int workers() const = 0;
  virtual int idle_workers() const = 0;

  // Whether a worker still has a run: it was started and has not ended or stopped.
  virtual bool Has(int64_t run_id) const = 0;

  // Gives a run to an idle worker; there must be one, and no worker may have the run.
  virtual void Start(v1::RunAssignment assignment) = 0;

  // Asks a run to stop after the step in progress; it reports a checkpoint and that it stopped,
  // unless it ends before. Runs that are not here are ignored.
  virtual void RequestStop(int64_t run_id) = 0;

  // Stops all runs, and returns when the last report was delivered. Nothing starts any more.
  virtual void Shutdown() = 0;
};

}  // namespace anneal::workers

#endif  // ANNEAL_SERVER_WORKERS_EXECUTOR_H_
