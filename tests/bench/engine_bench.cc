// Measures an engine's training step and its parts, on the default network and random images. The
// time of a step beyond Gather, the forward pass and Record is the backward pass and, at a few
// microseconds (kernel_bench), the optimiser.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"
#include "common/config/validation.h"
#include "common/stats/classification.h"
#include "server/training/data/batches.h"
#include "server/training/engines/engine.h"
#include "server/training/make_engine.h"
#include "server/training/vectors/vectors.h"

namespace anneal::training {
namespace {

constexpr int64_t kImages = 10000;
constexpr engines::StepSettings kSettings = {
    .learning_rate = 1e-3, .theta_learning_rate = 1e-3, .theta = 0};

data::Dataset RandomDataset() {
  std::mt19937 random(1);
  data::Dataset dataset{
      .height = 28, .width = 28, .classes = 10, .mean = 0.5, .standard_deviation = 0.3};
  for (int64_t i = 0; i < kImages * dataset.pixels_per_image(); ++i) {
    dataset.train.pixels.push_back(static_cast<uint8_t>(random() % 256));
  }
  for (int64_t i = 0; i < kImages; ++i) {
    dataset.train.labels.push_back(static_cast<uint8_t>(random() % 10));
  }
  return dataset;
}

// A data set, an iteration over its batches, and an engine.
class Bench {
 public:
  Bench(int64_t batch_size, v1::EngineKind kind)
      : dataset_(RandomDataset()), order_(static_cast<size_t>(kImages)), batch_size_(batch_size) {
    std::iota(order_.begin(), order_.end(), 0);
    std::shuffle(order_.begin(), order_.end(), std::mt19937(2));
    config_.set_batch_size(static_cast<int32_t>(batch_size));
    config_.set_engine(kind);
    config_ = config::ResolveConfig(std::move(config_));
    auto plan = config::PlanRun(config_, dataset_.shape());
    if (!plan.ok()) {
      std::fprintf(stderr, "%s\n", plan.status().ToString().c_str());
      std::exit(1);
    }
    plan_ = *std::move(plan);
    PrepareTrainingThread();
    engine_ = MakeEngine(config_, plan_, /*seed=*/0);
  }

  engines::Engine& engine() { return *engine_; }
  const config::RunPlan& plan() const { return plan_; }
  // Returns the next batch, starting over after the last.
  data::Batch Next() {
    if (batches_.has_value()) {
      if (const data::Batch batch = batches_->Next(); batch.count > 0) return batch;
    }
    batches_.emplace(&dataset_, &dataset_.train, order_, batch_size_);
    return batches_->Next();
  }

 private:
  const data::Dataset dataset_;
  std::vector<int32_t> order_;
  const int64_t batch_size_;
  v1::TrainingConfig config_;
  config::RunPlan plan_;
  std::unique_ptr<engines::Engine> engine_;
  std::optional<data::Batches> batches_;
};

void CountImages(benchmark::State& state) {
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void Gather(benchmark::State& state) {
  Bench bench(state.range(0), v1::ENGINE_KIND_FUSED);
  for (auto _ : state) benchmark::DoNotOptimize(bench.Next());
  CountImages(state);
}

// The bookkeeping of a step: the confusion matrix and the squared gradient norms.
void Record(benchmark::State& state) {
  Bench bench(state.range(0), v1::ENGINE_KIND_FUSED);
  const data::Batch batch = bench.Next();
  const config::NetworkPlan& network = bench.plan().network;
  engines::StepTotals totals(10, network.layers.size());
  for (auto _ : state) {
    for (int64_t i = 0; i < batch.count; ++i) {
      totals.confusion.Add(static_cast<int>(batch.labels[i]), static_cast<int>(i % 10));
    }
    for (size_t i = 0; i < network.layers.size(); ++i) {
      const config::LayerPlan& layer = network.layers[i];
      // The images stand in for gradients; the values do not matter.
      totals.squared_gradient_norms[i] += vectors::SquaredNorm(batch.images, layer.weights) +
                                          vectors::SquaredNorm(batch.images, layer.affine.channels);
    }
    benchmark::DoNotOptimize(totals);
  }
  CountImages(state);
}

void GatherAndForward(benchmark::State& state, v1::EngineKind kind) {
  Bench bench(state.range(0), kind);
  stats::ConfusionMatrix confusion(10);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        bench.engine().Evaluate(bench.Next(), engines::ThetaMode::kCurrent, &confusion));
  }
  CountImages(state);
}

// Evaluates all images in batches of the trainer's size.
void EvaluateAll(benchmark::State& state, v1::EngineKind kind) {
  constexpr int64_t kBatch = 200;
  static_assert(kImages % kBatch == 0);
  Bench bench(kBatch, kind);
  stats::ConfusionMatrix confusion(10);
  for (auto _ : state) {
    for (int64_t i = 0; i < kImages; i += kBatch) {
      benchmark::DoNotOptimize(
          bench.engine().Evaluate(bench.Next(), engines::ThetaMode::kCurrent, &confusion));
    }
  }
  state.SetItemsProcessed(state.iterations() * kImages);
}

void GatherAndStep(benchmark::State& state, v1::EngineKind kind) {
  Bench bench(state.range(0), kind);
  engines::StepTotals totals(10, bench.plan().network.layers.size());
  for (auto _ : state) {
    benchmark::DoNotOptimize(bench.engine().TrainStep(bench.Next(), kSettings, &totals));
  }
  CountImages(state);
}

void Arguments(benchmark::internal::Benchmark* bench) {
  bench->ArgName("batch")->Arg(32)->Arg(128)->Unit(benchmark::kMicrosecond);
}

BENCHMARK(Gather)->Apply(Arguments);
BENCHMARK(Record)->Apply(Arguments);
BENCHMARK_CAPTURE(GatherAndForward, fused, v1::ENGINE_KIND_FUSED)->Apply(Arguments);
BENCHMARK_CAPTURE(EvaluateAll, fused, v1::ENGINE_KIND_FUSED)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(GatherAndStep, fused, v1::ENGINE_KIND_FUSED)->Apply(Arguments);
BENCHMARK_CAPTURE(GatherAndForward, reference, v1::ENGINE_KIND_REFERENCE)->Apply(Arguments);
BENCHMARK_CAPTURE(EvaluateAll, reference, v1::ENGINE_KIND_REFERENCE)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(GatherAndStep, reference, v1::ENGINE_KIND_REFERENCE)->Apply(Arguments);

}  // namespace
}  // namespace anneal::training

BENCHMARK_MAIN();
