#include "client/follow.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/resource_name.h"
#include "common/run_state.h"
#include "common/status.h"

namespace anneal::client {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstPause(200);
constexpr milliseconds kLongestPause(5000);

// A daemon that goes away says so (UNAVAILABLE), cancels what it cannot finish in time, or says
// nothing at all.
bool IsLostConnection(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsCancelled(status) || absl::IsUnknown(status);
}

class Follower {
 public:
  Follower(Connection* connection, Interrupt* interrupt, const std::string& name,
           render::Progress* progress)
      : connection_(connection),
        interrupt_(interrupt),
        experiment_(name.substr(0, name.find("/runs/"))),
        run_(IsRunName(name) ? name : ""),
        progress_(progress) {}

  absl::StatusOr<Followed> Run() {
    ANNEAL_RETURN_IF_ERROR(LoadRuns());
    interrupt_->OnInterrupt([] {});
    milliseconds pause = kFirstPause;
    while (true) {
      const int64_t before = last_sequence_;
      const absl::Status status = WatchOnce();
      if (interrupt_->requested()) return Followed::kDetached;
      if (status.ok()) break;
      if (!IsLostConnection(status)) return status;
      if (last_sequence_ > before) pause = kFirstPause;
      progress_->Note(absl::StrCat("connection to ", connection_->server(), " lost; reconnecting"));
      if (!interrupt_->Sleep(pause)) return Followed::kDetached;
      pause = std::min(2 * pause, kLongestPause);
    }
    progress_->End(runs_);
    const bool succeeded = std::all_of(
        runs_.begin(), runs_.end(),
        [](const render::RunProgress& run) { return run.state == v1::RUN_STATE_SUCCEEDED; });
    return succeeded ? Followed::kSucceeded : Followed::kFailed;
  }

 private:
  absl::Status LoadRuns() {
    std::vector<v1::Run> runs;
    if (run_.empty()) {
      ANNEAL_ASSIGN_OR_RETURN(runs, connection_->ListRuns(experiment_, /*limit=*/0));
    } else {
      ANNEAL_ASSIGN_OR_RETURN(runs.emplace_back(), connection_->GetRun(run_));
    }
    for (const v1::Run& run : runs) {
      index_[run.name()] = runs_.size();
      runs_.push_back({.name = ShortenName(run.name()), .epochs_total = run.epochs_total()});
    }
    return absl::OkStatus();
  }

  absl::Status WatchOnce() {
    grpc::ClientContext context;
    interrupt_->OnInterrupt([&context] { context.TryCancel(); });
    v1::WatchExperimentRequest request;
    request.set_name(experiment_);
    request.set_after_sequence(last_sequence_);
    const absl::Status status = connection_->Watch(
        &context, request,
        [this](const v1::Event& event) { return !interrupt_->requested() && Take(event); });
    interrupt_->OnInterrupt([] {});
    return status;
  }

  // False when there is nothing left to see.
  bool Take(const v1::Event& event) {
    last_sequence_ = event.sequence();
    const auto found = index_.find(event.run());
    if (found == index_.end()) {
      if (run_.empty()) progress_->OnEvent(event, nullptr, runs_);
      return true;
    }
    render::RunProgress& run = runs_[found->second];
    if (event.has_epoch()) {
      run.last = event.epoch();
    } else if (event.has_state_change()) {
      run.state = event.state_change().to();
      run.failure = event.state_change().failure();
    }
    progress_->OnEvent(event, &run, runs_);
    return run_.empty() || !IsFinal(run.state);
  }

  Connection* const connection_;
  Interrupt* const interrupt_;
  const std::string experiment_;
  const std::string run_;  // empty: all of the experiment
  render::Progress* const progress_;
  std::vector<render::RunProgress> runs_;
  std::map<std::string, size_t> index_;
  int64_t last_sequence_ = 0;
};

}  // namespace

absl::StatusOr<Followed> Follow(Connection* connection, Interrupt* interrupt,
                                const std::string& name, render::Progress* progress) {
  return Follower(connection, interrupt, name, progress).Run();
}

}  // namespace anneal::client
