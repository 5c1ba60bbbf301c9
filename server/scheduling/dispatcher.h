// Brings the queue to the workers and their reports to the store: the one place where a run's life
// cycle moves. Between restarts everything it knows is in the store.

#ifndef ANNEAL_SERVER_SCHEDULING_DISPATCHER_H_
#define ANNEAL_SERVER_SCHEDULING_DISPATCHER_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "common/mutex.h"
#include "common/resource_name.h"
#include "common/wall_clock.h"
#include "server/scheduling/lifecycle.h"
#include "server/store/checkpoint_store.h"
#include "server/store/run_store.h"
#include "server/store/store.h"
#include "server/store/usage_store.h"
#include "server/telemetry/metrics.h"
#include "server/workers/executor.h"

namespace anneal::scheduling {

// Thread-safe.
class Dispatcher final : public workers::ReportReceiver {
 public:
  // All borrowed.
  Dispatcher(store::Store* store, const store::CheckpointFiles* checkpoints,
             workers::Executor* executor, telemetry::Metrics* metrics,
             const store::UsageLimits& limits, WallClock clock);
  ~Dispatcher() override;

  // Puts runs that a dead daemon left RUNNING back into the queue (or fails those that were lost
  // too often), then begins to start runs. Errors of the store.
  absl::Status Begin();

  // Stops all runs after their step in progress and puts them back into the queue. Idempotent.
  void Shutdown() ABSL_LOCKS_EXCLUDED(mutex_);

  // Tells it that runs were added to the queue.
  void Wake() ABSL_LOCKS_EXCLUDED(mutex_);

  // What users ask of a run or of all runs of an experiment (lifecycle.h); on disk when they
  // return. NOT_FOUND. FAILED_PRECONDITION when it can be done to none. RESOURCE_EXHAUSTED when
  // their owner may not have so many runs in the queue.
  absl::Status ChangeExperiment(const std::string& experiment_id, Command command);
  absl::Status ChangeRun(const RunName& name, Command command);

  // Whether a worker still has the run, although it may have ended.
  bool HasWorker(int64_t run_key) const { return executor_->Has(run_key); }

  int workers() const { return executor_->workers(); }
  int idle_workers() const { return executor_->idle_workers(); }

  absl::Status OnReport(const v1::RunReport& report) override;
  void OnIdle() override { Wake(); }

 private:
  using StateRows = std::vector<store::RunStateRow>;

  absl::Status Recover();
  void Loop() ABSL_LOCKS_EXCLUDED(mutex_);
  // Starts as many runs as there are idle workers. Returns how many.
  absl::StatusOr<int> StartRuns();
  absl::Status Change(Command command,
                      const std::function<absl::StatusOr<StateRows>(store::Connection&)>& find);
  // Gives the runs that come first to the idle workers: notes it in the store, and returns them.
  absl::StatusOr<std::vector<v1::RunAssignment>> ClaimRuns(int idle);
  // Adds the latest checkpoint that is whole, if there is one, and forgets those that are damaged.
  void AttachCheckpoint(v1::RunAssignment* assignment);
  absl::StatusOr<store::CheckpointRow> WriteCheckpointFile(int64_t run,
                                                           const v1::Checkpoint& checkpoint);
  absl::Status Store(const v1::RunReport& report,
                     const std::optional<store::CheckpointRow>& checkpoint);
  // Removes the files of a run that no row names.
  void SweepCheckpoints(int64_t run);
  // Does again, once a second, what the disk does not allow now (when it is full, most of all):
  // runs wait instead of failing. Gives up on shutdown.
  absl::Status WhenPossible(const std::function<absl::Status()>& function)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Waits for a change, at most that long. Returns false on shutdown.
  bool Pause(std::chrono::milliseconds time) ABSL_LOCKS_EXCLUDED(mutex_);

  store::Store* const store_;
  const store::CheckpointFiles* const checkpoints_;
  workers::Executor* const executor_;
  telemetry::Metrics* const metrics_;
  const store::UsageLimits limits_;
  const WallClock clock_;

  Mutex mutex_;
  CondVar changed_;
  bool wake_ ABSL_GUARDED_BY(mutex_) = true;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace anneal::scheduling

#endif  // ANNEAL_SERVER_SCHEDULING_DISPATCHER_H_
