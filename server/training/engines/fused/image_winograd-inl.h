// `ImageWinogradForward` computes the forward pass of a layer with one input channel, 4x4 kernels
// and 2x2 max-pooling. The convolution is a sum of four 2x2 convolutions, each by Winograd's F(2x2,
// 2x2) (Lavin and Gray 2016, arXiv:1509.09308, section 4.1): the four positions of a pooling
// window, which are one tile, take 36 multiplications instead of 64. For two taps g and three
// values x in one dimension,
//
//   a = (x0 - x1) g0     b = x1 (g0 + g1)     c = (x1 - x2) g1
//   x0 g0 + x1 g1 = a + b     x1 g0 + x2 g1 = b - c
//
// so the transformed input consists of the image and of its differences between adjacent pixels.
// Included through foreach_target.h.

#if defined(ANNEAL_SERVER_TRAINING_ENGINES_FUSED_IMAGE_WINOGRAD_INL_H_) == \
    defined(HWY_TARGET_TOGGLE)
#ifdef ANNEAL_SERVER_TRAINING_ENGINES_FUSED_IMAGE_WINOGRAD_INL_H_
#undef ANNEAL_SERVER_TRAINING_ENGINES_FUSED_IMAGE_WINOGRAD_INL_H_
#else
#define ANNEAL_SERVER_TRAINING_ENGINES_FUSED_IMAGE_WINOGRAD_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "hwy/highway.h"
#include "server/training/engines/fused/channels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anneal::training::engines::fused {
namespace HWY_NAMESPACE {
namespace {

// Tiles and vectors of a register tile on targets whose registers do not hold a row's weights.
constexpr int kImageTiles = 2;
constexpr int kImageVectors = HWY_ARCH_ARM ? kVectors : HWY_MIN(kVectors, 2);

// Transforms weights from [block][tap][16], taps in column-major order of the 4x4 kernel, to
// [block][2x2 kernel][3x3 elements][16].
void ImageWinogradWeights(const LayerShape& shape, const float* HWY_RESTRICT plain,
                          float* HWY_RESTRICT packed) {
  for (int64_t block = 0; block < shape.blocks(); ++block, plain += 16 * kBlock) {
    for (int64_t kernel = 0; kernel < 4; ++kernel) {
      const int64_t y = 2 * (kernel / 2);
      const int64_t x = 2 * (kernel % 2);
      for (int64_t c = 0; c < kBlock; c += kLanes) {
        const auto tap = [&](int64_t i, int64_t j) {
          return hn::LoadU(f, plain + (4 * (x + j) + y + i) * kBlock + c);
        };
        V columns[3][2];
        for (int64_t j = 0; j < 2; ++j) {
          columns[0][j] = tap(0, j);
          columns[1][j] = hn::Add(tap(0, j), tap(1, j));
          columns[2][j] = tap(1, j);
        }
        for (int64_t i = 0; i < 3; ++i) {
          float* to = packed + 3 * i * kBlock + c;
          hn::StoreU(columns[i][0], f, to);
          hn::StoreU(hn::Add(columns[i][0], columns[i][1]), f, to + kBlock);
          hn::StoreU(columns[i][1], f, to + 2 * kBlock);
        }
      }
      packed += 9 * kBlock;
    }
  }
}

// An image and its first differences, planes of [h, w]: of each pixel to its right neighbour, to
// the one below, and of the former to the latter (the mixed second difference).
struct Differences {
  const float* image;
  const float* dx;
  const float* dy;
  const float* dxy;
};

// Computes the differences of an image in `scratch`, which has room for three planes.
HWY_INLINE Differences Subtract(const LayerShape& shape, const float* HWY_RESTRICT image,
                                float* HWY_RESTRICT scratch) {
  const int64_t stride = shape.plane_stride();
  const int64_t row_stride = shape.row_stride;
  float* const dx = scratch;
  float* const dy = dx + stride;
  float* const dxy = dy + stride;
  for (int64_t i = 0; i < shape.image_size(); i += kLanes) {
    const V at = hn::LoadU(f, image + i);
    hn::StoreU(hn::Sub(at, hn::LoadU(f, image + i + 1)), f, dx + i);
  }
  for (int64_t i = 0; i < shape.image_size() - row_stride; i += kLanes) {
    const V dy_at = hn::Sub(hn::LoadU(f, image + i), hn::LoadU(f, image + i + row_stride));
    hn::StoreU(dy_at, f, dy + i);
    const V dxy_at = hn::Sub(hn::LoadU(f, dx + i), hn::LoadU(f, dx + i + row_stride));
    hn::StoreU(dxy_at, f, dxy + i);
  }
  return {.image = image, .dx = dx, .dy = dy, .dxy = dxy};
}

// Transformed input of the first tile of a row under the first 2x2 kernel: pointers to its 3x3
// elements, [row][column].
struct ElementRows {
  const float* of[3][3];
};

// Sums the products of one row of elements over the four kernels, applies the output transform
// along x, and calls `body(x, left, right)` for each tile of a row. The weights stay in registers.
template <typename Body>
HWY_INLINE void ForTiles(const LayerShape& shape, const float* HWY_RESTRICT weights,
                         const float* const in[3], V start, const Body& body) {
  V w[4][3];
  for (int k = 0; k < 4; ++k) {
    for (int e = 0; e < 3; ++e) w[k][e] = hn::LoadU(f, weights + (9 * k + e) * kBlock);
  }
  const int64_t below = 2 * shape.row_stride;
  const float* at[3] = {in[0], in[1], in[2]};
  for (int64_t x = 0; x < shape.out_width; ++x) {
    V sums[3];
    for (int e = 0; e < 3; ++e) {
      const V pixel = hn::Set(f, at[e][0]);
      sums[e] = e == 1 ? hn::MulAdd(pixel, w[0][e], start) : hn::Mul(pixel, w[0][e]);
      sums[e] = hn::MulAdd(hn::Set(f, at[e][2]), w[1][e], sums[e]);
      sums[e] = hn::MulAdd(hn::Set(f, at[e][below]), w[2][e], sums[e]);
      sums[e] = hn::MulAdd(hn::Set(f, at[e][below + 2]), w[3][e], sums[e]);
      at[e] += 2;
    }
    body(x, hn::Add(sums[0], sums[1]), hn::Sub(sums[1], sums[2]));
  }
}

// Computes a row of tiles for a block of channels, one row of elements at a time. `scratch` holds
// the intermediate sums of the first two, four vectors a tile.
template <bool with_argmax>
HWY_INLINE void ImageRow(const LayerShape& shape, const ForwardBuffers& b, const ElementRows& rows,
                         const float* weights, int64_t y, int64_t block, float* scratch) {
  const V bias = hn::LoadU(f, b.bias + block * kBlock);
  float* const top = scratch;
  float* const middle = top + 2 * shape.out_width * kBlock;
  ForTiles(shape, weights, rows.of[0], hn::Zero(f), [=](int64_t x, V left, V right) {
    hn::StoreU(left, f, top + 2 * x * kBlock);
    hn::StoreU(right, f, top + (2 * x + 1) * kBlock);
  });
  ForTiles(shape, weights + 3 * kBlock, rows.of[1], bias, [=](int64_t x, V left, V right) {
    AddAt(left, top + 2 * x * kBlock);
    AddAt(right, top + (2 * x + 1) * kBlock);
    hn::StoreU(left, f, middle + 2 * x * kBlock);
    hn::StoreU(right, f, middle + (2 * x + 1) * kBlock);
  });
  ForTiles(shape, weights + 6 * kBlock, rows.of[2], hn::Zero(f), [&](int64_t x, V left, V right) {
    const float* above = top + 2 * x * kBlock;
    const float* own = middle + 2 * x * kBlock;
    const V values[2][2] = {
        {hn::LoadU(f, above), hn::LoadU(f, above + kBlock)},
        {hn::Sub(hn::LoadU(f, own), left), hn::Sub(hn::LoadU(f, own + kBlock), right)}};
    FinishPool<with_argmax>(shape, b, values, y, x, block * kBlock);
  });
}

// Accumulates the products of one row of elements over the four kernels: adds them to the sums of
// `W` tiles and `N` vectors of channels, or subtracts them. A tile's right kernels read the same
// pixels as the next tile's left ones.
template <bool kAdd, int W, int N>
HWY_INLINE void Accumulate(const LayerShape& shape, const float* HWY_RESTRICT weights,
                           const float* const in[3], int64_t x, V sums[3][W][N]) {
  for (int k = 0; k < 4; k += 2) {
    const int64_t from = 2 * x + k * shape.row_stride;
    for (int e = 0; e < 3; ++e) {
      V w[N];
      const auto load = [&](int kernel) HWY_ATTR {
        for (int v = 0; v < N; ++v) {
          w[v] = hn::LoadU(f, weights + (9 * kernel + e) * kBlock + v * kLanes);
          KeepInRegister(w[v]);
        }
      };
      const auto value_at = [&](int t) HWY_ATTR {
        V value = hn::Set(f, in[e][from + 2 * t]);
        KeepInRegister(value);
        return value;
      };
      const auto add = [&](int t, V value) HWY_ATTR {
        for (int v = 0; v < N; ++v) {
          V& sum = sums[e][t][v];
          sum = kAdd ? hn::MulAdd(value, w[v], sum) : hn::NegMulAdd(value, w[v], sum);
        }
      };
      V shared[W];
      load(k);
      add(0, value_at(0));
      for (int t = 1; t < W; ++t) {
        shared[t] = value_at(t);
        add(t, shared[t]);
      }
      load(k + 1);
      for (int t = 1; t < W; ++t) add(t - 1, shared[t]);
      add(W - 1, value_at(W));
    }
  }
}

// Computes `W` adjacent tiles for `N` vectors of channels from `c`. The sums stay in registers.
template <int W, int N, bool with_argmax>
HWY_INLINE void ImageTiles(const LayerShape& shape, const ForwardBuffers& b,
                           const ElementRows& rows, const float* weights, int64_t y, int64_t x,
                           int64_t c) {
  V sums[3][W][N];
  V middle[3][W][N];  // of the second row of elements, which both rows of positions share
  RunningMax<with_argmax> largest[W][N];
  for (int t = 0; t < W; ++t) {
    for (int v = 0; v < N; ++v) {
      sums[0][t][v] = sums[2][t][v] = hn::Zero(f);
      // The centre element contributes to all four positions, so the bias is added there.
      sums[1][t][v] = hn::LoadU(f, b.bias + c + v * kLanes);
    }
  }
  Accumulate<true>(shape, weights + 3 * kBlock, rows.of[1], x, sums);
  for (int e = 0; e < 3; ++e) {
    for (int t = 0; t < W; ++t) {
      for (int v = 0; v < N; ++v) middle[e][t][v] = sums[e][t][v];
    }
  }
  Accumulate<true>(shape, weights, rows.of[0], x, sums);
  for (int t = 0; t < W; ++t) {
    for (int v = 0; v < N; ++v) {
      largest[t][v].Begin(hn::Add(sums[0][t][v], sums[1][t][v]));
      largest[t][v].Compare(hn::Sub(sums[1][t][v], sums[2][t][v]), shape.x_stride);
    }
  }
  Accumulate<false>(shape, weights + 6 * kBlock, rows.of[2], x, middle);
  for (int t = 0; t < W; ++t) {
    for (int v = 0; v < N; ++v) {
      RunningMax<with_argmax>& own = largest[t][v];
      own.Compare(hn::Add(middle[0][t][v], middle[1][t][v]), shape.y_stride);
      own.Compare(hn::Sub(middle[1][t][v], middle[2][t][v]), shape.y_stride + shape.x_stride);
      own.Finish(shape, b, y, x + t, c + v * kLanes);
    }
  }
}

// Computes all tiles of an image.
template <bool with_argmax>
HWY_NOINLINE void ImageRows(const LayerShape& given_shape, const ForwardBuffers& given_buffers) {
  const LayerShape shape = given_shape;
  const ForwardBuffers b = given_buffers;
  const Differences from = Subtract(shape, b.image, b.scratch);
  for (int64_t y = 0; y < shape.out_height; ++y) {
    const int64_t at = 2 * y * shape.row_stride;
    const int64_t below = at + shape.row_stride;
    const ElementRows rows = {{{from.dxy + at, from.dy + at + 1, from.dxy + at + 1},
                               {from.dx + below, from.image + below + 1, from.dx + below + 1},
                               {from.dxy + below, from.dy + below + 1, from.dxy + below + 1}}};
    for (int64_t block = 0; block < shape.blocks(); ++block) {
      const float* weights = b.weights + block * 36 * kBlock;
      if constexpr (kVectors == 1) {
        ImageRow<with_argmax>(shape, b, rows, weights, y, block,
                              b.scratch + 3 * shape.plane_stride());
      } else {
        // From the last channels to the first, so that values overwritten by the padding channels
        // of an incomplete block are stored later.
        constexpr int64_t kStep = kImageVectors * kLanes;
        for (int64_t c = kBlock - kStep; c >= 0; c -= kStep) {
          constexpr int W = kImageTiles;
          constexpr int N = kImageVectors;
          int64_t x = 0;
          for (; x + W <= shape.out_width; x += W) {
            ImageTiles<W, N, with_argmax>(shape, b, rows, weights + c, y, x, block * kBlock + c);
          }
          if (x < shape.out_width) {
            ImageTiles<1, N, with_argmax>(shape, b, rows, weights + c, y, x, block * kBlock + c);
          }
        }
      }
    }
  }
}

HWY_INLINE void ImageWinogradForward(const LayerShape& shape, const ForwardBuffers& b) {
  b.argmax == nullptr ? ImageRows<false>(shape, b) : ImageRows<true>(shape, b);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace anneal::training::engines::fused
HWY_AFTER_NAMESPACE();

#endif
