// What the services need from the rest of the daemon. All borrowed, all thread-safe.

#ifndef ANNEAL_SERVER_API_SERVICES_H_
#define ANNEAL_SERVER_API_SERVICES_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "common/wall_clock.h"
#include "server/api/blocking_pool.h"
#include "server/api/event_hub.h"
#include "server/api/event_reader.h"
#include "server/auth/rate_limit.h"
#include "server/auth/tokens.h"
#include "server/experiments/editor.h"
#include "server/experiments/submission.h"
#include "server/scheduling/dispatcher.h"
#include "server/store/checkpoint_files.h"
#include "server/store/store.h"
#include "server/telemetry/metrics.h"
#include "server/training/data/dataset_registry.h"

namespace anneal::api {

// Bytes of a file that a message of a stream carries, at most.
inline constexpr int64_t kFilePiece = 256 << 10;

struct Services {
  store::Store* store = nullptr;
  const store::CheckpointFiles* checkpoints = nullptr;
  scheduling::Dispatcher* dispatcher = nullptr;
  experiments::Submission* submission = nullptr;
  experiments::Editor* editor = nullptr;
  training::data::DatasetRegistry* datasets = nullptr;
  EventHub* hub = nullptr;
  EventReader* events = nullptr;
  BlockingPool* pool = nullptr;
  auth::Tokens* tokens = nullptr;
  auth::RateLimit* rate_limit = nullptr;
  telemetry::Metrics* metrics = nullptr;
  std::atomic<bool>* is_backing_up = nullptr;
  WallClock clock;
  int64_t start_micros = 0;  // wall clock
};

// Makes the services of one gRPC server.
std::vector<std::unique_ptr<grpc::Service>> MakeServices(const Services& services);

}  // namespace anneal::api

#endif  // ANNEAL_SERVER_API_SERVICES_H_
