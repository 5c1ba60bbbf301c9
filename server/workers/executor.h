// `Executor` executes runs on workers. A run's assignment goes in as a message and its reports come
// out as messages, so that an implementation may use another process or another machine.

#ifndef ANNEAL_SERVER_WORKERS_EXECUTOR_H_
#define ANNEAL_SERVER_WORKERS_EXECUTOR_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "anneal/v1/worker.pb.h"

namespace anneal::workers {

// `ReportReceiver` takes reports from any thread of the executor. Reports of one run come one after
// the other.
class ReportReceiver {
 public:
  virtual ~ReportReceiver() = default;
  // Takes a report. May block, on the disk for instance; the run waits meanwhile. After an error
  // the worker leaves the run without another report.
  virtual absl::Status OnReport(const v1::RunReport& report) = 0;
  // Notes that a worker has become idle.
  virtual void OnIdle() = 0;
};

// Thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;

  // Begins to accept runs. Borrows `receiver` until Shutdown returns. Call once, before Start.
  virtual void Begin(ReportReceiver* receiver) = 0;

  // The number of runs that can train at a time, and how many more can start now.
  virtual int workers() const = 0;
  virtual int idle_workers() const = 0;

  // What its workers train with (common/provenance.h): only a run of this kind can resume on them.
  virtual std::string kind() const = 0;

  // Returns true while a worker holds the run: from Start until after its last report.
  virtual bool Has(int64_t run_id) const = 0;

  // Gives a run to an idle worker. There must be one, and no worker may hold the run. Does not
  // block.
  virtual void Start(v1::RunAssignment assignment) = 0;

  // Asks a run to stop after the step in progress. Unless it ends before, the run reports a
  // checkpoint and then the end `stopped`. Ignores runs that no worker holds. Does not block.
  virtual void RequestStop(int64_t run_id) = 0;

  // Stops all runs and blocks until their last reports are delivered; starts no run afterwards.
  // Idempotent.
  virtual void Shutdown() = 0;
};

}  // namespace anneal::workers

#endif  // ANNEAL_SERVER_WORKERS_EXECUTOR_H_
