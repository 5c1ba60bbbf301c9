// `Dispatcher` moves runs through their life cycle: it gives queued runs to the workers, forwards
// their reports to the recorder, and carries out users' commands. Everything that must survive a
// restart is in the store.

#ifndef ANNEAL_SERVER_SCHEDULING_DISPATCHER_H_
#define ANNEAL_SERVER_SCHEDULING_DISPATCHER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "common/resource_name.h"
#include "common/wall_clock.h"
#include "server/scheduling/disk_retry.h"
#include "server/scheduling/lifecycle.h"
#include "server/scheduling/run_recorder.h"
#include "server/store/checkpoint_store.h"
#include "server/store/run_store.h"
#include "server/store/store.h"
#include "server/store/usage_store.h"
#include "server/telemetry/metrics.h"
#include "server/workers/executor.h"

namespace anneal::scheduling {

// Thread-safe. Never calls the store, the executor or the recorder with its lock held.
class Dispatcher final : public workers::ReportReceiver {
 public:
  // Borrows all pointers.
  Dispatcher(store::Store* store, const store::CheckpointFiles* checkpoints,
             workers::Executor* executor, telemetry::Metrics* metrics,
             const store::UsageLimits& limits, WallClock clock);
  // Calls Shutdown.
  ~Dispatcher() override;

  // Requeues the runs that an earlier daemon left RUNNING (or fails those whose worker was lost too
  // often), then begins to start runs on a thread of its own. Returns errors of the store. Call
  // once.
  absl::Status Begin();

  // Stops all runs after the step in progress and requeues them. Blocks until the last report is
  // recorded; operations that wait for the disk give up. Idempotent.
  void Shutdown() ABSL_LOCKS_EXCLUDED(mutex_);

  // Makes the dispatcher look at the queue: runs were added, or their order has changed.
  void Wake() ABSL_LOCKS_EXCLUDED(mutex_);

  // Carries out a user's command (lifecycle.h) on all runs of an experiment, or on one run; returns
  // when the change is on disk. NOT_FOUND. FAILED_PRECONDITION where the command applies to no run.
  // RESOURCE_EXHAUSTED where requeued runs would exceed their owner's quota.
  absl::Status ChangeExperiment(const std::string& experiment_id, Command command);
  absl::Status ChangeRun(const RunName& name, Command command);

  // Returns true while a worker holds the run, which may have ended by now.
  bool HasWorker(int64_t run_key) const { return executor_->Has(run_key); }

  int workers() const { return executor_->workers(); }
  int idle_workers() const { return executor_->idle_workers(); }

  // Blocks and fails as RunRecorder::Record does.
  absl::Status OnReport(const v1::RunReport& report) override { return recorder_.Record(report); }
  void OnIdle() override { Wake(); }

 private:
  using StateRows = std::vector<store::RunStateRow>;

  absl::Status Recover();
  void Loop() ABSL_LOCKS_EXCLUDED(mutex_);
  // Blocks until there may be something to start. Returns false on shutdown.
  bool AwaitWake() ABSL_LOCKS_EXCLUDED(mutex_);
  // Blocks for a second, or until the next change. Returns false on shutdown.
  bool PauseAfterError() ABSL_LOCKS_EXCLUDED(mutex_);
  // Starts as many runs as there are idle workers.
  absl::Status StartRuns();
  // Takes the next runs of the queue, at most `idle`: makes them RUNNING in the store and returns
  // them.
  absl::StatusOr<std::vector<v1::RunAssignment>> ClaimRuns(int idle);
  // Adds the latest undamaged checkpoint, if there is one, and forgets damaged ones.
  // Lets a run that has just become RUNNING begin anew where its epochs are of another kind than
  // the executor's: it would get bits that no undisturbed run has.
  absl::Status StartOverIfOfAnotherKind(store::Transaction& transaction, int64_t run);
  void AttachCheckpoint(v1::RunAssignment* assignment);
  absl::Status Change(Command command,
                      const std::function<absl::StatusOr<StateRows>(store::Connection&)>& find);
  // Changes each of `runs` to which the command applies; returns the keys of the changed ones.
  absl::StatusOr<std::vector<int64_t>> ChangeStates(store::Transaction& transaction,
                                                    Command command, const StateRows& runs);

  store::Store* const store_;
  const store::CheckpointFiles* const checkpoints_;
  workers::Executor* const executor_;
  const store::UsageLimits limits_;
  const WallClock clock_;

  DiskRetry retry_;
  RunRecorder recorder_;

  Mutex mutex_;
  CondVar changed_;
  bool wake_ ABSL_GUARDED_BY(mutex_) = true;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace anneal::scheduling

#endif  // ANNEAL_SERVER_SCHEDULING_DISPATCHER_H_
