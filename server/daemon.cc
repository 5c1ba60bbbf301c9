#include "server/daemon.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "common/status.h"
#include "common/version.h"
#include "server/api/experiment_service.h"
#include "server/api/info_services.h"
#include "server/api/run_service.h"
#include "server/api/self_check.h"
#include "server/store/queue_store.h"
#if ANNEAL_GRPC_1_51
#include "server/transport/grpc_1_51/workarounds.h"
#endif
#include "server/workers/make_executor.h"

namespace anneal {
namespace {

// Pool threads mostly wait for the disk; as many writes can commit together.
constexpr int kPoolThreads = 16;
// On shutdown, calls in progress have this long to finish.
constexpr std::chrono::milliseconds kCallDeadline(3000);

}  // namespace

Daemon::Daemon(std::unique_ptr<store::Store> store, const Options& options, const WallClock& clock)
    : options_(options),
      clock_(clock),
      start_micros_(clock()),
      store_(std::move(store)),
      checkpoints_(options.data_dir + "/checkpoints"),
      datasets_(options.datasets),
      executor_(workers::MakeExecutor(options.executor, &datasets_)),
      dispatcher_(store_.get(), &checkpoints_, executor_.get(), &metrics_, options.user_limits,
                  clock),
      submission_(store_.get(), &datasets_, &dispatcher_, options.user_limits, clock),
      retention_(store_.get(), &checkpoints_, &dispatcher_, options.retention, clock),
      editor_(store_.get(), &checkpoints_, &dispatcher_, clock),
      looks_(store_.get(), clock),
      split_images_(store_.get(), &datasets_),
      events_(store_.get()),
      tokens_(auth::TokensPath(options.data_dir),
              [clock] { return absl::FromUnixMicros(clock()); }),
      rate_limit_(options.max_requests_per_second),
      authorization_(&tokens_, &rate_limit_, store_.get()),
      pool_(std::make_unique<api::BlockingPool>(kPoolThreads)),
      runner_(pool_.get(), &authorization_) {}

std::vector<std::unique_ptr<grpc::Service>> Daemon::MakeServices() {
  std::vector<std::unique_ptr<grpc::Service>> services;
  services.push_back(std::make_unique<api::ExperimentService>(
      api::ExperimentService::Dependencies{.runner = &runner_,
                                           .store = store_.get(),
                                           .submission = &submission_,
                                           .editor = &editor_,
                                           .looks = &looks_,
                                           .dispatcher = &dispatcher_,
                                           .watch = {.authorization = &authorization_,
                                                     .pool = pool_.get(),
                                                     .store = store_.get(),
                                                     .hub = &hub_,
                                                     .events = &events_}}));
  services.push_back(std::make_unique<api::RunService>(
      api::RunService::Dependencies{.runner = &runner_,
                                    .store = store_.get(),
                                    .submission = &submission_,
                                    .editor = &editor_,
                                    .looks = &looks_,
                                    .split_images = &split_images_,
                                    .dispatcher = &dispatcher_,
                                    .clock = clock_,
                                    .download = {.authorization = &authorization_,
                                                 .pool = pool_.get(),
                                                 .store = store_.get(),
                                                 .checkpoints = &checkpoints_}}));
  services.push_back(std::make_unique<api::PresetService>(&runner_));
  services.push_back(std::make_unique<api::ServerService>(
      api::ServerService::Dependencies{.runner = &runner_,
                                       .store = store_.get(),
                                       .dispatcher = &dispatcher_,
                                       .datasets = &datasets_,
                                       .start_micros = start_micros_,
                                       .backup = {.authorization = &authorization_,
                                                  .pool = pool_.get(),
                                                  .store = store_.get(),
                                                  .in_progress = &backup_in_progress_}}));
  return services;
}

absl::StatusOr<std::unique_ptr<Daemon>> Daemon::Start(const Options& options,
                                                      const WallClock& clock) {
  ANNEAL_ASSIGN_OR_RETURN(auto store, store::Store::Open(options.data_dir, options.reserve_bytes));
  std::unique_ptr<Daemon> daemon(new Daemon(std::move(store), options, clock));
  daemon->store_->set_commit_listener(
      [hub = &daemon->hub_, events = &daemon->events_](const std::set<int64_t>& experiments) {
        events->NoteCommit();
        hub->Publish(experiments);
      });
  daemon->store_->set_commit_observer(
      [metrics = &daemon->metrics_, monitor = &daemon->storage_monitor_](const absl::Status& status,
                                                                         double seconds) {
        metrics->CountCommit(seconds, status.ok());
        monitor->OnCommit(status);
      });
  transport::Server::Options server = {
      .addresses = options.listening,
      .make_services = [raw = daemon.get()] { return raw->MakeServices(); },
      .finish_streams = [hub = &daemon->hub_] { hub->Shutdown(); },
      .metrics = &daemon->metrics_};
#if ANNEAL_GRPC_1_51
  server.admission = transport::grpc_1_51::MakeAdmission();
#endif
  ANNEAL_ASSIGN_OR_RETURN(daemon->server_, transport::Server::Start(std::move(server)));
  ANNEAL_RETURN_IF_ERROR(daemon->dispatcher_.Begin());
  daemon->retention_.Begin();
  daemon->storage_monitor_.Begin(
      [store = daemon->store_.get()] { store->Probe(); },
      [server = daemon->server_.get()](bool healthy) { server->SetServing(healthy); });
  if (!options.metrics_address.empty()) {
    ANNEAL_ASSIGN_OR_RETURN(
        daemon->metrics_endpoint_,
        telemetry::MetricsEndpoint::Start(options.metrics_address, daemon->metrics_,
                                          [raw = daemon.get()] { return raw->ReadNow(); }));
  }
  return daemon;
}

absl::Status Daemon::CheckAnswers() { return api::CheckAnswers(server_->NewConnection()); }

std::string Daemon::metrics_address() const {
  return metrics_endpoint_ == nullptr ? "" : metrics_endpoint_->address();
}

std::vector<telemetry::Reading> Daemon::ReadNow() {
  std::vector<telemetry::Reading> readings = telemetry::ReadProcess();
  readings.push_back({.name = "anneald_build_info",
                      .help = "Always 1; the label is the version.",
                      .value = 1,
                      .labels = {{"version", std::string(kVersion)}}});
  // Without an answer the readings are missing, which an alert can tell from 0.
  const absl::StatusOr<std::map<std::string, int64_t>> runs =
      store_->Read([](store::Connection& db) { return store::CountRunsByState(db); });
  for (const auto& [state, count] : runs.value_or(std::map<std::string, int64_t>())) {
    readings.push_back({.name = "anneald_runs",
                        .help = "Runs by state; PENDING runs are the queue.",
                        .value = static_cast<double>(count),
                        .labels = {{"state", state}}});
  }
  const auto add = [&readings](const char* name, const char* help, double value) {
    readings.push_back({.name = name, .help = help, .value = value});
  };
  add("anneald_workers", "Runs that can train at a time.", dispatcher_.workers());
  add("anneald_workers_idle", "Idle workers.", dispatcher_.idle_workers());
  add("anneald_watchers", "Open streams of events.", static_cast<double>(hub_.subscribers()));
  add("anneald_storage_healthy", "1 while the database accepts writes.",
      storage_monitor_.healthy() ? 1 : 0);
  std::error_code error;
  const auto space = std::filesystem::space(options_.data_dir, error);
  if (!error) {
    add("anneald_storage_free_bytes", "Free bytes on the disk of the data directory.",
        static_cast<double>(space.available));
  }
  return readings;
}

Daemon::~Daemon() {
  metrics_endpoint_.reset();
  storage_monitor_.Stop();
  retention_.Stop();
  if (server_ != nullptr) server_->Shutdown(kCallDeadline);
  pool_.reset();  // after the last call, which could have scheduled work
  server_.reset();
  dispatcher_.Shutdown();
}

}  // namespace anneal
