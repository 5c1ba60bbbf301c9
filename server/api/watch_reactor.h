// `WatchReactor` serves one WatchExperiment stream: it holds a cursor into a log, at most one
// message in flight, and a page that it shares with other watchers at the same cursor.
//
//            Poll (pool)            StartWrite
//   kPolling -----------> kWriting ------------> OnWriteDone: next one, or kPolling again
//      |  nothing new         ^
//      v                      |
//    kIdle  --OnEvents--> kPolling
//    kIdle  --OnTick, when a heartbeat is due--> kWriting
//    kIdle  --OnTick, when the caller's token must be re-checked--> kPolling
//
// Any state may set the final status (end of the log, error, cancellation, shutdown); it is sent
// exactly once, when no write is in flight.

#ifndef ANNEAL_SERVER_API_WATCH_REACTOR_H_
#define ANNEAL_SERVER_API_WATCH_REACTOR_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "anneal/v1/resources.pb.h"
#include "anneal/v1/services.pb.h"
#include "common/mutex.h"
#include "common/resource_name.h"
#include "server/api/authorization.h"
#include "server/api/blocking_pool.h"
#include "server/api/event_hub.h"
#include "server/api/event_reader.h"
#include "server/store/event_store.h"
#include "server/store/store.h"

namespace anneal::api {

// Thread-safe. Owns itself from Start until gRPC calls OnDone; tasks on the pool share it.
class WatchReactor final : public grpc::ServerWriteReactor<v1::Event>,
                           public Subscriber,
                           public std::enable_shared_from_this<WatchReactor> {
 public:
  // All borrowed, until OnDone.
  struct Dependencies {
    const Authorization* authorization = nullptr;
    BlockingPool* pool = nullptr;
    store::Store* store = nullptr;
    EventHub* hub = nullptr;
    EventReader* events = nullptr;
  };

  // Returns the reactor for gRPC.
  static WatchReactor* Start(grpc::CallbackServerContext* context,
                             const v1::WatchExperimentRequest& request,
                             const Dependencies& dependencies);

  void OnEvents() override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnTick() override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnShutdown() override;
  void OnWriteDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnCancel() override;
  void OnDone() override;

 private:
  using Clock = std::chrono::steady_clock;
  enum class State { kPolling, kWriting, kIdle, kFinished };

  WatchReactor(grpc::CallbackServerContext* context, const v1::WatchExperimentRequest& request,
               const Dependencies& dependencies);

  // These run on the pool.
  void Open();
  void Poll() ABSL_LOCKS_EXCLUDED(mutex_);
  // Authorizes the call, validates the request, and sets the log and the cursor.
  absl::Status FindLog() ABSL_LOCKS_EXCLUDED(mutex_);
  // Returns the name that the request watches; empty for all experiments.
  absl::StatusOr<RunName> CheckRequest() const;
  // Re-checks the caller's token, which may have been revoked or have expired.
  absl::Status CheckCaller() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<std::shared_ptr<const EventPage>> Read(const store::EventQuery& query);

  void SchedulePoll();
  // Leaves a state in which nothing is in flight: writes, polls, idles or finishes.
  void Advance() ABSL_LOCKS_EXCLUDED(mutex_);
  // Returns the next event of the page; null at its end.
  const v1::Event* TakeEvent() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FinishWith(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);

  grpc::CallbackServerContext* const context_;  // valid until OnDone
  const v1::WatchExperimentRequest request_;
  const Dependencies dependencies_;
  const std::optional<Clock::duration> heartbeat_;
  std::shared_ptr<WatchReactor> self_;
  // Set on the pool before the reactor subscribes to the hub. `after` is unused: see cursor_.
  store::EventQuery log_;

  Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_) = State::kPolling;
  std::shared_ptr<const EventPage> page_ ABSL_GUARDED_BY(mutex_);
  size_t next_ ABSL_GUARDED_BY(mutex_) = 0;  // index into the page's events
  // Keeps the message in flight; belongs to gRPC while kWriting.
  std::shared_ptr<const EventPage> in_flight_;
  v1::Event beat_;  // the heartbeat, with the client's cursor
  int64_t cursor_ ABSL_GUARDED_BY(mutex_) = 0;
  Clock::time_point last_write_ ABSL_GUARDED_BY(mutex_);
  bool news_ ABSL_GUARDED_BY(mutex_) = false;  // OnEvents was called while not idle
  std::optional<absl::Status> final_ ABSL_GUARDED_BY(mutex_);
  // Time of the last check of the caller's token; unset where none is needed.
  std::optional<Clock::time_point> checked_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anneal::api

#endif  // ANNEAL_SERVER_API_WATCH_REACTOR_H_
