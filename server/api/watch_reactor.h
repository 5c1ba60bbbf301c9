// One WatchExperiment stream: a cursor into a log, one message in flight, a page shared with
// others.
//
//            Poll (pool)            StartWrite
//   kPolling -----------> kWriting ------------> OnWriteDone: next one, or kPolling again
//      |  nothing new         ^
//      v                      |
//    kIdle  --OnEvents--> kPolling
//    kIdle  --OnTick, when a heartbeat is due--> kWriting
//    kIdle  --OnTick, when the caller's token is to be looked at again--> kPolling
//
// From any state a final status may be asked for (end of the log, error, cancellation, shutdown);
// it is sent when no write is in flight, exactly once.

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
#include "server/api/event_hub.h"
#include "server/api/event_reader.h"
#include "server/api/services.h"
#include "server/store/event_store.h"

namespace anneal::api {

// Thread-safe. Owns itself from Start until gRPC calls OnDone; tasks on the pool share it.
class WatchReactor final : public grpc::ServerWriteReactor<v1::Event>,
                           public Subscriber,
                           public std::enable_shared_from_this<WatchReactor> {
 public:
  // Uses the services until OnDone. Returns the reactor for gRPC.
  static WatchReactor* Start(grpc::CallbackServerContext* context,
                             const v1::WatchExperimentRequest& request, const Services& services);

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
               const Services& services);

  // On the pool.
  void Open();
  void Poll() ABSL_LOCKS_EXCLUDED(mutex_);
  // Finds out which log it is, and where in it the client is.
  absl::Status FindLog() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status CheckRequest() const;
  // Whether who watches still may: a token may have been revoked.
  absl::Status CheckCaller() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<std::shared_ptr<const EventPage>> Read(const store::EventQuery& query);

  void SchedulePoll();
  // Moves on from a state in which nothing is in flight: writes, polls, idles or finishes.
  void Advance() ABSL_LOCKS_EXCLUDED(mutex_);
  // The next event of the page, if it has one left.
  const v1::Event* TakeEvent() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FinishWith(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);

  grpc::CallbackServerContext* const context_;  // valid until OnDone
  const v1::WatchExperimentRequest request_;
  const Services& services_;
  const std::optional<Clock::duration> heartbeat_;
  std::shared_ptr<WatchReactor> self_;
  // Set on the pool before the hub knows of this reactor.
  store::EventQuery log_;  // its cursor is cursor_

  Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_) = State::kPolling;
  std::shared_ptr<const EventPage> page_ ABSL_GUARDED_BY(mutex_);
  size_t next_ ABSL_GUARDED_BY(mutex_) = 0;  // of the page's events
  // Keeps the message in flight; belongs to gRPC while kWriting.
  std::shared_ptr<const EventPage> in_flight_;
  v1::Event beat_;  // the heartbeat; tells how far the client is
  int64_t cursor_ ABSL_GUARDED_BY(mutex_) = 0;
  Clock::time_point last_write_ ABSL_GUARDED_BY(mutex_);
  bool news_ ABSL_GUARDED_BY(mutex_) = false;  // came while it was busy
  std::optional<absl::Status> final_ ABSL_GUARDED_BY(mutex_);
  // When who watches was looked at; unset for those who need no token.
  std::optional<Clock::time_point> checked_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anneal::api

#endif  // ANNEAL_SERVER_API_WATCH_REACTOR_H_
