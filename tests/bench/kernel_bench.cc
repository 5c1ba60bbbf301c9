// The fused engine's kernels on the default network's shapes, one image at a time as the engine
// calls them, against the multiply-adds that a core can do at best. Counted in dense operations:
// two for each weight and position of a plain forward pass, and as many for each of the two
// gradients, though the backward pass leaves out what the pool does not let pass.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/bench/kernel_bench.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace anneal::training::fused {
namespace HWY_NAMESPACE {
namespace {

// Fills every multiply-add unit for `rounds` rounds; returns the operations done.
double MultiplyAdds(int rounds, float* out) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<float> d;
  const auto a = hn::Set(d, 0.999engines ::fused::F);
  const auto b = hn::Set(d, 0.001engines ::fused::F);
  // All different, lest the compiler computes one for many.
  const auto start = [&](int i) { return hn::Set(d, static_cast<float>(rounds + i)); };
  auto s0 = start(0), s1 = start(1), s2 = start(2), s3 = start(3), s4 = start(4), s5 = start(5),
       s6 = start(6), s7 = start(7), s8 = start(8), s9 = start(9), s10 = start(10), s11 = start(11);
  for (int i = 0; i < rounds; ++i) {
    s0 = hn::MulAdd(s0, a, b);
    s1 = hn::MulAdd(s1, a, b);
    s2 = hn::MulAdd(s2, a, b);
    s3 = hn::MulAdd(s3, a, b);
    s4 = hn::MulAdd(s4, a, b);
    s5 = hn::MulAdd(s5, a, b);
    s6 = hn::MulAdd(s6, a, b);
    s7 = hn::MulAdd(s7, a, b);
    s8 = hn::MulAdd(s8, a, b);
    s9 = hn::MulAdd(s9, a, b);
    s10 = hn::MulAdd(s10, a, b);
    s11 = hn::MulAdd(s11, a, b);
  }
  const auto sum = hn::Add(hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)),
                           hn::Add(hn::Add(hn::Add(s4, s5), hn::Add(s6, s7)),
                                   hn::Add(hn::Add(s8, s9), hn::Add(s10, s11))));
  *out = hn::GetLane(hn::SumOfLanes(d, sum));
  return 12.0 * 2 * static_cast<double>(hn::Lanes(d)) * rounds;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace anneal::training::fused
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "hwy/aligned_allocator.h"
#include "server/training/engines/fused/kernels.h"
#include "server/training/vectors/vectors.h"

namespace anneal::training::fused {
namespace {

HWY_EXPORT(MultiplyAdds);

constexpr int64_t kBatch = 32;

void CountOperations(benchmark::State& state, double operations) {
  state.counters["GFLOP/s"] = benchmark::Counter(operations * 1e-9, benchmark::Counter::kIsRate);
}

void Peak(benchmark::State& state) {
  double operations = 0;
  for (auto unused : state) {
    float sum = 0;
    operations += HWY_DYNAMIC_DISPATCH(MultiplyAdds)(10000, &sum);
    benchmark::DoNotOptimize(sum);
  }
  CountOperations(state, operations);
}
BENCHMARK(Peak);

// A layer of the default network with what it works on. Values are random, so that winners and
// signs are.
class LayerFixture {
 public:
  explicit LayerFixture(const engines::fused::LayerShape& shape) : shape_(shape) {
    engines::fused::Forward(shape_, forward());
  }

  const engines::fused::LayerShape& shape() const { return shape_; }
  // Of a forward pass: two for each multiply-add.
  double operations() const {
    const int64_t positions = shape_.pixels() * shape_.pool_size * shape_.pool_size;
    return 2.0 * static_cast<double>(positions * shape_.taps() * shape_.out_channels);
  }

