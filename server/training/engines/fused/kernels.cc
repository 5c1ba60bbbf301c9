// This file exceeds 400 lines for now. It will be split by pass (pack, forward, backward data,
// backward weights) in a separate change, so that results and speed can be compared before and
// after.

#include "server/training/engines/fused/kernels.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

// Scalable-vector targets are disabled: register tiles are sized at compile time. So is SSSE3;
// processors without SSE4 use the scalar target.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "server/training/engines/fused/kernels.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
#include "hwy/highway.h"
#include "server/training/engines/fused/channels-inl.h"
#include "server/training/engines/fused/image_winograd-inl.h"
#include "server/training/engines/fused/winograd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anneal::training::engines::fused {
namespace HWY_NAMESPACE {
namespace {

// Positions of a register tile: as many as the registers hold accumulators for.
constexpr int kTile = kVectors == 1 ? 12 : kVectors == 2 ? 6 : HWY_ARCH_ARM ? 6 : 3;
// True if the registers hold the accumulators of a whole 2x2 pooling window.
constexpr bool kPoolsInRegisters = kVectors <= 2 || HWY_ARCH_ARM;
// Pooled positions of a register tile.
constexpr int kPooledTile = kVectors == 1 ? 2 : 1;
// Accumulators of the backward pass. Few on the scalar target, to limit its compile time.
constexpr int kMaxAccumulators = kLanes == 1 ? 4 : 12;

// ---- forward

// Convolves `P` adjacent positions of a row for one block of output channels. `x` points to the
// first window; `weights` is [tap][16], `bias` [16]; `out` has a pixel stride of `channels`.
template <int P>
HWY_INLINE void Tile(const LayerShape& shape, const float* HWY_RESTRICT x,
                     const float* HWY_RESTRICT weights, const float* HWY_RESTRICT bias,
                     float* HWY_RESTRICT out, int64_t channels) {
  const int64_t x_stride = shape.x_stride;
  const int64_t row = shape.window_row_size;
  V sums[P][kVectors];
  for (int v = 0; v < kVectors; ++v) {
    const V start = hn::LoadU(f, bias + v * kLanes);
    for (int p = 0; p < P; ++p) sums[p][v] = start;
  }
  for (int64_t k = 0; k < shape.window_rows; ++k, x += shape.row_stride) {
#pragma GCC unroll 4
    for (int64_t t = 0; t < row; ++t, weights += kBlock) {
      V w[kVectors];
      for (int v = 0; v < kVectors; ++v) w[v] = hn::LoadU(f, weights + v * kLanes);
      for (int p = 0; p < P; ++p) {
        const V value = hn::Set(f, x[p * x_stride + t]);
        for (int v = 0; v < kVectors; ++v) sums[p][v] = hn::MulAdd(value, w[v], sums[p][v]);
      }
    }
  }
  for (int p = 0; p < P; ++p) {
    for (int v = 0; v < kVectors; ++v) hn::StoreU(sums[p][v], f, out + p * channels + v * kLanes);
  }
}

// Convolves the remainder of a row after its whole tiles: `left` < P positions.
template <int P>
HWY_INLINE void LastTile(int64_t left, const LayerShape& shape, const float* x,
                         const float* weights, const float* bias, float* out, int64_t channels) {
  if constexpr (P > 1) {
    if (left == P - 1) {
      Tile<P - 1>(shape, x, weights, bias, out, channels);
    } else {
      LastTile<P - 1>(left, shape, x, weights, bias, out, channels);
    }
  }
}

// Convolves one row, to `out` [conv_width(), channels()].
HWY_INLINE void ConvRow(const LayerShape& shape, const float* x, const ForwardBuffers& b,
                        float* out) {
  const int64_t channels = shape.channels();
  const int64_t width = shape.conv_width();
  const int64_t x_stride = shape.x_stride;
  for (int64_t block = 0; block < shape.blocks(); ++block) {
    const float* weights = b.weights + block * shape.taps() * kBlock;
    const float* bias = b.bias + block * kBlock;
    float* to = out + block * kBlock;
    int64_t i = 0;
    for (; i + kTile <= width; i += kTile) {
      Tile<kTile>(shape, x + i * x_stride, weights, bias, to + i * channels, channels);
    }
    if (i < width) {
      LastTile<kTile>(width - i, shape, x + i * x_stride, weights, bias, to + i * channels,
                      channels);
    }
  }
}

// Returns the maximum of each channel of a pooling window, and its argmax index, the first of
// equals. `rows` points to the window's first position in rows of [conv_width(), channels()];
// `first` is the offset of that position's window in the input.
HWY_INLINE V MaxOf(const LayerShape& shape, const float* HWY_RESTRICT rows, int64_t channels,
                   int64_t first, hn::Vec<I>* HWY_RESTRICT argmax) {
  const int64_t width = shape.conv_width() * channels;
  V best = hn::LoadU(f, rows);
  *argmax = hn::Set(I(), static_cast<int32_t>(first));
  for (int64_t y = 0; y < shape.pool_size; ++y) {
    for (int64_t x = y == 0 ? 1 : 0; x < shape.pool_size; ++x) {
      const V value = hn::LoadU(f, rows + y * width + x * channels);
      const auto larger = hn::Gt(value, best);
      best = hn::IfThenElse(larger, value, best);
      *argmax = hn::IfThenElse(
          hn::RebindMask(I(), larger),
          hn::Set(I(), static_cast<int32_t>(first + y * shape.y_stride + x * shape.x_stride)),
          *argmax);
    }
  }
  return best;
}

// Returns the mean of each channel of a pooling window; arguments as MaxOf.
HWY_INLINE V MeanOf(const LayerShape& shape, const float* rows, int64_t channels) {
  const int64_t size = shape.pool_size;
  V sum = hn::Zero(f);
  for (int64_t y = 0; y < size; ++y) {
    for (int64_t x = 0; x < size; ++x) {
      sum = hn::Add(sum, hn::LoadU(f, rows + (y * shape.conv_width() + x) * channels));
    }
  }
  return hn::Div(sum, hn::Set(f, static_cast<float>(size * size)));
}

// Pools and activates the rows of the convolution in `b.scratch` to row `y` of the output.
template <Pooling pooling>
HWY_INLINE void FinishRow(const LayerShape& shape, const ForwardBuffers& b, int64_t y) {
  const int64_t channels = shape.channels();
  const int64_t pool = shape.pool_size;
  for (int64_t x = 0; x < shape.out_width; ++x) {
    const int64_t pixel = y * shape.out_width + x;
    const int64_t first = (y * shape.y_stride + x * shape.x_stride) * pool;
    float* out = b.output + y * b.output_row_stride + x * shape.out_channels;
    for (int64_t c = 0; c < channels; c += kLanes) {
      const float* rows = b.scratch + x * pool * channels + c;
      hn::Vec<I> argmax = hn::Set(I(), static_cast<int32_t>(first));
      V z;
      if constexpr (pooling == Pooling::kMax) {
        z = MaxOf(shape, rows, channels, first, &argmax);
      } else if constexpr (pooling == Pooling::kAverage) {
        z = MeanOf(shape, rows, channels);
      } else {
        z = hn::LoadU(f, rows);
      }
      const int64_t at = pixel * channels + c;
      if (b.argmax != nullptr) hn::StoreU(argmax, I(), b.argmax + at);
      if (b.z != nullptr) hn::StoreU(z, f, b.z + at);
      Activate(b, z, pixel, c, out + c);
    }
  }
}

// Convolves, max-pools 2x2 and activates `W` adjacent pixels from (y, x) for one block of output
// channels, all in registers.
template <int W>
HWY_INLINE void PooledTile(const LayerShape& shape, const ForwardBuffers& b, int64_t block,
                           int64_t y, int64_t x) {
  const int64_t first = 2 * (y * shape.y_stride + x * shape.x_stride);
  const float* weights = b.weights + block * shape.taps() * kBlock;
  V sums[2][2 * W][kVectors];
  for (int v = 0; v < kVectors; ++v) {
    const V start = hn::LoadU(f, b.bias + block * kBlock + v * kLanes);
    for (int i = 0; i < 2 * W; ++i) sums[0][i][v] = sums[1][i][v] = start;
  }
  const float* in = b.input + first;
  for (int64_t k = 0; k < shape.window_rows; ++k, in += shape.row_stride) {
#pragma GCC unroll 4
    for (int64_t t = 0; t < shape.window_row_size; ++t, weights += kBlock) {
      V w[kVectors];
      for (int v = 0; v < kVectors; ++v) w[v] = hn::LoadU(f, weights + v * kLanes);
      for (int j = 0; j < 2; ++j) {
        for (int i = 0; i < 2 * W; ++i) {
          const V value = hn::Set(f, in[j * shape.y_stride + i * shape.x_stride + t]);
          for (int v = 0; v < kVectors; ++v) {
            sums[j][i][v] = hn::MulAdd(value, w[v], sums[j][i][v]);
          }
        }
      }
    }
  }
  for (int n = 0; n < W; ++n) {
    for (int v = 0; v < kVectors; ++v) {
      const V values[2][2] = {{sums[0][2 * n][v], sums[0][2 * n + 1][v]},
                              {sums[1][2 * n][v], sums[1][2 * n + 1][v]}};
      const int64_t c = block * kBlock + v * kLanes;
      b.argmax == nullptr ? FinishPool<false>(shape, b, values, y, x + n, c)
                          : FinishPool<true>(shape, b, values, y, x + n, c);
    }
  }
}

// As PooledTile, for row `y` of the output and all channels.
HWY_INLINE void PooledRow(const LayerShape& shape, const ForwardBuffers& b, int64_t y) {
  for (int64_t block = 0; block < shape.blocks(); ++block) {
    int64_t x = 0;
    for (; x + kPooledTile <= shape.out_width; x += kPooledTile) {
      PooledTile<kPooledTile>(shape, b, block, y, x);
    }
    for (; x < shape.out_width; ++x) PooledTile<1>(shape, b, block, y, x);
  }
}

// Local copies of the arguments tell the compiler that vector stores do not alias them.
void ForwardOne(const LayerShape& given_shape, const ForwardBuffers& given_buffers) {
  const LayerShape shape = given_shape;
  ForwardBuffers b = given_buffers;
  if (shape.uses_winograd()) {
    WinogradForward(shape, b);
    return;
  }
  if (shape.uses_image_winograd()) {
    ImageWinogradForward(shape, b);
    return;
  }
  b.weights += shape.transformed_weights();
  const int64_t row = shape.conv_width() * shape.channels();
  const bool in_registers = kPoolsInRegisters && shape.pooling == Pooling::kMax &&
                            shape.pool_size == 2 && shape.has_whole_blocks();
  for (int64_t y = 0; y < shape.out_height; ++y) {
    if (in_registers) {
      PooledRow(shape, b, y);
      continue;
    }
    for (int64_t i = 0; i < shape.pool_size; ++i) {
      ConvRow(shape, b.input + (y * shape.pool_size + i) * shape.y_stride, b, b.scratch + i * row);
    }
    if (shape.pooling == Pooling::kNone) {
      FinishRow<Pooling::kNone>(shape, b, y);
    } else if (shape.pooling == Pooling::kAverage) {
      FinishRow<Pooling::kAverage>(shape, b, y);
    } else {
      FinishRow<Pooling::kMax>(shape, b, y);
    }
  }
}

// ---- backward

// Granularity of the trained slopes: not trained, one for all pixels, or one a pixel.
enum class TrainedSlopes { kNone, kShared, kEach };

// Activation backward: computes the loss gradient in z, and accumulates those in biases and slopes.
// Sums are formed per image before they are added to the totals, which loses less precision than
// one long sum.
template <TrainedSlopes trained>
HWY_INLINE void ActivationBackward(const LayerShape& shape, const BackwardBuffers& b) {
  const int64_t channels = shape.channels();
  const int64_t width = shape.out_width;
  const int64_t pixel = shape.out_channels;
  constexpr bool untrained = trained == TrainedSlopes::kNone;
  for (int64_t block = 0; block < channels; block += kBlock) {
    V bias[kVectors];
    V slope_sum[kVectors];
    for (int v = 0; v < kVectors; ++v) bias[v] = slope_sum[v] = hn::Zero(f);
    const float* HWY_RESTRICT slopes = b.slopes + block;
    V slope[kVectors];
    for (int v = 0; v < kVectors; ++v) slope[v] = hn::LoadU(f, slopes + v * kLanes);
    for (int64_t y = 0; y < shape.out_height; ++y) {
      const float* HWY_RESTRICT from = b.output_gradient + y * b.output_row_stride + block;
      const float* HWY_RESTRICT signs = untrained ? b.output + y * b.output_row_stride + block
                                                  : b.z + y * width * channels + block;
      float* HWY_RESTRICT to = b.gradient + y * width * channels + block;
      for (int64_t x = 0; x < width; ++x) {
        for (int v = 0; v < kVectors; ++v) {
          const int64_t c = v * kLanes;
          const V out = hn::LoadU(f, from + x * pixel + c);
          const V z = hn::LoadU(f, signs + x * (untrained ? pixel : channels) + c);
          const auto negative = hn::Le(z, hn::Zero(f));
          if constexpr (trained == TrainedSlopes::kShared) {
            slope_sum[v] = hn::Add(slope_sum[v], hn::IfThenElseZero(negative, hn::Mul(out, z)));
          }
          if constexpr (trained == TrainedSlopes::kEach) {
            const int64_t at = (y * width + x) * channels + block + c;
            AddAt(hn::IfThenElseZero(negative, hn::Mul(out, z)), b.slope_gradient + at);
            slope[v] = hn::LoadU(f, b.slopes + at);
          }
          const V gradient = hn::IfThenElse(negative, hn::Mul(out, slope[v]), out);
          bias[v] = hn::Add(bias[v], gradient);
          hn::StoreU(gradient, f, to + x * channels + c);
        }
      }
    }
    for (int v = 0; v < kVectors; ++v) {
      AddAt(bias[v], b.bias_gradient + block + v * kLanes);
      if constexpr (trained == TrainedSlopes::kShared) {
        AddAt(slope_sum[v], b.slope_gradient + block + v * kLanes);
      }
    }
  }
}

// Average-pooling backward: expands `b.gradient` in place from pixels to the positions of the
// convolution and writes `b.window_offsets`. It runs from the last pixel to the first, because the
// pixels' gradients are overwritten.
void AveragePoolBackward(const LayerShape& shape, const BackwardBuffers& b) {
  const int64_t channels = shape.channels();
  const int64_t pool = shape.pool_size;
  const V scale = hn::Set(f, 1.0F / static_cast<float>(pool * pool));
  for (int64_t pixel = shape.pixels() - 1; pixel >= 0; --pixel) {
    const int64_t y = pixel / shape.out_width * pool;
    const int64_t x = pixel % shape.out_width * pool;
    for (int64_t c = 0; c < channels; c += kLanes) {
      const V gradient = hn::Mul(scale, hn::LoadU(f, b.gradient + pixel * channels + c));
      for (int64_t i = pool * pool - 1; i >= 0; --i) {
        const int64_t at = (pixel * pool * pool + i) * channels + c;
        const int64_t window = (y + i / pool) * shape.y_stride + (x + i % pool) * shape.x_stride;
        hn::StoreU(gradient, f, b.gradient + at);
        hn::StoreU(hn::Set(I(), static_cast<int32_t>(window)), I(), b.window_offsets + at);
      }
    }
  }
}

// ForParts partitions a window into parts of `R` rows by `N` vectors, at most `Max` vectors a part,
// and calls `body.template operator()<R, N>(row, vector)` with each part's first row and vector.
// CallPart and CallParts turn the run-time sizes of a part into template arguments.
template <int R, int N, typename Body>
HWY_INLINE void CallPart(int64_t rows, int64_t k, int64_t n, const Body& body) {
  if (rows == R) {
    body.template operator()<R, N>(k, n);
  } else if constexpr (R > 1) {
    CallPart<R - 1, N>(rows, k, n, body);
  }
}
template <int Max, int N, typename Body>
HWY_INLINE void CallParts(int64_t rows, int64_t vectors, int64_t k, int64_t n, const Body& body) {
  if (vectors == N) {
    CallPart<Max / N, N>(rows, k, n, body);
  } else if constexpr (N > 1) {
    CallParts<Max, N - 1>(rows, vectors, k, n, body);
  }
}
template <int Max, typename Body>
HWY_INLINE void ForParts(const LayerShape& shape, const Body& body) {
  const int64_t vectors = (shape.window_row_size + kLanes - 1) / kLanes;
  const int64_t max = Max;
  const int64_t parts = (vectors + max - 1) / max;  // of a row, balanced in length
  const int64_t longest = (vectors + parts - 1) / parts;
  const int64_t together = parts > 1 ? 1 : Max / vectors;  // rows
  for (int64_t k = 0; k < shape.window_rows; k += together) {
    const int64_t rows = std::min(together, shape.window_rows - k);
    for (int64_t n = 0; n < vectors; n += longest) {
      CallParts<Max, Max>(rows, std::min(longest, vectors - n), k, n, body);
    }
  }
}

// Accumulators for a part of a window, in registers. Rows in memory are `row` elements apart.
template <int R, int N>
struct Patch {
  V sums[R][N];

