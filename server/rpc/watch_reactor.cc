#include "server/rpc/watch_reactor.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/resource_name.h"
#include "common/status.h"
#include "server/rpc/status.h"
#include "server/store/event_store.h"
#include "server/store/experiment_store.h"

namespace anneal::rpc {
namespace {

constexpr int kReadAhead = 32;

}  // namespace

WatchReactor* WatchReactor::Start(const v1::WatchExperimentRequest& request, store::Store* store,
                                  EventHub* hub, BlockingPool* pool) {
  const std::shared_ptr<WatchReactor> reactor(new WatchReactor(request, store, hub, pool));
  reactor->self_ = reactor;
  pool->Run([reactor] { reactor->Open(); });
  return reactor.get();
}

WatchReactor::WatchReactor(const v1::WatchExperimentRequest& request, store::Store* store,
                           EventHub* hub, BlockingPool* pool)
    : request_(request), store_(store), hub_(hub), pool_(pool), cursor_(request.after_sequence()) {}

void WatchReactor::Open() {
  if (const absl::Status status = FindExperiment(); !status.ok()) {
    FinishWith(status);
  } else if (!hub_->Subscribe(experiment_key_, shared_from_this())) {
    OnShutdown();
  }
  Poll();
}

absl::Status WatchReactor::FindExperiment() {
  ANNEAL_ASSIGN_OR_RETURN(experiment_id_, ParseExperimentName("name", request_.name()));
  return store_->Read([this](store::Connection& db) -> absl::Status {
    ANNEAL_ASSIGN_OR_RETURN(experiment_key_, store::ExperimentKey(db, experiment_id_));
    ANNEAL_ASSIGN_OR_RETURN(const store::LogPosition log,
                            store::GetLogPosition(db, experiment_key_));
    if (request_.after_sequence() >= 0 && request_.after_sequence() <= log.last_sequence) {
      return absl::OkStatus();
    }
    return WithReason(absl::OutOfRangeError(absl::StrCat(
                          "after_sequence is ", request_.after_sequence(), "; the log holds 1..",
                          log.last_sequence, ": allowed is 0..", log.last_sequence)),
                      "SEQUENCE_OUT_OF_RANGE");
  });
}

absl::StatusOr<WatchReactor::Ahead> WatchReactor::ReadAhead(int64_t after) {
  Ahead ahead;
  const absl::Status status = store_->Read([&](store::Connection& db) -> absl::Status {
    ANNEAL_ASSIGN_OR_RETURN(
        std::vector<v1::Event> events,
        store::ListEvents(db, experiment_key_, experiment_id_, after, kReadAhead));
    ANNEAL_ASSIGN_OR_RETURN(const store::LogPosition log,
                            store::GetLogPosition(db, experiment_key_));
    const int64_t last = events.empty() ? after : events.back().sequence();
    ahead.at_end = log.all_runs_ended && last == log.last_sequence;
    ahead.events.assign(std::make_move_iterator(events.begin()),
                        std::make_move_iterator(events.end()));
    return absl::OkStatus();
  });
  ANNEAL_RETURN_IF_ERROR(status);
  return ahead;
}

void WatchReactor::Poll() {
  int64_t after = 0;
  bool finishing = false;
  {
    MutexLock lock(&mutex_);
    news_ = false;
    after = cursor_;
    finishing = final_.has_value();
  }
  if (!finishing) {
    absl::StatusOr<Ahead> ahead = ReadAhead(after);
    MutexLock lock(&mutex_);
    if (ahead.ok()) {
      ahead_ = *std::move(ahead);
    } else if (!final_.has_value()) {
      final_ = ahead.status();
    }
  }
  Advance();
}

void WatchReactor::SchedulePoll() {
  pool_->Run([self = shared_from_this()] { self->Poll(); });
}

// gRPC is called without the lock: it may call back before it returns. Whoever set the state to
// kWriting or kFinished under the lock is the only one to make that call.
void WatchReactor::Advance() {
  std::optional<absl::Status> finish;
  bool write = false;
  {
    MutexLock lock(&mutex_);
    if (final_.has_value()) {
      state_ = State::kFinished;
      finish = final_;
    } else if (!ahead_.events.empty()) {
      state_ = State::kWriting;
      in_flight_ = std::move(ahead_.events.front());
      ahead_.events.pop_front();
      cursor_ = in_flight_.sequence();
      write = true;
    } else if (ahead_.at_end) {
      state_ = State::kFinished;
      finish = absl::OkStatus();
    } else if (state_ == State::kWriting || news_) {
      state_ = State::kPolling;
    } else {
      state_ = State::kIdle;
      return;
    }
  }
  if (finish.has_value()) {
    Finish(ToGrpc(*finish));
  } else if (write) {
    StartWrite(&in_flight_);
  } else {
    SchedulePoll();
  }
}

void WatchReactor::FinishWith(const absl::Status& status) {
  bool idle = false;
  {
    MutexLock lock(&mutex_);
    if (final_.has_value() || state_ == State::kFinished) return;
    final_ = status;
    idle = state_ == State::kIdle;
    // Nobody else leaves kPolling but the poll that is under way.
    if (idle) state_ = State::kPolling;
  }
  if (idle) Advance();
}

void WatchReactor::OnEvents() {
  {
    MutexLock lock(&mutex_);
    news_ = true;
    if (state_ != State::kIdle) return;
    state_ = State::kPolling;
  }
  SchedulePoll();
}

void WatchReactor::OnShutdown() {
  FinishWith(absl::UnavailableError("the server is stopping; watch again after the last sequence"));
}

void WatchReactor::OnCancel() { FinishWith(absl::CancelledError("the client is gone")); }

void WatchReactor::OnWriteDone(bool ok) {
  if (!ok) FinishWith(absl::CancelledError("the client is gone"));
  Advance();
}

void WatchReactor::OnDone() {
  hub_->Unsubscribe(experiment_key_, this);
  // The last owner may be a task on the pool, or this.
  const std::shared_ptr<WatchReactor> self = std::move(self_);
}

}  // namespace anneal::rpc