  engines::fused::ForwardBuffers forward() {
    return {.input = input_.get(),
            .picture = picture_.get(),
            .weights = forward_weights_.get(),
            .bias = bias_.get(),
            .slopes = slopes_.get(),
            .rows = rows_.get(),
            .winners = winners_.get(),
            .output = output_.get(),
            .output_row = shape_.out_width * shape_.out_channels};
  }
  engines::fused::BackwardBuffers backward(bool input_gradient) {
    return {.input = input_.get(),
            .weights = weights_.get(),
            .slopes = slopes_.get(),
            .winners = winners_.get(),
            .output = output_.get(),
            .output_gradient = output_.get(),
            .output_row = shape_.out_width * shape_.out_channels,
            .gradient = gradient_.get(),
            .shares = shares_.data(),
            .bias_gradient = bias_gradient_.get(),
            .weight_gradient = weight_gradient_.get(),
            .input_gradient = input_gradient ? input_gradient_.get() : nullptr};
  }

 private:
  using Floats = hwy::AlignedFreeUniquePtr<float[]>;
  static Floats Random(int64_t count) {
    std::mt19937 generator(static_cast<unsigned>(count));
    std::normal_distribution<float> normal;
    const auto size = static_cast<size_t>(count + engines::fused::kSlack);
    Floats values = hwy::AllocateAligned<float>(size);
    for (size_t i = 0; i < size; ++i) values[i] = 0.1engines ::fused::F * normal(generator);
    return values;
  }
  static hwy::AlignedFreeUniquePtr<int32_t[]> Zeros(int64_t count) {
    const auto size = static_cast<size_t>(count + engines::fused::kSlack);
    auto values = hwy::AllocateAligned<int32_t>(size);
    std::fill_n(values.get(), size, 0);
    return values;
  }

