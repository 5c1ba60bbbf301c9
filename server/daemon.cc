#include "server/daemon.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <set>
#include <utility>

#include "common/status.h"

namespace anneal {
namespace {

// They mostly wait for the disk; as many as there may be writes worth committing together.
constexpr int kPoolThreads = 16;
// Calls under way get this long to end by themselves.
constexpr std::chrono::milliseconds kCallDeadline(3000);

}  // namespace

Daemon::Daemon(std::unique_ptr<store::Store> store, const Options& options,
               const executor::WallClock& clock)
    : store_(std::move(store)),
      checkpoints_(options.data_dir + "/checkpoints"),
      datasets_(options.datasets),
      executor_(options.workers, options.pin_workers, &datasets_),
      dispatcher_(store_.get(), &checkpoints_, &executor_, clock),
      submission_(store_.get(), &datasets_, &dispatcher_, clock),
      editor_(store_.get(), &checkpoints_, &dispatcher_, clock),
      events_(store_.get()),
      tokens_(TokensPath(options.data_dir), [clock] { return absl::FromUnixMicros(clock()); }),
      pool_(std::make_unique<rpc::BlockingPool>(kPoolThreads)) {}

absl::StatusOr<std::unique_ptr<Daemon>> Daemon::Start(const Options& options,
                                                      const executor::WallClock& clock) {
  ANNEAL_ASSIGN_OR_RETURN(auto store, store::Store::Open(options.data_dir));
  std::unique_ptr<Daemon> daemon(new Daemon(std::move(store), options, clock));
  daemon->store_->set_commit_listener(
      [hub = &daemon->hub_, events = &daemon->events_](const std::set<int64_t>& experiments) {
        events->NoteCommit();
        hub->Publish(experiments);
      });
  const rpc::Services services = {.store = daemon->store_.get(),
                                  .checkpoints = &daemon->checkpoints_,
                                  .dispatcher = &daemon->dispatcher_,
                                  .submission = &daemon->submission_,
                                  .editor = &daemon->editor_,
                                  .datasets = &daemon->datasets_,
                                  .hub = &daemon->hub_,
                                  .events = &daemon->events_,
                                  .pool = daemon->pool_.get(),
                                  .tokens = &daemon->tokens_,
                                  .clock = clock,
                                  .start_micros = clock()};
  ANNEAL_ASSIGN_OR_RETURN(daemon->server_, rpc::Server::Start(options.listening, services));
  ANNEAL_RETURN_IF_ERROR(daemon->dispatcher_.Begin());
  return daemon;
}

Daemon::~Daemon() {
  if (server_ != nullptr) server_->Shutdown(kCallDeadline);
  pool_.reset();  // no call is left that could hand it work
  server_.reset();
  dispatcher_.Shutdown();
}

}  // namespace anneal
