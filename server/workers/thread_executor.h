// `ThreadExecutor` trains runs on a fixed set of threads of this process. The set is fixed because
// each training thread owns memory pools of LibTorch that are never freed.

#ifndef ANNEAL_SERVER_WORKERS_THREAD_EXECUTOR_H_
#define ANNEAL_SERVER_WORKERS_THREAD_EXECUTOR_H_

#include <deque>
#include <map>
#include <stop_token>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "common/mutex.h"
#include "server/training/data/dataset_registry.h"
#include "server/workers/executor.h"

namespace anneal::workers {

class ThreadExecutor final : public Executor {
 public:
  // `workers` is at least 1. With `pin` each worker stays on a processor of its own; there must be
  // as many processors. Borrows `datasets`.
  ThreadExecutor(int workers, bool pin, training::data::DatasetRegistry* datasets);
  ~ThreadExecutor() override;

  void Begin(ReportReceiver* receiver) override;
  int workers() const override { return workers_; }
  int idle_workers() const override ABSL_LOCKS_EXCLUDED(mutex_);
  void Start(v1::RunAssignment assignment) override ABSL_LOCKS_EXCLUDED(mutex_);
  std::string kind() const override;
  bool Has(int64_t run_id) const override ABSL_LOCKS_EXCLUDED(mutex_);
  void RequestStop(int64_t run_id) override ABSL_LOCKS_EXCLUDED(mutex_);
  void Shutdown() override ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Work(int worker) ABSL_LOCKS_EXCLUDED(mutex_);
  // Blocks until there is a run to train. Returns false on shutdown.
  bool Take(v1::RunAssignment* assignment, std::stop_token* stop) ABSL_LOCKS_EXCLUDED(mutex_);
  void Execute(int worker, const v1::RunAssignment& assignment, const std::stop_token& stop);

  const int workers_;
  const bool pin_;
  training::data::DatasetRegistry* const datasets_;
  ReportReceiver* receiver_ = nullptr;

  mutable Mutex mutex_;
  CondVar wake_;
  std::deque<v1::RunAssignment> waiting_ ABSL_GUARDED_BY(mutex_);
  std::map<int64_t, std::stop_source> active_ ABSL_GUARDED_BY(mutex_);  // includes waiting_
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;

  std::vector<std::thread> threads_;
};

}  // namespace anneal::workers

#endif  // ANNEAL_SERVER_WORKERS_THREAD_EXECUTOR_H_
