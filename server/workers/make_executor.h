// `MakeExecutor` creates the executor that the daemon's options ask for.

#ifndef ANNEAL_SERVER_WORKERS_MAKE_EXECUTOR_H_
#define ANNEAL_SERVER_WORKERS_MAKE_EXECUTOR_H_

#include <memory>

#include "server/training/data/dataset_registry.h"
#include "server/workers/executor.h"

namespace anneal::workers {

// The options of all executors; server/options.cc has a flag for each field.
struct ExecutorOptions {
  int workers = 0;           // at least 1
  bool pin_workers = false;  // pins each worker to a separate processor
};

// Returns the executor for `options`. Borrows `datasets`. Thread-safe.
std::unique_ptr<Executor> MakeExecutor(const ExecutorOptions& options,
                                       training::data::DatasetRegistry* datasets);

}  // namespace anneal::workers

#endif  // ANNEAL_SERVER_WORKERS_MAKE_EXECUTOR_H_
