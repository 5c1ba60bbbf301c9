// One WatchExperiment stream: a cursor into the log, one message in flight, a handful read ahead.
//
//            Poll (pool)            StartWrite
//   kPolling -----------> kWriting ------------> OnWriteDone: next one, or kPolling again
//      |  nothing new
//      v
//    kIdle  --OnEvents--> kPolling
//
// From any state a final status may be asked for (end of the log, error, cancellation, shutdown);
// it is sent when no write is in flight, exactly once.

#ifndef ANNEAL_SERVER_RPC_WATCH_REACTOR_H_
#define ANNEAL_SERVER_RPC_WATCH_REACTOR_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "anneal/v1/resources.pb.h"
#include "anneal/v1/services.pb.h"
#include "common/mutex.h"
#include "server/rpc/blocking_pool.h"
#include "server/rpc/event_hub.h"
#include "server/store/store.h"

namespace anneal::rpc {

// Thread-safe. Owns itself from Start until gRPC calls OnDone; tasks on the pool share it.
class WatchReactor final : public grpc::ServerWriteReactor<v1::Event>,
                           public Subscriber,
                           public std::enable_shared_from_this<WatchReactor> {
 public:
  // Borrows all three until OnDone. Returns the reactor for gRPC.
  static WatchReactor* Start(const v1::WatchExperimentRequest& request, store::Store* store,
                             EventHub* hub, BlockingPool* pool);

  void OnEvents() override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnShutdown() override;
  void OnWriteDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnCancel() override;
  void OnDone() override;

 private:
  enum class State { kPolling, kWriting, kIdle, kFinished };
  struct Ahead {
    std::deque<v1::Event> events;
    bool at_end = false;  // no event can come after these
  };

  WatchReactor(const v1::WatchExperimentRequest& request, store::Store* store, EventHub* hub,
               BlockingPool* pool);

  // On the pool.
  void Open();
  void Poll() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status FindExperiment();
  absl::StatusOr<Ahead> ReadAhead(int64_t after);

  void SchedulePoll();
  // Moves on from a state in which nothing is in flight: writes, polls, idles or finishes.
  void Advance() ABSL_LOCKS_EXCLUDED(mutex_);
  void FinishWith(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);

  const v1::WatchExperimentRequest request_;
  store::Store* const store_;
  EventHub* const hub_;
  BlockingPool* const pool_;
  std::shared_ptr<WatchReactor> self_;
  // Set on the pool before the hub knows of this reactor.
  std::string experiment_id_;
  int64_t experiment_key_ = 0;

  Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_) = State::kPolling;
  Ahead ahead_ ABSL_GUARDED_BY(mutex_);
  v1::Event in_flight_;  // belongs to gRPC while kWriting
  int64_t cursor_ ABSL_GUARDED_BY(mutex_) = 0;
  bool news_ ABSL_GUARDED_BY(mutex_) = false;  // came while it was busy
  std::optional<absl::Status> final_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anneal::rpc

#endif  // ANNEAL_SERVER_RPC_WATCH_REACTOR_H_
