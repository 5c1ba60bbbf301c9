// Measures client latency through gRPC on loopback while the daemon's worker trains: submissions,
// pages of large experiments, and the delay of watched events. Daemon and clients share this
// process and its CPUs.

#include <benchmark/benchmark.h>
#include <grpcpp/grpcpp.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "anneal/v1/services.grpc.pb.h"
#include "google/protobuf/text_format.h"
#include "server/daemon.h"
#include "tests/fixtures/temp_directory.h"
#include "tests/fixtures/tiny_dataset.h"

namespace anneal {
namespace {

void Require(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}
void Require(const grpc::Status& status) { Require(status.ok(), status.error_message()); }

// A daemon with one worker and a data set of 28x28 images.
class BenchDaemon {
 public:
  explicit BenchDaemon(int images = 2000) {
    spdlog::set_level(spdlog::level::err);
    WriteTinyDataset(directory_.file("datasets/mnist"),
                     {.train = images, .test = 100, .side = 28, .classes = 10});
    auto started = Daemon::Start({.data_dir = directory_.file("data"),
                                  .listening = {.local = {"127.0.0.1:0"}},
                                  .executor = {.workers = 1},
                                  .datasets = {directory_.file("datasets")}},
                                 SystemWallClock);
    Require(started.ok(), std::string(started.status().message()));
    daemon_ = *std::move(started);
  }

  // Opens a separate channel.
  std::shared_ptr<grpc::Channel> Connect() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(daemon_->server().addresses().at(0),
                                     grpc::InsecureChannelCredentials(), arguments);
  }

  // An experiment that occupies the worker and produces few events.
  void KeepBusy() {
    v1::CreateExperimentRequest request;
    request.set_experiment_id("busy");
    Require(google::protobuf::TextFormat::ParseFromString(
                "config { epochs: 100000 network { layers { conv { filters: 256 kernel: 3 } }"
                "  layers { conv { filters: 256 kernel: 3 } } } } priority: 100",
                request.mutable_experiment()),
            "config");
    grpc::ClientContext context;
    v1::Experiment created;
    Require(
        v1::ExperimentService::NewStub(Connect())->CreateExperiment(&context, request, &created));
  }