  HWY_INLINE void Clear() {
    for (int r = 0; r < R; ++r) {
      for (int n = 0; n < N; ++n) sums[r][n] = hn::Zero(f);
    }
  }
  // Pointers are advanced row by row: precomputed addresses would spill.
  HWY_INLINE void Load(const float* HWY_RESTRICT from, int64_t row) {
    for (int r = 0; r < R; ++r, from += row) {
      for (int n = 0; n < N; ++n) sums[r][n] = hn::LoadU(f, from + n * kLanes);
    }
  }
  HWY_INLINE void Add(V factors, const float* HWY_RESTRICT from, int64_t row) {
    for (int r = 0; r < R; ++r, from += row) {
      for (int n = 0; n < N; ++n) {
        sums[r][n] = hn::MulAdd(factors, hn::LoadU(f, from + n * kLanes), sums[r][n]);
      }
    }
  }
  HWY_INLINE void AddTo(float* HWY_RESTRICT to, int64_t row) const {
    for (int r = 0; r < R; ++r, to += row) {
      for (int n = 0; n < N; ++n) AddAt(sums[r][n], to + n * kLanes);
    }
  }
  HWY_INLINE void Store(float* HWY_RESTRICT to, int64_t row) const {
    for (int r = 0; r < R; ++r, to += row) {
      for (int n = 0; n < N; ++n) hn::StoreU(sums[r][n], f, to + n * kLanes);
    }
  }
};

// Strides of the packed weights, between window rows and between channels, and the input's row
// stride.
struct Strides {
  int64_t weights_row;
  int64_t channel;
  int64_t input_row;
};

// Backward weights: adds the sum over positions of gradient * input to a part of the weight
// gradients of `C` channels. `gradient` and `windows` are [positions()][channels()], from the first
// of the channels. If `shared`, all channels of a position have the same window.
template <int R, int N, int C, bool shared>
HWY_INLINE void AddToWeights(const LayerShape& shape, const float* HWY_RESTRICT input,
                             const float* HWY_RESTRICT gradient,
                             const int32_t* HWY_RESTRICT windows, float* HWY_RESTRICT sums) {
  const int64_t channels = shape.channels();
  const int64_t row_stride = shape.row_stride;
  const int64_t sums_row = RoundUp(shape.window_row_size);
  const int64_t sums_channel = shape.padded_taps();
  Patch<R, N> patches[C];
  for (int c = 0; c < C; ++c) patches[c].Clear();
  const int64_t end = shape.positions() * channels;
  for (int64_t at = 0; at < end; at += channels) {
    if constexpr (shared) {
      V gradients[C];
      for (int c = 0; c < C; ++c) gradients[c] = hn::Set(f, gradient[at + c]);
      const float* from = input + windows[at];
      for (int r = 0; r < R; ++r, from += row_stride) {
        for (int n = 0; n < N; ++n) {
          V value = hn::LoadU(f, from + n * kLanes);
          KeepInRegister(value);
          for (int c = 0; c < C; ++c) {
            V& sum = patches[c].sums[r][n];
            sum = hn::MulAdd(gradients[c], value, sum);
          }
        }
      }
    } else if constexpr (C == 4 && kLanes >= 4 && std::endian::native == std::endian::little) {
      // The loop is bound by loads, so gradients and offsets are loaded once for four channels.
      const V gradients = hn::LoadDup128(f, gradient + at);
      uint64_t pairs[2];
      std::memcpy(pairs, windows + at, sizeof(pairs));
      patches[0].Add(hn::Broadcast<0>(gradients), input + static_cast<uint32_t>(pairs[0]),
                     row_stride);
      patches[1].Add(hn::Broadcast<1>(gradients), input + (pairs[0] >> 32), row_stride);
      patches[2].Add(hn::Broadcast<2>(gradients), input + static_cast<uint32_t>(pairs[1]),
                     row_stride);
      patches[3].Add(hn::Broadcast<3>(gradients), input + (pairs[1] >> 32), row_stride);
    } else {
      for (int c = 0; c < C; ++c) {
        patches[c].Add(hn::Set(f, gradient[at + c]), input + windows[at + c], row_stride);
      }
    }
  }
  for (int c = 0; c < C; ++c) patches[c].AddTo(sums + c * sums_channel, sums_row);
}

// As AddToWeights, for whole windows and all channels.
template <int Max, bool shared>
HWY_INLINE void AddToAllWeights(const LayerShape& shape, const BackwardBuffers& b,
                                const int32_t* windows) {
  ForParts<Max>(shape, [&]<int R, int N>(int64_t k, int64_t n) {
    // Several channels at a time if there are registers, for enough independent additions to hide
    // their latency.
    constexpr int kTogether = R * N <= kMaxAccumulators / 4   ? 4
                              : R * N <= kMaxAccumulators / 2 ? 2
                                                              : 1;
    const float* input = b.input + k * shape.row_stride + n * kLanes;
    float* sums = b.weight_gradient + k * RoundUp(shape.window_row_size) + n * kLanes;
    int64_t c = 0;
    for (; c + kTogether <= shape.out_channels; c += kTogether) {
      AddToWeights<R, N, kTogether, shared>(shape, input, b.gradient + c, windows + c,
                                            sums + c * shape.padded_taps());
    }
    for (; c < shape.out_channels; ++c) {
      AddToWeights<R, N, 1, shared>(shape, input, b.gradient + c, windows + c,
                                    sums + c * shape.padded_taps());
    }
  });
}

// A nonzero contribution to a channel's weight gradient.
struct Term {
  float gradient;
  int32_t window_offset;
};
constexpr int64_t kMaxTerms = 256;

// Returns true if it pays to skip zero gradients: for ReLU (slope 0, tested on the first channel
// only, as a heuristic) and large windows.
bool ListsTerms(const LayerShape& shape, const BackwardBuffers& b) {
  return b.slopes[0] == 0 && shape.padded_taps() > kMaxAccumulators / 2 * kLanes &&
         shape.positions() <= kMaxTerms;
}

// Adds the sum of gradient * input over a channel's terms to a part of its weight gradient.
template <int R, int N>
HWY_NOINLINE void AddTerms(const Term* begin, const Term* end, const float* HWY_RESTRICT input,
                           int64_t row_stride, float* HWY_RESTRICT sums, int64_t row) {
  Patch<R, N> patch;
  patch.Clear();
  for (const Term* term = begin; term != end; ++term) {
    patch.Add(hn::Set(f, term->gradient), input + term->window_offset, row_stride);
  }
  patch.AddTo(sums, row);
}

// Backward weights, channel by channel, over the positions whose gradient is not 0.
void AddTermsToWeights(const LayerShape& shape, const BackwardBuffers& b, const int32_t* windows) {
  const int64_t channels = shape.channels();
  const int64_t row = RoundUp(shape.window_row_size);
  Term terms[kMaxTerms];
  for (int64_t c = 0; c < shape.out_channels; ++c) {
    Term* last = terms;
    for (int64_t at = c; at < shape.positions() * channels; at += channels) {
      const Term term = {.gradient = b.gradient[at], .window_offset = windows[at]};
      *last = term;
      last += term.gradient != 0 ? 1 : 0;
    }
    float* sums = b.weight_gradient + c * shape.padded_taps();
    ForParts<kMaxAccumulators>(shape, [&]<int R, int N>(int64_t k, int64_t n) {
      AddTerms<R, N>(terms, last, b.input + k * shape.row_stride + n * kLanes, shape.row_stride,
                     sums + k * row + n * kLanes, row);
    });
  }
}

// Backward weights. `windows` are the offsets of the positions' windows.
void WeightGradient(const LayerShape& shape, const BackwardBuffers& b, const int32_t* windows) {
  if (shape.pooling != Pooling::kMax) {
    // Smaller parts leave registers for several channels, which share the input's loads.
    AddToAllWeights<kMaxAccumulators / 2, true>(shape, b, windows);
  } else if (ListsTerms(shape, b)) {
    AddTermsToWeights(shape, b, windows);
  } else {
    AddToAllWeights<kMaxAccumulators, false>(shape, b, windows);
  }
}

// Returns a bitmask of up to 64 channels; `test(c)` is the mask of the vector from channel `c`.
template <typename Test>
HWY_INLINE uint64_t ChannelBits(int64_t count, const Test& test) {
  uint64_t bits = 0;
  for (int64_t c = 0; c < count; c += kLanes) {
    uint8_t bytes[8] = {};
    hn::StoreMaskBits(f, test(c), bytes);
    bits |= (bytes[0] | static_cast<uint64_t>(bytes[1]) << 8) << c;
  }
  return count == kScatterChannels ? bits : bits & ((uint64_t{1} << count) - 1);
}

// Builds the gradient scatter list of `count` channels from `first`, in the order of positions, and
// the histogram of its groups by number of channels. Returns the list's length. Channels with a
// zero gradient are left out. `kPool` is the pool size: 1 if all channels of a position have the
// same window, 0 if it is only known at run time.
template <int kPool>
int64_t ListScatterGroups(const LayerShape& shape, const BackwardBuffers& b, const int32_t* windows,
                          int64_t first, int64_t count, ScatterGroup* HWY_RESTRICT list,
                          int64_t histogram[kScatterChannels + 1]) {
  const ScatterGroup* const begin = list;
  const int64_t pool = kPool == 0 ? shape.pool_size : kPool;
  const int64_t width = kPool == 1 ? shape.positions() : shape.out_width;
  const int64_t height = shape.positions() / width;
  const int64_t x_stride = shape.x_stride;
  const int64_t y_stride = shape.y_stride;
  const int64_t pixel_stride = shape.channels();
  int64_t at = first;
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x, at += pixel_stride) {
      const float* gradient = b.gradient + at;
      const int32_t* own = windows + at;
      uint64_t left = ChannelBits(
          // Not Ne, which is false for NaN on some targets.
          count,
          [=](int64_t c) { return hn::Not(hn::Eq(hn::LoadU(f, gradient + c), hn::Zero(f))); });
      const auto add = [&](uint64_t channels, int64_t window) {
        *list = {.channels = channels,
                 .gradient_offset = static_cast<int32_t>(at),
                 .window_offset = static_cast<int32_t>(window)};
        list += channels != 0 ? 1 : 0;
        ++histogram[hwy::PopCount(channels)];
        left ^= channels;
      };
      if constexpr (kPool == 1) {
        add(left, own[0]);
        continue;
      }
      const int64_t corner = pool * (y * y_stride + x * x_stride);
      for (int64_t i = 0; i < pool; ++i) {
        for (int64_t j = 0; j < pool; ++j) {
          const int64_t window = corner + i * y_stride + j * x_stride;
          if (i == pool - 1 && j == pool - 1) {
            add(left, window);
            break;
          }
          const auto wanted = hn::Set(I(), static_cast<int32_t>(window));
          add(left & ChannelBits(count,
                                 [=](int64_t c) {
                                   return hn::RebindMask(f,
                                                         hn::Eq(hn::LoadU(I(), own + c), wanted));
                                 }),
              window);
        }
      }
    }
  }
  return list - begin;
}

