// Measures the throughput of the daemon's epoch loop (batches, steps, metrics, evaluation) as a
// worker thread runs it, without a daemon. Prints one line of JSON, so that scripts can interleave
// it with other programs.
//
//   training_bench DATASET_DIRECTORY RUNS EPOCHS [FIELD=VALUE ...]
//
// RUNS runs train concurrently, one thread each. The first epoch of each is a warm-up.

#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/config/field_path.h"
#include "common/config/validation.h"
#include "nlohmann/json.hpp"
#include "server/training/engines/engine.h"
#include "server/training/make_engine.h"
#include "server/training/trainer.h"

namespace anneal::training {
namespace {

void Require(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::exit(1);
}

struct Measured {
  std::string engine;
  // Dense multiply-adds of the forward and backward pass of an image, without input gradients of
  // the first layer.
  int64_t multiply_adds = 0;
  std::vector<double> images_per_second;  // training only
  std::vector<double> epoch_seconds;      // training and evaluation
};

Measured TrainOne(const v1::TrainingConfig& config, const data::Dataset& dataset, int64_t seed) {
  PrepareTrainingThread();
  v1::RunAssignment assignment;
  *assignment.mutable_config() = config;
  assignment.set_seed(seed);
  Measured measured;
  TrainingObserver observer;
  observer.on_started = [&measured](const v1::RunStarted& started) {
    measured.engine = started.engine();
    const v1::NetworkSummary& network = started.network();
    measured.multiply_adds = 3 * network.multiply_adds() - network.layers(0).multiply_adds();
    return absl::OkStatus();
  };
  observer.on_epoch = [&measured](const v1::EpochReport& report) {
    if (report.epoch().epoch() > 1) {
      measured.images_per_second.push_back(report.epoch().samples_per_second());
      measured.epoch_seconds.push_back(report.epoch().epoch_seconds());
    }
    return absl::OkStatus();
  };
  observer.on_checkpoint = [](const v1::Checkpoint&) { return absl::OkStatus(); };
  const auto end = Train(assignment, dataset, observer, std::stop_token());
  Require(end.status());
  if (!end->has_completed()) {
    std::fprintf(stderr, "%s\n", end->failure().message().c_str());
    std::exit(1);
  }
  return measured;
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int64_t PeakKibibytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

int Main(int argc, char** argv) {
  int runs = 0;
  int epochs = 0;
  if (argc < 4 || !absl::SimpleAtoi(argv[2], &runs) || !absl::SimpleAtoi(argv[3], &epochs) ||
      runs < 1 || epochs < 2) {
    std::fprintf(stderr, "usage: %s DATASET_DIRECTORY RUNS EPOCHS [FIELD=VALUE ...]\n", argv[0]);
    return 2;
  }
  v1::TrainingConfig config;
  config.set_epochs(epochs);
  for (int i = 4; i < argc; ++i) {
    const std::pair<std::string, std::string> field =
        absl::StrSplit(argv[i], absl::MaxSplits('=', 1));
    Require(config::SetField(&config, field.first, field.second));
  }
  config = config::ResolveConfig(std::move(config));
  const auto dataset = data::LoadDataset(argv[1]);
  Require(dataset.status());
  const int64_t before = PeakKibibytes();

  std::vector<Measured> measured(static_cast<size_t>(runs));
  std::vector<std::thread> threads;
  for (int i = 0; i < runs; ++i) {
    threads.emplace_back(
        [&, i] { measured[static_cast<size_t>(i)] = TrainOne(config, *dataset, i); });
  }
  for (std::thread& thread : threads) thread.join();

  double images_per_second = 0;
  std::vector<double> epoch_seconds;
  for (const Measured& run : measured) {
    images_per_second += Median(run.images_per_second);
    epoch_seconds.insert(epoch_seconds.end(), run.epoch_seconds.begin(), run.epoch_seconds.end());
  }
  const nlohmann::json line = {
      {"engine", measured[0].engine},
      {"images_per_second", images_per_second},
      {"gflops", 2e-9 * static_cast<double>(measured[0].multiply_adds) * images_per_second},
      {"epoch_seconds", Median(epoch_seconds)},
      {"kibibytes_before", before},
      {"kibibytes_peak", PeakKibibytes()}};
  std::printf("%s\n", line.dump().c_str());
  return 0;
}

}  // namespace
}  // namespace anneal::training

int main(int argc, char** argv) { return anneal::training::Main(argc, argv); }
