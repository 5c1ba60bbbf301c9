// Measures the fused engine's kernels on the default network's shapes, one image at a time as the
// engine calls them, and the peak multiply-add throughput of a core. Operations are counted as
// dense: two per weight and position of a direct convolution, and as many for each of the two
// gradients, although the backward pass skips positions that max-pooling did not select.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/bench/kernel_bench.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace anneal::training::engines::fused {
namespace HWY_NAMESPACE {
namespace {

// Saturates the multiply-add units for `rounds` rounds. Returns the number of operations.
double MultiplyAdds(int rounds, float* out) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<float> d;
  const auto a = hn::Set(d, 0.999F);
  const auto b = hn::Set(d, 0.001F);
  // All different, so that the compiler cannot merge them.
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
}  // namespace anneal::training::engines::fused
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

namespace anneal::training::engines::fused {
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

// A layer of the default network and its buffers. Values are random, so that signs and argmax
// indices are unpredictable.
class LayerFixture {
 public:
  explicit LayerFixture(const LayerShape& shape) : shape_(shape) { Forward(shape_, forward()); }

  const LayerShape& shape() const { return shape_; }
  // Operations of a forward pass, two per multiply-add.
  double operations() const {
    const int64_t positions = shape_.pixels() * shape_.pool_size * shape_.pool_size;
    return 2.0 * static_cast<double>(positions * shape_.taps() * shape_.out_channels);
  }

  ForwardBuffers forward() {
    return {.input = input_.get(),
            .image = image_.get(),
            .weights = forward_weights_.get(),
            .bias = bias_.get(),
            .slopes = slopes_.get(),
            .scratch = scratch_.get(),
            .argmax = argmax_.get(),
            .output = output_.get(),
            .output_row_stride = shape_.out_width * shape_.out_channels};
  }
  BackwardBuffers backward(bool input_gradient) {
    return {.input = input_.get(),
            .weights = weights_.get(),
            .slopes = slopes_.get(),
            .argmax = argmax_.get(),
            .output = output_.get(),
            .output_gradient = output_.get(),
            .output_row_stride = shape_.out_width * shape_.out_channels,
            .gradient = gradient_.get(),
            .scatter_list = scatter_list_.data(),
            .bias_gradient = bias_gradient_.get(),
            .weight_gradient = weight_gradient_.get(),
            .input_gradient = input_gradient ? input_gradient_.get() : nullptr};
  }

 private:
  using Floats = hwy::AlignedFreeUniquePtr<float[]>;
  static Floats Random(int64_t count) {
    std::mt19937 generator(static_cast<unsigned>(count));
    std::normal_distribution<float> normal;
    const auto size = static_cast<size_t>(count + kSlack);
    Floats values = hwy::AllocateAligned<float>(size);
    for (size_t i = 0; i < size; ++i) values[i] = 0.1F * normal(generator);
    return values;
  }
  static hwy::AlignedFreeUniquePtr<int32_t[]> Zeros(int64_t count) {
    const auto size = static_cast<size_t>(count + kSlack);
    auto values = hwy::AllocateAligned<int32_t>(size);
    std::fill_n(values.get(), size, 0);
    return values;
  }