// Builds the gradient scatter list of `count` channels from `first`, sorted (by counting) by the
// number of channels in a group, so that the trip counts of the loop over them are predicted well.
// Returns the list's length.
int64_t SortScatterGroups(const LayerShape& shape, const BackwardBuffers& b, const int32_t* windows,
                          int64_t first, int64_t count, ScatterGroup* HWY_RESTRICT sorted) {
  int64_t histogram[kScatterChannels + 1] = {};
  const auto list = [&]<int kPool>() {
    return ListScatterGroups<kPool>(shape, b, windows, first, count, b.scatter_list, histogram);
  };
  const int64_t size = shape.scatter_groups_per_position() == 1 ? list.template operator()<1>()
                       : shape.pool_size == 2                   ? list.template operator()<2>()
                                                                : list.template operator()<0>();
  int64_t begin = 0;
  for (int64_t n = 1; n <= count; ++n) begin += std::exchange(histogram[n], begin);
  for (const ScatterGroup* group = b.scatter_list; group != b.scatter_list + size; ++group) {
    sorted[histogram[hwy::PopCount(group->channels)]++] = *group;
  }
  return size;
}

// Backward data: adds gradient * weights, summed over a group's channels, to a part of each group's
// window of the input gradient.
template <int R, int N>
HWY_NOINLINE void ScatterAdd(const ScatterGroup* begin, const ScatterGroup* end,
                             const float* HWY_RESTRICT gradients, const float* HWY_RESTRICT weights,
                             Strides strides, float* HWY_RESTRICT input_gradient) {
  for (const ScatterGroup* group = begin; group != end; ++group) {
    const float* gradient = gradients + group->gradient_offset;
    float* to = input_gradient + group->window_offset;
    Patch<R, N> patch;
    patch.Load(to, strides.input_row);
    uint64_t channels = group->channels;
    do {
      const auto c = static_cast<int64_t>(hwy::Num0BitsBelowLS1Bit_Nonzero64(channels));
      patch.Add(hn::Set(f, gradient[c]), weights + c * strides.channel, strides.weights_row);
      channels &= channels - 1;
    } while (channels != 0);
    patch.Store(to, strides.input_row);
  }
}

