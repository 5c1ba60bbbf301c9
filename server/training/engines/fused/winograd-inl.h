// `WinogradForward` computes the forward pass of a layer with 3x3 kernels and 2x2 max-pooling by
// Winograd's F(2x2, 3x3) (Lavin and Gray 2016, arXiv:1509.09308, section 4.1): the four positions
// of a pooling window are one tile, of 16 multiplications instead of 36. For a kernel g and the 4x4
// input tile d, the output tile is
//
//   A^T [ (G g G^T) * (B^T d B) ] A,   * element-wise, summed over input channels
//
// Included through foreach_target.h.

#if defined(ANNEAL_SERVER_TRAINING_ENGINES_FUSED_WINOGRAD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ANNEAL_SERVER_TRAINING_ENGINES_FUSED_WINOGRAD_INL_H_
#undef ANNEAL_SERVER_TRAINING_ENGINES_FUSED_WINOGRAD_INL_H_
#else
#define ANNEAL_SERVER_TRAINING_ENGINES_FUSED_WINOGRAD_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "hwy/highway.h"
#include "server/training/engines/fused/channels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anneal::training::engines::fused {
namespace HWY_NAMESPACE {
namespace {

// Tiles of a batched product: as many as the registers hold accumulators for.
constexpr int kMaxTiles = kVectors == 1 ? 10 : kVectors == 2 ? 6 : HWY_ARCH_ARM ? 6 : 3;
static_assert(kMaxTiles <= kWinogradTiles);

// Multiplies G by a column of three values.
HWY_INLINE void TransformWeights(const V g[3], V u[4]) {
  const V half = hn::Set(f, 0.5F);
  const V outer = hn::Mul(half, hn::Add(g[0], g[2]));
  const V inner = hn::Mul(half, g[1]);
  u[0] = g[0];
  u[1] = hn::Add(outer, inner);
  u[2] = hn::Sub(outer, inner);
  u[3] = g[2];
}

// Transforms weights, G g G^T, from [block][tap][16] to [4x4 elements][block][input channel][16].
void WinogradWeights(const LayerShape& shape, const float* HWY_RESTRICT plain,
                     float* HWY_RESTRICT packed) {
  const int64_t inputs = shape.x_stride;
  const int64_t element = shape.blocks() * inputs * kBlock;
  for (int64_t block = 0; block < shape.blocks(); ++block) {
    const float* of_block = plain + block * shape.taps() * kBlock;
    for (int64_t at = 0; at < inputs * kBlock; at += kLanes) {
      V rows[3][4];
      for (int64_t y = 0; y < 3; ++y) {
        V g[3];
        for (int64_t x = 0; x < 3; ++x) {
          g[x] = hn::LoadU(f, of_block + (3 * y + x) * inputs * kBlock + at);
        }
        TransformWeights(g, rows[y]);
      }
      for (int64_t x = 0; x < 4; ++x) {
        const V column[3] = {rows[0][x], rows[1][x], rows[2][x]};
        V u[4];
        TransformWeights(column, u);
        for (int64_t y = 0; y < 4; ++y) {
          hn::StoreU(u[y], f, packed + (4 * y + x) * element + block * inputs * kBlock + at);
        }
      }
    }
  }
}

// Multiplies B^T by a column of four values.
HWY_INLINE void TransformInput(const V d[4], V v[4]) {
  v[0] = hn::Sub(d[0], d[2]);
  v[1] = hn::Add(d[1], d[2]);
  v[2] = hn::Sub(d[2], d[1]);
  v[3] = hn::Sub(d[1], d[3]);
}

// Transforms the input, B^T d B, of `count` <= `P` horizontally adjacent tiles, of which the first
// has its top left corner at `corner`, to [block of input channels][element][tile][16] with room
// for `P` tiles. Adjacent tiles share two columns. Not inlined, to relieve register pressure.
template <int P>
HWY_NOINLINE void TransformTiles(int64_t x_stride, int64_t y_stride, int64_t count,
                                 const float* HWY_RESTRICT corner, float* HWY_RESTRICT out) {
  constexpr int64_t kElement = P * kBlock;
  for (int64_t c = 0; c < x_stride; c += kLanes) {
    const float* HWY_RESTRICT from = corner + c;
    float* HWY_RESTRICT to = out + c / kBlock * 16 * kElement + c % kBlock;
    const auto next_column = [&](V transformed[4]) {
      V d[4];
      for (int64_t y = 0; y < 4; ++y) d[y] = hn::LoadU(f, from + y * y_stride);
      TransformInput(d, transformed);
      from += x_stride;
    };
    // The rows' transform is TransformInput too, unrolled in an order that fits the registers.
    V first[4];
    V second[4];
    next_column(first);
    next_column(second);
    for (int64_t tile = 0; tile < count; ++tile, to += kBlock) {
      const auto store = [&](int64_t y, int64_t x, V value) {
        hn::StoreU(value, f, to + (4 * y + x) * kElement);
      };
      V third[4];
      V fourth[4];
      next_column(third);
      for (int64_t y = 0; y < 4; ++y) {
        store(y, 0, hn::Sub(first[y], third[y]));
        store(y, 1, hn::Add(second[y], third[y]));
        store(y, 2, hn::Sub(third[y], second[y]));
      }
      next_column(fourth);
      for (int64_t y = 0; y < 4; ++y) {
        store(y, 3, hn::Sub(second[y], fourth[y]));
        first[y] = third[y];
        second[y] = fourth[y];
      }
    }
  }
}

// The element that contributes to all four positions with weight 1, where the bias is added.
constexpr int kInAll = 5;

// Multiplies element-wise and sums over input channels, for `P` tiles and one block of output
// channels, to `products` [element][tile][16].
template <int P>
HWY_INLINE void MultiplyTiles(const LayerShape& shape, const float* HWY_RESTRICT inputs,
                              const float* HWY_RESTRICT weights, const float* HWY_RESTRICT bias,
                              float* HWY_RESTRICT products) {
  const int64_t channels = shape.x_stride;
  const int64_t element_weights = shape.blocks() * channels * kBlock;
  for (int e = 0; e < 16; ++e) {
    V sums[P][kVectors];
    for (int p = 0; p < P; ++p) {
      for (int v = 0; v < kVectors; ++v) {
        sums[p][v] = e == kInAll ? hn::LoadU(f, bias + v * kLanes) : hn::Zero(f);
      }
    }
    const float* HWY_RESTRICT of_element = inputs + e * P * kBlock;
    const float* HWY_RESTRICT u = weights;
    for (int64_t block = 0; block < channels; block += kBlock, of_element += 16 * P * kBlock) {
#pragma GCC unroll 4
      for (int64_t c = 0; c < kBlock; ++c, u += kBlock) {
        V w[kVectors];
        for (int v = 0; v < kVectors; ++v) w[v] = hn::LoadU(f, u + v * kLanes);
        for (int p = 0; p < P; ++p) {
          const V value = hn::Set(f, of_element[p * kBlock + c]);
          for (int v = 0; v < kVectors; ++v) sums[p][v] = hn::MulAdd(value, w[v], sums[p][v]);
        }
      }
    }
    for (int p = 0; p < P; ++p) {
      for (int v = 0; v < kVectors; ++v) {
        hn::StoreU(sums[p][v], f, products + p * kBlock + v * kLanes);
      }
    }
    products += P * kBlock;
    weights += element_weights;
  }
}

// Multiplies A^T by a column of four values.
HWY_INLINE void TransformOutput(const V m[4], V y[2]) {
  y[0] = hn::Add(hn::Add(m[0], m[1]), m[2]);
  y[1] = hn::Sub(hn::Sub(m[1], m[2]), m[3]);
}

// Applies the output transform to a vector of channels of one of `P` tiles, pools and activates.
template <int P>
HWY_INLINE void FinishTile(const LayerShape& shape, const ForwardBuffers& b,
                           const float* HWY_RESTRICT products, int64_t y, int64_t x, int64_t c) {
  V rows[4][2];
  for (int64_t i = 0; i < 4; ++i) {
    V m[4];
    for (int64_t j = 0; j < 4; ++j) m[j] = hn::LoadU(f, products + (4 * i + j) * P * kBlock);
    TransformOutput(m, rows[i]);
  }
  V values[2][2];
  for (int64_t j = 0; j < 2; ++j) {
    const V column[4] = {rows[0][j], rows[1][j], rows[2][j], rows[3][j]};
    V of_column[2];
    TransformOutput(column, of_column);
    for (int64_t i = 0; i < 2; ++i) values[i][j] = of_column[i];
  }
  b.argmax == nullptr ? FinishPool<false>(shape, b, values, y, x, c)
                      : FinishPool<true>(shape, b, values, y, x, c);
}

// Computes `P` tiles from the one of pixel `begin`, in row-major order.
template <int P>
HWY_NOINLINE void WinogradTiles(const LayerShape& given_shape, const ForwardBuffers& given_buffers,
                                int64_t begin) {
  const LayerShape shape = given_shape;
  const ForwardBuffers b = given_buffers;
  float* const transformed = b.scratch;
  float* const products = b.scratch + 16 * kWinogradTiles * shape.x_stride;
  int64_t ys[P];
  int64_t xs[P];
  for (int p = 0; p < P; ++p) {
    ys[p] = (begin + p) / shape.out_width;
    xs[p] = (begin + p) % shape.out_width;
  }
  for (int64_t p = 0; p < P;) {
    const int64_t count = std::min(P - p, shape.out_width - xs[p]);  // in this row
    TransformTiles<P>(shape.x_stride, shape.y_stride, count,
                      b.input + 2 * (ys[p] * shape.y_stride + xs[p] * shape.x_stride),
                      transformed + p * kBlock);
    p += count;
  }
  for (int64_t block = 0; block < shape.blocks(); ++block) {
    MultiplyTiles<P>(shape, transformed, b.weights + block * shape.x_stride * kBlock,
                     b.bias + block * kBlock, products);
    for (int p = 0; p < P; ++p) {
      for (int64_t c = 0; c < kBlock; c += kLanes) {
        FinishTile<P>(shape, b, products + p * kBlock + c, ys[p], xs[p], block * kBlock + c);
      }
    }
  }
}

// Computes `count` <= `P` tiles.
template <int P>
HWY_INLINE void SomeWinogradTiles(const LayerShape& shape, const ForwardBuffers& b, int64_t begin,
                                  int64_t count) {
  if (count == P) {
    WinogradTiles<P>(shape, b, begin);
  } else if constexpr (P > 1) {
    SomeWinogradTiles<P - 1>(shape, b, begin, count);
  }
}

void WinogradForward(const LayerShape& shape, const ForwardBuffers& b) {
  const int64_t tiles = shape.pixels();
  const int64_t groups = (tiles + kMaxTiles - 1) / kMaxTiles;
  const int64_t group = (tiles + groups - 1) / groups;  // balanced in size
  for (int64_t begin = 0; begin < tiles; begin += group) {
    SomeWinogradTiles<kMaxTiles>(shape, b, begin, std::min(group, tiles - begin));
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace anneal::training::engines::fused
HWY_AFTER_NAMESPACE();

#endif
