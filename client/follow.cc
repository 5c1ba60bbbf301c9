#include "client/follow.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/resource_name.h"
#include "common/run_state.h"
#include "common/status.h"

namespace anneal::client {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstPause(200);
constexpr milliseconds kLongestPause(5000);
constexpr std::chrono::seconds kHeartbeat(15);
// Interval at which a live view is redrawn and polls the queue.
constexpr std::chrono::seconds kTick(1);
constexpr std::chrono::seconds kQueuePause(10);
// Number of queue entries searched for the watched runs.
constexpr size_t kQueueDepth = 1000;

class Follower {
 public:
  Follower(Connection* connection, Interrupt* interrupt, const std::string& name,
           render::ProgressView* view)
      : connection_(connection),
        interrupt_(interrupt),
        experiment_(name.substr(0, name.find("/runs/"))),
        run_(IsRunName(name) ? name : ""),
        all_(name == kAllExperiments),
        view_(view) {}

  absl::StatusOr<Followed> Run() {
    if (!all_) ANNEAL_RETURN_IF_ERROR(LoadRuns(/*as_they_are=*/false));
    interrupt_->OnInterrupt([] {});
    milliseconds pause = kFirstPause;
    while (true) {
      const int64_t before = last_position_;
      const absl::Status status = WatchOnce();
      if (interrupt_->requested()) return Followed::kDetached;
      if (status.ok()) break;
      if (ReasonOf(status) == v1::ERROR_REASON_EVENTS_PRUNED) {
        ANNEAL_RETURN_IF_ERROR(SkipPruned(status));
        continue;
      }
      if (!IsLostConnection(status)) return status;
      if (last_position_ > before) pause = kFirstPause;
      view_->Note(absl::StrCat("connection to ", connection_->server(), " lost; reconnecting"));
      is_lost_ = true;
      if (!interrupt_->Sleep(pause)) return Followed::kDetached;
      pause = std::min(2 * pause, kLongestPause);
    }
    view_->End();
    const bool succeeded = std::all_of(
        progress_.runs.begin(), progress_.runs.end(),
        [](const render::RunProgress& run) { return run.state == v1::RUN_STATE_SUCCEEDED; });
    return succeeded ? Followed::kSucceeded : Followed::kFailed;
  }

 private:
  // Fetches the runs, reset to their initial state for replay or in their current state.
  absl::Status LoadRuns(bool as_they_are) {
    std::vector<v1::Run> runs;
    if (run_.empty()) {
      v1::ListRunsRequest request;
      request.set_parent(experiment_);
      ANNEAL_ASSIGN_OR_RETURN(runs, connection_->ListRuns(request, /*limit=*/0));
    } else {
      ANNEAL_ASSIGN_OR_RETURN(runs.emplace_back(), connection_->GetRun(run_));
    }
    for (const v1::Run& run : runs) {
      AddRun(run);
      if (as_they_are) progress_.runs.back().state = run.state();
    }
    return absl::OkStatus();
  }

  void AddRun(const v1::Run& run) {
    index_[run.name()] = progress_.runs.size();
    progress_.runs.push_back({.name = ShortenName(run.name()), .epochs_total = run.epochs_total()});
  }

  // Pruned events cannot be replayed: start from the current state of the runs.
  absl::Status SkipPruned(const absl::Status& status) {
    int64_t after = 0;
    if (!absl::SimpleAtoi(ReasonMetadata(status, "after"), &after)) return status;
    view_->Note(
        absl::StrCat("events up to ", after, " were pruned; `anneal history` shows the epochs"));
    (all_ ? last_position_ : last_sequence_) = after;
    if (all_) return absl::OkStatus();
    progress_.runs.clear();
    return LoadRuns(/*as_they_are=*/true);
  }

  absl::Status WatchOnce() {
    grpc::ClientContext context;
    // A channel reconnects only while a call is pending.
    context.set_wait_for_ready(is_lost_);
    interrupt_->OnInterrupt([&context] { context.TryCancel(); });
    v1::WatchExperimentRequest request;
    request.set_name(run_.empty() ? experiment_ : run_);
    if (all_) {
      request.set_after_position(last_position_);
    } else {
      request.set_after_sequence(last_sequence_);
    }
    request.mutable_heartbeat()->set_seconds((view_->is_live() ? kTick : kHeartbeat).count());
    const absl::Status status = connection_->Watch(
        &context, request,
        [this](const v1::Event& event) { return !interrupt_->requested() && Take(event); });
    interrupt_->OnInterrupt([] {});
    return status;
  }

  // Returns false when nothing is left to watch.
  bool Take(const v1::Event& event) {
    last_position_ = event.position();
    if (view_->is_live()) LookAtQueue();
    if (event.has_heartbeat()) {
      view_->OnTick(progress_);
      return true;
    }
    last_sequence_ = event.sequence();
    auto found = index_.find(event.run());
    if (all_ && found == index_.end() && !event.run().empty()) {
      // A run created after the start, or not seen before.
      if (const auto run = connection_->GetRun(event.run()); run.ok()) AddRun(*run);
      found = index_.find(event.run());
    }
    if (found == index_.end()) {
      view_->OnEvent(event, nullptr, progress_);
      return true;
    }
    render::RunProgress& run = progress_.runs[found->second];
    if (event.has_epoch()) {
      run.last = event.epoch();
      run.last_time = absl::FromUnixSeconds(event.time().seconds());
      run.validation_losses.push_back(event.epoch().validation_loss());
    } else if (event.has_state_change()) {
      run.state = event.state_change().to();
      run.failure = event.state_change().failure();
    } else if (event.has_start_over()) {
      run.last.Clear();
      run.validation_losses.clear();
    }
    view_->OnEvent(event, &run, progress_);
    return run_.empty() || !IsFinal(run.state);
  }

  // Polls the queue while a watched run is queued. Errors hide it.
  void LookAtQueue() {
    const bool waits = std::any_of(
        progress_.runs.begin(), progress_.runs.end(),
        [](const render::RunProgress& run) { return run.state == v1::RUN_STATE_PENDING; });
    const auto now = std::chrono::steady_clock::now();
    if (waits && now < next_queue_poll_) return;
    next_queue_poll_ = now + kQueuePause;
    progress_.queue = {};
    if (!waits) return;
    const auto queue = connection_->ListQueue(kQueueDepth);
    if (!queue.ok()) return;
    if (queue->size() < kQueueDepth) progress_.queue.length = static_cast<int>(queue->size());
    for (const v1::QueuedRun& run : *queue) {
      if (!index_.contains(run.name())) continue;
      progress_.queue.position = run.position() + 1;
      if (run.has_estimated_start_time()) {
        progress_.queue.start = absl::FromUnixSeconds(run.estimated_start_time().seconds());
      }
      return;
    }
  }

  Connection* const connection_;
  Interrupt* const interrupt_;
  const std::string experiment_;
  const std::string run_;  // empty: all runs of the experiment
  const bool all_;         // all experiments, from now on, without end
  render::ProgressView* const view_;
  render::Progress progress_;
  std::chrono::steady_clock::time_point next_queue_poll_;
  std::map<std::string, size_t> index_;
  int64_t last_sequence_ = 0;
  bool is_lost_ = false;        // the connection was lost at least once
  int64_t last_position_ = -1;  // -1: from now on
};

}  // namespace

absl::StatusOr<Followed> Follow(Connection* connection, Interrupt* interrupt,
                                const std::string& name, render::ProgressView* view) {
  return Follower(connection, interrupt, name, view).Run();
}

}  // namespace anneal::client