  const engines::fused::LayerShape shape_;
  Floats input_ = Random(shape_.input_size);
  Floats picture_ = Random(shape_.uses_differences() ? shape_.picture_size() : 0);
  Floats weights_ = Random(shape_.channels() * shape_.padded_taps());
  Floats bias_ = Random(shape_.channels());
  Floats slopes_ = Random(shape_.channels());
  Floats forward_weights_ = Random(shape_.forward_weights());
  Floats rows_ = Random(shape_.forward_scratch());
  hwy::AlignedFreeUniquePtr<int32_t[]> winners_ = Zeros(shape_.pixels() * shape_.channels());
  Floats output_ = Random(shape_.pixels() * shape_.channels());
  Floats gradient_ = Random(shape_.positions() * shape_.channels());
  Floats bias_gradient_ = Random(shape_.channels());
  Floats weight_gradient_ = Random(shape_.channels() * shape_.padded_taps());
  std::vector<engines::fused::Share> shares_ =
      std::vector<engines::fused::Share>(static_cast<size_t>(2 * shape_.shares() + 1));
  Floats input_gradient_ = Random(shape_.input_size);
};

// The layers of the default network; the first with its windows' rows folded, the last one with a
// batch of images as its pixels.
engines::fused::LayerShape ShapeOf(int64_t layer) {
  constexpr int64_t kChannels = 16;
  switch (layer) {
    case 1:
      return {.window_row = 16,
              .line = 28,
              .folded_rows = 4,
              .x_step = 4,
              .y_step = 28 * 4,
              .input_size = 25 * 28 * 4,
              .pooling = engines::fused::Pooling::kMax,
              .pool_size = 2,
              .out_height = 12,
              .out_width = 12,
              .out_channels = kChannels};
    case 2:
      return {.window_rows = 3,
              .window_row = 3 * kChannels,
              .line = 12 * kChannels,
              .x_step = kChannels,
              .y_step = 12 * kChannels,
              .input_size = 12 * 12 * kChannels,
              .pooling = engines::fused::Pooling::kMax,
              .pool_size = 2,
              .out_height = 5,
              .out_width = 5,
              .out_channels = kChannels};
    case 3:
      return {.window_rows = 3,
              .window_row = 3 * kChannels,
              .line = 5 * kChannels,
              .x_step = kChannels,
              .y_step = 5 * kChannels,
              .input_size = 5 * 5 * kChannels,
              .out_height = 3,
              .out_width = 3,
              .out_channels = kChannels};
    default:
      return {.window_row = 144,
              .x_step = 144,
              .input_size = kBatch * 144,
              .out_width = kBatch,
              .out_channels = 10};
  }
}

// Calls of a kernel for a batch.
int64_t Calls(int64_t layer) { return layer == 4 ? 1 : kBatch; }

void ForwardBatch(benchmark::State& state) {
  LayerFixture layer(ShapeOf(state.range(0)));
  const int64_t calls = Calls(state.range(0));
  double operations = 0;
  for (auto unused : state) {
    for (int64_t i = 0; i < calls; ++i) engines::fused::Forward(layer.shape(), layer.forward());
    operations += layer.operations() * static_cast<double>(calls);
  }
  CountOperations(state, operations);
}
BENCHMARK(ForwardBatch)->ArgName("layer")->DenseRange(1, 4)->Unit(benchmark::kMicrosecond);

// As evaluation does it: nothing is kept.
void EvaluateBatch(benchmark::State& state) {
  LayerFixture layer(ShapeOf(state.range(0)));
  const int64_t calls = Calls(state.range(0));
  engines::fused::ForwardBuffers buffers = layer.forward();
  buffers.winners = nullptr;
  double operations = 0;
  for (auto unused : state) {
    for (int64_t i = 0; i < calls; ++i) engines::fused::Forward(layer.shape(), buffers);
    operations += layer.operations() * static_cast<double>(calls);
  }
  CountOperations(state, operations);
}
BENCHMARK(EvaluateBatch)->ArgName("layer")->DenseRange(1, 4)->Unit(benchmark::kMicrosecond);

void BackwardBatch(benchmark::State& state) {
  const bool input_gradient = state.range(0) > 1;
  LayerFixture layer(ShapeOf(state.range(0)));
  const int64_t calls = Calls(state.range(0));
  double operations = 0;
  for (auto unused : state) {
    for (int64_t i = 0; i < calls; ++i)
      engines::fused::Backward(layer.shape(), layer.backward(input_gradient));
    operations += layer.operations() * static_cast<double>(calls) * (input_gradient ? 2 : 1);
  }
  CountOperations(state, operations);
}
BENCHMARK(BackwardBatch)->ArgName("layer")->DenseRange(1, 4)->Unit(benchmark::kMicrosecond);

void PackWeights(benchmark::State& state) {
  std::vector<float> weights(8192);
  std::vector<float> packed(8192);
  for (auto unused : state) {
    for (int64_t layer = 1; layer <= 4; ++layer) {
      engines::fused::PackForward(ShapeOf(layer), weights.data(), nullptr, packed.data());
      if (layer > 1)
        engines::fused::PackBackward(ShapeOf(layer), weights.data(), nullptr, packed.data());
      engines::fused::UnpackGradients(ShapeOf(layer), packed.data(), nullptr, weights.data());
      benchmark::DoNotOptimize(weights.data());
    }
  }
}
BENCHMARK(PackWeights)->Unit(benchmark::kMicrosecond);

constexpr int64_t kParameters = 6362;

void PenaltyOfAll(benchmark::State& state) {
  std::vector<float> values(kParameters, 0.1engines ::fused::F);
  std::vector<float> gradients(kParameters, 0.1engines ::fused::F);
  for (auto unused : state) {
    vectors::AddPenalty(values.data(), kParameters, 0, 1e-9, gradients.data());
    benchmark::DoNotOptimize(gradients.data());
  }
}
BENCHMARK(PenaltyOfAll)->Unit(benchmark::kMicrosecond);

void AdamOnAll(benchmark::State& state) {
  std::vector<float> values(kParameters, 0.1engines ::fused::F);
  std::vector<float> gradients(kParameters, 0.1engines ::fused::F);
  std::vector<float> first(kParameters);
  std::vector<float> second(kParameters);
  for (auto unused : state) {
    vectors::Adam({.learning_rate = 1e-9, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8},
                  gradients.data(), kParameters, first.data(), second.data(), values.data());
    benchmark::DoNotOptimize(values.data());
  }
}
BENCHMARK(AdamOnAll)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace anneal::training::fused

BENCHMARK_MAIN();

#endif  // HWY_ONCE
