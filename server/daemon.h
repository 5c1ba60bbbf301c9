// All parts of the daemon, put together and taken apart in the right order.

#ifndef ANNEAL_SERVER_DAEMON_H_
#define ANNEAL_SERVER_DAEMON_H_

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/wall_clock.h"
#include "server/api/blocking_pool.h"
#include "server/api/event_hub.h"
#include "server/api/event_reader.h"
#include "server/auth/rate_limit.h"
#include "server/auth/tokens.h"
#include "server/experiments/editor.h"
#include "server/experiments/retention.h"
#include "server/experiments/submission.h"
#include "server/options.h"
#include "server/scheduling/dispatcher.h"
#include "server/storage_monitor.h"
#include "server/store/store.h"
#include "server/telemetry/metrics.h"
#include "server/training/data/dataset_registry.h"
#include "server/transport/server.h"
#include "server/workers/thread_executor.h"

namespace anneal {

// Thread-safe.
class Daemon {
 public:
  // Opens the store, takes back what an earlier daemon left, serves. Errors as Store::Open and
  // Server::Start.
  static absl::StatusOr<std::unique_ptr<Daemon>> Start(const Options& options,
                                                       const WallClock& clock = SystemWallClock);

  // Stops accepting, ends streams, stops the runs (which go back to the queue), closes the store.
  ~Daemon();

  transport::Server& server() { return *server_; }
  // Makes a call as a new client would. Blocks for seconds at most. Returns the error that came
  // instead of an answer.
  absl::Status CheckAnswers();
  // Where metrics are, with the port that was chosen; empty: nowhere.
  std::string metrics_address() const;

 private:
  Daemon(std::unique_ptr<store::Store> store, const Options& options, const WallClock& clock);

  std::vector<telemetry::Reading> ReadNow();

  const Options options_;
  // In the order of their dependencies; destroyed from the last to the first.
  telemetry::Metrics metrics_;
  StorageMonitor storage_monitor_;
  std::unique_ptr<store::Store> store_;
  const store::CheckpointFiles checkpoints_;
  training::data::DatasetRegistry datasets_;
  workers::ThreadExecutor executor_;
  scheduling::Dispatcher dispatcher_;
  experiments::Submission submission_;
  experiments::Retention retention_;
  experiments::Editor editor_;
  api::EventHub hub_;
  api::EventReader events_;
  auth::Tokens tokens_;
  auth::RateLimit rate_limit_;
  std::atomic<bool> is_backing_up_ = false;
  std::unique_ptr<api::BlockingPool> pool_;
  std::unique_ptr<transport::Server> server_;
  std::unique_ptr<telemetry::MetricsEndpoint> metrics_endpoint_;  // null: none
};

}  // namespace anneal

#endif  // ANNEAL_SERVER_DAEMON_H_
