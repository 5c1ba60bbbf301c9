#include "server/api/watch_reactor.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/resource_name.h"
#include "common/status.h"
#include "google/protobuf/util/time_util.h"
#include "server/api/status.h"
#include "server/store/experiment_store.h"
#include "server/store/run_store.h"

namespace anneal::api {
namespace {

using google::protobuf::util::TimeUtil;

constexpr int64_t kMinHeartbeatMillis = 1'000;
constexpr int64_t kMaxHeartbeatMillis = 3'600'000;
constexpr int64_t kFromNow = -1;
// Streams re-check the caller's token at this interval.
constexpr std::chrono::seconds kTokenCheckInterval(2);

std::optional<std::chrono::steady_clock::duration> HeartbeatOf(
    const v1::WatchExperimentRequest& request) {
  if (!request.has_heartbeat()) return std::nullopt;
  return std::chrono::milliseconds(TimeUtil::DurationToMilliseconds(request.heartbeat()));
}

absl::Status BeyondTheEnd(absl::string_view field, int64_t wanted, int64_t last) {
  return WithReason(absl::OutOfRangeError(absl::StrCat(field, " is ", wanted, "; the log ends at ",
                                                       last, ": allowed is 0..", last)),
                    v1::ERROR_REASON_SEQUENCE_OUT_OF_RANGE);
}

}  // namespace

WatchReactor* WatchReactor::Start(grpc::CallbackServerContext* context,
                                  const v1::WatchExperimentRequest& request,
                                  const Dependencies& dependencies) {
  const std::shared_ptr<WatchReactor> reactor(new WatchReactor(context, request, dependencies));
  reactor->self_ = reactor;
  if (!dependencies.pool->TryRun([reactor] { reactor->Open(); })) {
    reactor->FinishWith(OverloadError());
    reactor->Advance();
  }
  return reactor.get();
}

WatchReactor::WatchReactor(grpc::CallbackServerContext* context,
                           const v1::WatchExperimentRequest& request,
                           const Dependencies& dependencies)
    : context_(context),
      request_(request),
      dependencies_(dependencies),
      heartbeat_(HeartbeatOf(request)),
      // The first heartbeat, which carries the cursor, is due at once.
      last_write_(Clock::now() - heartbeat_.value_or(Clock::duration::zero())) {
  beat_.mutable_heartbeat();
}

void WatchReactor::Open() {
  if (const absl::Status status = FindLog(); !status.ok()) {
    FinishWith(status);
  } else if (!dependencies_.hub->Subscribe(log_.experiment_key.value_or(EventHub::kAll),
                                           shared_from_this())) {
    OnShutdown();
  }
  Poll();
}

absl::StatusOr<RunName> WatchReactor::CheckRequest() const {
  const bool all = request_.name() == kAllExperiments;
  RunName name;
  FieldViolations violations;
  if (IsRunName(request_.name())) {
    const auto run = ParseRunName("name", request_.name());
    violations.AddUnder("", run.status());
    if (run.ok()) name = *run;
  } else if (!all) {
    const auto id = ParseExperimentName("name", request_.name());
    violations.AddUnder("", id.status());
    if (id.ok()) name.experiment_id = *id;
  }
  if (all && request_.after_sequence() != 0) {
    violations.Add("after_sequence",
                   "counts the events of one experiment; for all experiments set after_position");
  }
  if (!all && request_.after_position() != 0) {
    violations.Add("after_position",
                   "counts the events of all experiments; for one experiment set after_sequence");
  }
  const int64_t millis = TimeUtil::DurationToMilliseconds(request_.heartbeat());
  if (request_.has_heartbeat() && (millis < kMinHeartbeatMillis || millis > kMaxHeartbeatMillis)) {
    violations.Add("heartbeat", absl::StrCat("is ", millis, " ms; allowed is 1 s to 1 h"));
  }
  ANNEAL_RETURN_IF_ERROR(violations.ToStatus());
  return name;
}

absl::Status WatchReactor::CheckCaller() {
  ANNEAL_ASSIGN_OR_RETURN(const OptionalCaller caller,
                          dependencies_.authorization->Identify(CredentialsOf(*context_)));
  MutexLock lock(&mutex_);
  if (caller.has_value()) checked_ = Clock::now();
  return absl::OkStatus();
}

absl::Status WatchReactor::FindLog() {
  ANNEAL_RETURN_IF_ERROR(
      dependencies_.authorization->Authorize(CredentialsOf(*context_), request_).status());
  ANNEAL_ASSIGN_OR_RETURN(const RunName run, CheckRequest());
  const bool all = request_.name() == kAllExperiments;
  const int64_t wanted = all ? request_.after_position() : request_.after_sequence();
  const auto read = [&](store::Connection& db) -> absl::StatusOr<int64_t> {
    if (!all) {
      ANNEAL_ASSIGN_OR_RETURN(log_.experiment_key, store::ExperimentKey(db, run.experiment_id));
    }
    if (IsRunName(request_.name())) {
      ANNEAL_ASSIGN_OR_RETURN(log_.run_key, store::RunKey(db, run));
    }
    ANNEAL_ASSIGN_OR_RETURN(const store::LogPosition log, store::GetLogPosition(db, log_));
    if (all && wanted == kFromNow) return log.last;
    if (wanted >= 0 && wanted <= log.last) return wanted;
    return BeyondTheEnd(all ? "after_position" : "after_sequence", wanted, log.last);
  };
  ANNEAL_ASSIGN_OR_RETURN(const int64_t cursor, dependencies_.store->Read(read));
  MutexLock lock(&mutex_);
  cursor_ = cursor;
  if (!all) beat_.set_experiment(ExperimentName(run.experiment_id));
  all ? beat_.set_position(cursor) : beat_.set_sequence(cursor);
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const EventPage>> WatchReactor::Read(
    const store::EventQuery& query) {
  ANNEAL_RETURN_IF_ERROR(CheckCaller());
  return dependencies_.events->Read(query);
}

void WatchReactor::Poll() {
  store::EventQuery query = log_;
  bool finishing = false;
  {
    MutexLock lock(&mutex_);
    news_ = false;
    query.after = cursor_;
    finishing = final_.has_value();
  }
  if (!finishing) {
    absl::StatusOr<std::shared_ptr<const EventPage>> page = Read(query);
    MutexLock lock(&mutex_);
    if (page.ok()) {
      page_ = *std::move(page);
      next_ = 0;
    } else if (!final_.has_value()) {
      final_ = page.status();
    }
  }
  Advance();
}

void WatchReactor::SchedulePoll() {
  dependencies_.pool->Run([self = shared_from_this()] { self->Poll(); });
}

const v1::Event* WatchReactor::TakeEvent() {
  if (page_ == nullptr || next_ == page_->events.size()) return nullptr;
  in_flight_ = page_;
  const v1::Event* event = &page_->events[next_++];
  beat_.set_sequence(log_.experiment_key.has_value() ? event->sequence() : 0);
  beat_.set_position(event->position());
  if (next_ == page_->events.size()) cursor_ = page_->read_to;
  return event;
}

// Calls gRPC without the lock, because gRPC may call back before it returns. Only the thread that
// set the state to kWriting or kFinished under the lock makes that call.
void WatchReactor::Advance() {
  std::optional<absl::Status> finish;
  const v1::Event* event = nullptr;
  {
    MutexLock lock(&mutex_);
    if (final_.has_value()) {
      state_ = State::kFinished;
      finish = final_;
    } else if (event = TakeEvent(); event != nullptr) {
      state_ = State::kWriting;
      last_write_ = Clock::now();
    } else if (page_ != nullptr && page_->at_end) {
      state_ = State::kFinished;
      finish = absl::OkStatus();
    } else if (state_ == State::kWriting || news_) {
      if (page_ != nullptr) cursor_ = page_->read_to;
      state_ = State::kPolling;
    } else {
      if (page_ != nullptr) cursor_ = page_->read_to;
      page_.reset();
      state_ = State::kIdle;
      return;
    }
  }
  if (finish.has_value()) {
    Finish(ToGrpc(*finish));
  } else if (event != nullptr) {
    StartWrite(event);
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
    // Only a poll leaves kPolling: it keeps OnEvents and OnTick out until Advance.
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

void WatchReactor::OnTick() {
  const Clock::time_point now = Clock::now();
  bool polls = false;
  {
    MutexLock lock(&mutex_);
    if (state_ != State::kIdle) return;
    polls = checked_.has_value() && now - *checked_ >= kTokenCheckInterval;
    const bool beats = heartbeat_.has_value() && now - last_write_ >= *heartbeat_;
    if (!polls && !beats) return;
    state_ = polls ? State::kPolling : State::kWriting;
    if (!polls) last_write_ = now;
  }
  polls ? SchedulePoll() : StartWrite(&beat_);
}

void WatchReactor::OnShutdown() {
  FinishWith(absl::UnavailableError("the daemon is stopping; watch again after the last sequence"));
}

void WatchReactor::OnCancel() { FinishWith(absl::CancelledError("the client has disconnected")); }

void WatchReactor::OnWriteDone(bool ok) {
  if (!ok) FinishWith(absl::CancelledError("the client has disconnected"));
  Advance();
}

void WatchReactor::OnDone() {
  dependencies_.hub->Unsubscribe(log_.experiment_key.value_or(EventHub::kAll), this);
  // The last owner may be a task on the pool, or this.
  const std::shared_ptr<WatchReactor> self = std::move(self_);
}

}  // namespace anneal::api
