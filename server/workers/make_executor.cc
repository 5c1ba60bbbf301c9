#include "server/workers/make_executor.h"

#include "server/workers/thread_executor.h"

namespace anneal::workers {

std::unique_ptr<Executor> MakeExecutor(const ExecutorOptions& options,
                                       training::data::DatasetRegistry* datasets) {
  return std::make_unique<ThreadExecutor>(options.workers, options.pin_workers, datasets);
}

}  // namespace anneal::workers