  const LayerShape shape_;
  Floats input_ = Random(shape_.input_size);
  Floats image_ = Random(shape_.uses_image_winograd() ? shape_.image_size() : 0);
  Floats weights_ = Random(shape_.channels() * shape_.padded_taps());
  Floats bias_ = Random(shape_.channels());
  Floats slopes_ = Random(shape_.channels());
  Floats forward_weights_ = Random(shape_.forward_weights());
  Floats scratch_ = Random(shape_.forward_scratch());
  hwy::AlignedFreeUniquePtr<int32_t[]> argmax_ = Zeros(shape_.pixels() * shape_.channels());
  Floats output_ = Random(shape_.pixels() * shape_.channels());
  Floats gradient_ = Random(shape_.positions() * shape_.channels());
  Floats bias_gradient_ = Random(shape_.channels());
  Floats weight_gradient_ = Random(shape_.channels() * shape_.padded_taps());
  std::vector<ScatterGroup> scatter_list_ =
      std::vector<ScatterGroup>(static_cast<size_t>(shape_.scatter_list_size()));
  Floats input_gradient_ = Random(shape_.input_size);
};

// Returns the shape of a layer of the default network: the first is folded (FoldRows), the last has
// the images of a batch as its pixels.
LayerShape ShapeOf(int64_t layer) {
  constexpr int64_t kChannels = 16;
  switch (layer) {
    case 1:
      return {.window_row_size = 16,
              .row_stride = 28,
              .folded_rows = 4,
              .x_stride = 4,
              .y_stride = 28 * 4,
              .input_size = 25 * 28 * 4,
              .pooling = Pooling::kMax,
              .pool_size = 2,
              .out_height = 12,
              .out_width = 12,
              .out_channels = kChannels};
    case 2:
      return {.window_rows = 3,
              .window_row_size = 3 * kChannels,
              .row_stride = 12 * kChannels,
              .x_stride = kChannels,
              .y_stride = 12 * kChannels,
              .input_size = 12 * 12 * kChannels,
              .pooling = Pooling::kMax,
              .pool_size = 2,
              .out_height = 5,
              .out_width = 5,
              .out_channels = kChannels};
    case 3:
      return {.window_rows = 3,
              .window_row_size = 3 * kChannels,
              .row_stride = 5 * kChannels,
              .x_stride = kChannels,
              .y_stride = 5 * kChannels,
              .input_size = 5 * 5 * kChannels,
              .out_height = 3,
              .out_width = 3,
              .out_channels = kChannels};
    default:
      return {.window_row_size = 144,
              .x_stride = 144,
              .input_size = kBatch * 144,
              .out_width = kBatch,
              .out_channels = 10};
  }
}

// Number of kernel calls for a batch.
int64_t Calls(int64_t layer) { return layer == 4 ? 1 : kBatch; }

void ForwardBatch(benchmark::State& state) {
  LayerFixture layer(ShapeOf(state.range(0)));
  const int64_t calls = Calls(state.range(0));
  double operations = 0;
  for (auto unused : state) {
    for (int64_t i = 0; i < calls; ++i) Forward(layer.shape(), layer.forward());
    operations += layer.operations() * static_cast<double>(calls);
  }
  CountOperations(state, operations);
}
BENCHMARK(ForwardBatch)->ArgName("layer")->DenseRange(1, 4)->Unit(benchmark::kMicrosecond);

// The forward pass of evaluation, which keeps nothing for a backward pass.
void EvaluateBatch(benchmark::State& state) {
  LayerFixture layer(ShapeOf(state.range(0)));
  const int64_t calls = Calls(state.range(0));
  ForwardBuffers buffers = layer.forward();
  buffers.argmax = nullptr;
  double operations = 0;
  for (auto unused : state) {
    for (int64_t i = 0; i < calls; ++i) Forward(layer.shape(), buffers);
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
    for (int64_t i = 0; i < calls; ++i) Backward(layer.shape(), layer.backward(input_gradient));
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
      PackForward(ShapeOf(layer), weights.data(), nullptr, packed.data());
      if (layer > 1) PackBackward(ShapeOf(layer), weights.data(), nullptr, packed.data());
      UnpackGradients(ShapeOf(layer), packed.data(), nullptr, weights.data());
      benchmark::DoNotOptimize(weights.data());
    }
  }
}
BENCHMARK(PackWeights)->Unit(benchmark::kMicrosecond);

constexpr int64_t kParameters = 6362;

void PenaltyOfAll(benchmark::State& state) {
  std::vector<float> values(kParameters, 0.1F);
  std::vector<float> gradients(kParameters, 0.1F);
  for (auto unused : state) {
    vectors::AddPenalty(values.data(), kParameters, 0, 1e-9, gradients.data());
    benchmark::DoNotOptimize(gradients.data());
  }
}
BENCHMARK(PenaltyOfAll)->Unit(benchmark::kMicrosecond);

void AdamOnAll(benchmark::State& state) {
  std::vector<float> values(kParameters, 0.1F);
  std::vector<float> gradients(kParameters, 0.1F);
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
}  // namespace anneal::training::engines::fused

BENCHMARK_MAIN();

#endif  // HWY_ONCE