 private:
  TempDirectory directory_;
  std::unique_ptr<Daemon> daemon_;
};

BenchDaemon& Busy() {
  static BenchDaemon& daemon = *[] {
    auto* started = new BenchDaemon();
    started->KeepBusy();
    return started;
  }();
  return daemon;
}

// Three axes with 10 values each, and 10 seeds.
void SubmitTenThousandCells(benchmark::State& state) {
  const auto stub = v1::ExperimentService::NewStub(Busy().Connect());
  v1::CreateExperimentRequest request;
  request.mutable_experiment()->mutable_config()->set_epochs(1);
  for (const char* path : {"optimizer.learning_rate", "theta.learning_rate", "regularizer.l2"}) {
    v1::SweepAxis* axis = request.mutable_experiment()->add_axes();
    axis->set_field(path);
    for (int i = 1; i <= 10; ++i) axis->add_values(absl::StrCat("0.00", i));
  }
  for (int seed = 0; seed < 10; ++seed) request.mutable_experiment()->add_seeds(seed);
  static int number = 0;
  for (auto unused : state) {
    request.set_experiment_id(absl::StrCat("cells-", number++));
    grpc::ClientContext context;
    v1::Experiment created;
    Require(stub->CreateExperiment(&context, request, &created));
    Require(created.run_counts().total() == 10'000, "cells are missing");
  }
}
BENCHMARK(SubmitTenThousandCells)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(3);

// Pages through the first of these experiments.
void ListPageOfCells(benchmark::State& state) {
  const auto stub = v1::RunService::NewStub(Busy().Connect());
  const auto page_size = static_cast<int32_t>(state.range(0));
  v1::ListRunsRequest request;
  request.set_parent("experiments/cells-0");
  request.set_page_size(page_size);
  for (auto unused : state) {
    grpc::ClientContext context;
    v1::ListRunsResponse response;
    Require(stub->ListRuns(&context, request, &response));
    Require(response.runs_size() == page_size, "runs are missing");
    request.set_page_token(response.next_page_token());
  }
}
BENCHMARK(ListPageOfCells)->Arg(50)->Arg(1000)->Unit(benchmark::kMillisecond)->UseRealTime();

// Durably acknowledged single runs from several concurrent clients, with one shared config or one
// config each.
void SubmitOneRun(benchmark::State& state, bool of_own_config) {
  const auto stub = v1::ExperimentService::NewStub(Busy().Connect());
  v1::CreateExperimentRequest request;
  v1::TrainingConfig* config = request.mutable_experiment()->mutable_config();
  config->set_epochs(1);
  static std::atomic<int> number = 0;
  for (auto unused : state) {
    if (of_own_config) config->mutable_optimizer()->set_learning_rate(1e-9 * ++number);
    grpc::ClientContext context;
    v1::Experiment created;
    Require(stub->CreateExperiment(&context, request, &created));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(SubmitOneRun, of_one_config, false)
    ->Threads(1)
    ->Threads(16)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(SubmitOneRun, of_own_configs, true)
    ->Threads(16)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// Delays between the time of an event and its arrival.
class Delays {
 public:
  void Add(double milliseconds) {
    const std::scoped_lock lock(mutex_);
    values_.push_back(milliseconds);
  }
  size_t size() {
    const std::scoped_lock lock(mutex_);
    return values_.size();
  }
  double Quantile(double share) {
    const std::scoped_lock lock(mutex_);
    std::sort(values_.begin(), values_.end());
    return values_[static_cast<size_t>(share * static_cast<double>(values_.size() - 1))];
  }

 private:
  std::mutex mutex_;
  std::vector<double> values_;
};

// Watches a run on gRPC's threads and records the delay of its epochs.
class Watcher final : public grpc::ClientReadReactor<v1::Event> {
 public:
  Watcher(v1::ExperimentService::Stub* stub, const v1::WatchExperimentRequest& request,
          Delays* delays)
      : delays_(delays) {
    stub->async()->WatchExperiment(&context_, &request, this);
    StartRead(&event_);
    StartCall();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    if (event_.sequence() != last_ + 1) gap_ = true;
    last_ = event_.sequence();
    if (event_.has_epoch()) {
      samples_per_second_.push_back(event_.epoch().samples_per_second());
      const auto sent = event_.time().seconds() * 1'000'000 + event_.time().nanos() / 1000;
      delays_->Add(static_cast<double>(SystemWallClock() - sent) / 1000);
    }
    StartRead(&event_);
  }
  void OnDone(const grpc::Status& status) override {
    Require(status);
    done_ = true;
  }
  bool done() const { return done_; }
  // The delays of a finished watcher.
  bool gapless() const { return !gap_; }
  const std::vector<double>& samples_per_second() const { return samples_per_second_; }

 private:
  Delays* const delays_;
  grpc::ClientContext context_;
  v1::Event event_;
  int64_t last_ = 0;
  bool gap_ = false;
  std::vector<double> samples_per_second_;
  std::atomic<bool> done_ = false;
};

// A run of 30 epochs, about 15 per second, watched to its end.
void WatchARun(benchmark::State& state) {
  static BenchDaemon& daemon = *new BenchDaemon();
  static int number = 0;
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < 10; ++i) channels.push_back(daemon.Connect());
  const auto stub = v1::ExperimentService::NewStub(channels[0]);
  v1::CreateExperimentRequest create;
  create.mutable_experiment()->mutable_config()->set_epochs(30);
  Delays delays;
  for (auto unused : state) {
    create.set_experiment_id(absl::StrCat("watched-", number++));
    v1::Experiment created;
    grpc::ClientContext context;
    Require(stub->CreateExperiment(&context, create, &created));
    v1::WatchExperimentRequest watch;
    watch.set_name(created.name());
    std::vector<std::unique_ptr<v1::ExperimentService::Stub>> stubs;
    std::vector<std::unique_ptr<Watcher>> watchers;
    for (int64_t i = 0; i < state.range(0); ++i) {
      stubs.push_back(
          v1::ExperimentService::NewStub(channels[static_cast<size_t>(i) % channels.size()]));
      watchers.push_back(std::make_unique<Watcher>(stubs.back().get(), watch, &delays));
    }
    for (const auto& watcher : watchers) {
      while (!watcher->done()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      Require(watcher->gapless(), "a watcher missed an event");
    }
    Require(delays.size() == 30 * watchers.size(), "a watcher missed an epoch");
  }
  state.counters["p50_ms"] = delays.Quantile(0.5);
  state.counters["p99_ms"] = delays.Quantile(0.99);
}
BENCHMARK(WatchARun)->Arg(1)->Arg(100)->Arg(1000)->UseRealTime()->Iterations(1)->Unit(
    benchmark::kMillisecond);

// Alternates half-second epochs with one and with 1,000 watchers; reports training speed with 1,000
// as a share of that with one.
void TrainWhileWatched(benchmark::State& state) {
  BenchDaemon daemon(/*images=*/15'000);
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < 10; ++i) channels.push_back(daemon.Connect());
  std::vector<std::unique_ptr<v1::ExperimentService::Stub>> stubs;
  for (const auto& channel : channels) stubs.push_back(v1::ExperimentService::NewStub(channel));
  v1::CreateExperimentRequest create;
  create.mutable_experiment()->mutable_config()->set_epochs(8);
  Delays delays;
  int number = 0;
  const auto median_speed = [&](size_t count) {
    create.set_experiment_id(absl::StrCat("trained-", number++));
    v1::Experiment created;
    grpc::ClientContext context;
    Require(stubs[0]->CreateExperiment(&context, create, &created));
    v1::WatchExperimentRequest watch;
    watch.set_name(created.name());
    std::vector<std::unique_ptr<Watcher>> watchers;
    for (size_t i = 0; i < count; ++i) {
      watchers.push_back(std::make_unique<Watcher>(stubs[i % stubs.size()].get(), watch, &delays));
    }
    for (const auto& watcher : watchers) {
      while (!watcher->done()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      Require(watcher->gapless(), "a watcher missed an event");
    }
    // Skips the first epochs, during which the watchers connect.
    std::vector<double> speeds = watchers[0]->samples_per_second();
    speeds.erase(speeds.begin(), speeds.begin() + 2);
    std::sort(speeds.begin(), speeds.end());
    return speeds[speeds.size() / 2];
  };
  std::vector<double> ratios;
  for (auto unused : state) {
    const double alone = median_speed(1);
    ratios.push_back(median_speed(1000) / alone);
  }
  std::sort(ratios.begin(), ratios.end());
  state.counters["median_ratio"] = ratios[ratios.size() / 2];
  state.counters["min_ratio"] = ratios.front();
  state.counters["most"] = ratios.back();
}
BENCHMARK(TrainWhileWatched)->UseRealTime()->Iterations(7)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace anneal

BENCHMARK_MAIN();
