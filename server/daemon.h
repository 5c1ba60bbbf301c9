// `Daemon` creates the parts of the daemon, connects them, and destroys them in the right order.

#ifndef ANNEAL_SERVER_DAEMON_H_
#define ANNEAL_SERVER_DAEMON_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/wall_clock.h"
#include "server/api/authorization.h"
#include "server/api/blocking_pool.h"
#include "server/api/event_hub.h"
#include "server/api/event_reader.h"
#include "server/api/unary_runner.h"
#include "server/auth/rate_limit.h"
#include "server/auth/tokens.h"
#include "server/experiments/editor.h"
#include "server/experiments/looks.h"
#include "server/experiments/retention.h"
#include "server/experiments/split_images.h"
#include "server/experiments/submission.h"
#include "server/options.h"
#include "server/scheduling/dispatcher.h"
#include "server/storage_monitor.h"
#include "server/store/store.h"
#include "server/telemetry/metrics.h"
#include "server/training/data/dataset_registry.h"
#include "server/transport/server.h"
#include "server/workers/executor.h"

namespace anneal {

// Thread-safe.
class Daemon {
 public:
  // Opens the store, recovers the runs of an earlier daemon, and serves. Blocks on the disk. Errors
  // as Store::Open, Server::Start and MetricsEndpoint::Start.
  static absl::StatusOr<std::unique_ptr<Daemon>> Start(const Options& options,
                                                       const WallClock& clock = SystemWallClock);

  // Stops accepting connections, finishes streams, stops and requeues the runs, closes the store.
  ~Daemon();

  transport::Server& server() { return *server_; }
  // Makes a health check over a new connection. Blocks for seconds at most. Returns the call's
  // error.
  absl::Status CheckAnswers();
  // Returns the address of the metrics endpoint, with the port that was chosen; empty without one.
  std::string metrics_address() const;

 private:
  Daemon(std::unique_ptr<store::Store> store, const Options& options, const WallClock& clock);

  // Makes the services of one gRPC server.
  std::vector<std::unique_ptr<grpc::Service>> MakeServices();
  std::vector<telemetry::Reading> ReadNow();

  const Options options_;
  const WallClock clock_;
  const int64_t start_micros_;  // wall-clock time
  // In the order of dependencies: each member uses earlier ones only, and is destroyed before them.
  telemetry::Metrics metrics_;
  StorageMonitor storage_monitor_;
  std::unique_ptr<store::Store> store_;
  const store::CheckpointFiles checkpoints_;
  training::data::DatasetRegistry datasets_;
  const std::unique_ptr<workers::Executor> executor_;
  scheduling::Dispatcher dispatcher_;
  experiments::Submission submission_;
  experiments::Retention retention_;
  experiments::Editor editor_;
  experiments::Looks looks_;
  experiments::SplitImages split_images_;
  api::EventHub hub_;
  api::EventReader events_;
  auth::Tokens tokens_;
  auth::RateLimit rate_limit_;
  const api::Authorization authorization_;
  std::atomic<bool> backup_in_progress_ = false;
  std::unique_ptr<api::BlockingPool> pool_;
  const api::UnaryRunner runner_;
  std::unique_ptr<transport::Server> server_;
  std::unique_ptr<telemetry::MetricsEndpoint> metrics_endpoint_;  // may be null
};

}  // namespace anneal

#endif  // ANNEAL_SERVER_DAEMON_H_