// Backward data. The outer loop is over parts, so that a part's weights stay in the L1 cache.
void InputGradient(const LayerShape& shape, const BackwardBuffers& b, const int32_t* windows) {
  ScatterGroup* const sorted = b.scatter_list + shape.max_scatter_groups() + 1;
  const Strides strides = {.weights_row = RoundUp(shape.window_row_size),
                           .channel = shape.padded_taps(),
                           .input_row = shape.row_stride};
  std::memset(b.input_gradient, 0, static_cast<size_t>(shape.input_size) * sizeof(float));
  for (int64_t first = 0; first < shape.out_channels; first += kScatterChannels) {
    const int64_t count = std::min(kScatterChannels, shape.out_channels - first);
    const int64_t size = SortScatterGroups(shape, b, windows, first, count, sorted);
    const float* of_channels = b.weights + first * strides.channel;
    ForParts<kMaxAccumulators>(shape, [&]<int R, int N>(int64_t k, int64_t n) {
      ScatterAdd<R, N>(sorted, sorted + size, b.gradient,
                       of_channels + k * strides.weights_row + n * kLanes, strides,
                       b.input_gradient + k * strides.input_row + n * kLanes);
    });
  }
}

void BackwardOne(const LayerShape& given_shape, const BackwardBuffers& given_buffers) {
  const LayerShape shape = given_shape;
  const BackwardBuffers b = given_buffers;
  if (b.slope_gradient == nullptr) {
    ActivationBackward<TrainedSlopes::kNone>(shape, b);
  } else if (b.slope_stride == 0) {
    ActivationBackward<TrainedSlopes::kShared>(shape, b);
  } else {
    ActivationBackward<TrainedSlopes::kEach>(shape, b);
  }
  const int32_t* windows = b.argmax;
  if (shape.pooling == Pooling::kAverage) {
    AveragePoolBackward(shape, b);
    windows = b.window_offsets;
  }
  WeightGradient(shape, b, windows);
  if (b.input_gradient != nullptr) InputGradient(shape, b, windows);
}

// ---- folding

// Stores the interleaved vectors `body(0)`, ..., `body(rows - 1)`.
template <typename Body>
HWY_INLINE void StoreFolded(int64_t rows, const Body& body, float* to) {
  if (rows == 2) {
    hn::StoreInterleaved2(body(0), body(1), f, to);
  } else if (rows == 3) {
    hn::StoreInterleaved3(body(0), body(1), body(2), f, to);
  } else {
    hn::StoreInterleaved4(body(0), body(1), body(2), body(3), f, to);
  }
}

void FoldRowsOf(const float* image, int64_t height, int64_t width, int64_t rows, float* folded) {
  for (int64_t y = 0; y + rows <= height; ++y, image += width, folded += width * rows) {
    if (width < kLanes) {
      for (int64_t i = 0; i < width * rows; ++i) folded[i] = image[i % rows * width + i / rows];
      continue;
    }
    for (int64_t begin = 0; begin < width; begin += kLanes) {
      // The last vector of a row may overlap the previous one.
      const int64_t x = std::min(begin, width - kLanes);
      StoreFolded(
          rows, [=](int64_t row) { return hn::LoadU(f, image + row * width + x); },
          folded + x * rows);
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace anneal::training::engines::fused
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anneal::training::engines::fused {

namespace {
HWY_EXPORT(ForwardOne);
HWY_EXPORT(BackwardOne);
HWY_EXPORT(FoldRowsOf);
HWY_EXPORT(WinogradWeights);
HWY_EXPORT(ImageWinogradWeights);

// Index in the network's order of tap `tap` in the kernels' order.
int64_t Source(const int32_t* order, int64_t tap) { return order == nullptr ? tap : order[tap]; }
}  // namespace

void PackForward(const LayerShape& shape, const float* weights, const int32_t* order,
                 float* packed) {
  const int64_t taps = shape.taps();
  float* const begin = packed;
  // The transformed weights are computed from the plain ones.
  packed += shape.transformed_weights();
  const float* const plain = packed;
  for (int64_t first = 0; first < shape.out_channels; first += kBlock) {
    const int64_t count = std::min(kBlock, shape.out_channels - first);
    const float* from = weights + first * taps;
    for (int64_t t = 0; t < taps; ++t, packed += kBlock) {
      const int64_t source = Source(order, t);
      for (int64_t c = 0; c < count; ++c) packed[c] = from[c * taps + source];
    }
  }
  if (shape.uses_winograd()) HWY_DYNAMIC_DISPATCH(WinogradWeights)(shape, plain, begin);
  if (shape.uses_image_winograd()) HWY_DYNAMIC_DISPATCH(ImageWinogradWeights)(shape, plain, begin);
}

void PackBackward(const LayerShape& shape, const float* weights, const int32_t* order,
                  float* packed) {
  const int64_t row = shape.window_row_size;
  for (int64_t c = 0; c < shape.out_channels; ++c, weights += shape.taps()) {
    for (int64_t k = 0; k < shape.window_rows; ++k, packed += RoundUp(row)) {
      if (order == nullptr) {
        std::copy_n(weights + k * row, row, packed);
        continue;
      }
      for (int64_t t = 0; t < row; ++t) packed[t] = weights[order[k * row + t]];
    }
  }
}

void UnpackGradients(const LayerShape& shape, const float* packed, const int32_t* order,
                     float* gradients) {
  const int64_t row = shape.window_row_size;
  for (int64_t c = 0; c < shape.out_channels; ++c, gradients += shape.taps()) {
    for (int64_t k = 0; k < shape.window_rows; ++k, packed += RoundUp(row)) {
      if (order == nullptr) {
        std::copy_n(packed, row, gradients + k * row);
        continue;
      }
      for (int64_t t = 0; t < row; ++t) gradients[order[k * row + t]] = packed[t];
    }
  }
}

void Forward(const LayerShape& shape, const ForwardBuffers& buffers) {
  HWY_DYNAMIC_DISPATCH(ForwardOne)(shape, buffers);
}

void Backward(const LayerShape& shape, const BackwardBuffers& buffers) {
  HWY_DYNAMIC_DISPATCH(BackwardOne)(shape, buffers);
}

void FoldRows(const float* image, int64_t height, int64_t width, int64_t rows, float* folded) {
  HWY_DYNAMIC_DISPATCH(FoldRowsOf)(image, height, width, rows, folded);
}

}  // namespace anneal::training::engines::fused
#endif  // HWY_ONCE
