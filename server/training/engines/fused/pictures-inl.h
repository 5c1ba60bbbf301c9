// Convolution of a picture of one channel by 4x4 and pooling by 2x2, as the sum of four
// convolutions by 2x2 that each are Winograd's F(2x2, 2x2) (Lavin and Gray 2016, arXiv:1509.09308,
// section 4.1): the four positions of a pool's window take 36 multiplications in place of 64. Of
// two taps in one dimension,
//
//   a = (x0 - x1) g0     b = x1 (g0 + g1)     c = (x1 - x2) g1
//   x0 g0 + x1 g1 = a + b     x1 g0 + x2 g1 = b - c
//
// so that the transformed input is the picture and its differences between neighbours. For sources
// that go through foreach_target.h.

#if defined(ANNEAL_SERVER_TRAINING_ENGINES_FUSED_PICTURES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ANNEAL_SERVER_TRAINING_ENGINES_FUSED_PICTURES_INL_H_
#undef ANNEAL_SERVER_TRAINING_ENGINES_FUSED_PICTURES_INL_H_
#else
#define ANNEAL_SERVER_TRAINING_ENGINES_FUSED_PICTURES_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "hwy/highway.h"
#include "server/training/engines/fused/channels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anneal::training::engines::fused {
namespace HWY_NAMESPACE {
namespace {

// Tiles, and vectors of a block, that go together where registers do not hold a row's weights.
constexpr int kPictureTiles = 2;
constexpr int kPictureVectors = HWY_ARCH_ARM ? kVectors : HWY_MIN(kVectors, 2);

// From [block][tap][16], taps column by column, to [block][2x2 kernel][9 elements][16].
void PictureWeights(const LayerShape& shape, const float* HWY_RESTRICT plain,
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

// A picture, and its differences: from a pixel to the right, to the one below, and from the first
// to the second of these.
struct Differences {
  const float* picture;
  const float* right;
  const float* below;
  const float* both;
};

HWY_INLINE Differences Subtract(const LayerShape& shape, const float* HWY_RESTRICT picture,
                                float* HWY_RESTRICT scratch) {
  const int64_t stride = shape.picture_stride();
  const int64_t line = shape.line;
  float* const right = scratch;
  float* const below = right + stride;
  float* const both = below + stride;
  for (int64_t i = 0; i < shape.picture_size(); i += kLanes) {
    const V at = hn::LoadU(f, picture + i);
    hn::StoreU(hn::Sub(at, hn::LoadU(f, picture + i + 1)), f, right + i);
  }
  for (int64_t i = 0; i < shape.picture_size() - line; i += kLanes) {
    const V below_at = hn::Sub(hn::LoadU(f, picture + i), hn::LoadU(f, picture + i + line));
    hn::StoreU(below_at, f, below + i);
    const V both_at = hn::Sub(hn::LoadU(f, right + i), hn::LoadU(f, right + i + line));
    hn::StoreU(both_at, f, both + i);
  }
  return {.picture = picture, .right = right, .below = below, .both = both};
}

// Where the three elements of the first tile's first 2x2 kernel are, of each row of elements.
struct ElementRows {
  const float* of[3][3];
};

// The sums of a row of elements, transformed: those of all tiles of a row, whose weights stay in
// registers. `body(x, left, right)` is called for each tile.
template <typename Body>
HWY_INLINE void ForTiles(const LayerShape& shape, const float* HWY_RESTRICT weights,
                         const float* const in[3], V start, const Body& body) {
  V w[4][3];
  for (int k = 0; k < 4; ++k) {
    for (int e = 0; e < 3; ++e) w[k][e] = hn::LoadU(f, weights + (9 * k + e) * kBlock);
  }
  const int64_t below = 2 * shape.line;
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

// A row of tiles, row of elements by row of elements, for a block of channels. `scratch` is for
// what the first two make: four vectors a tile.
template <bool kept>
HWY_INLINE void PictureRow(const LayerShape& shape, const ForwardBuffers& b,
                           const ElementRows& rows, const float* weights, int64_t y, int64_t block,
                           float* scratch) {
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
    FinishPool<kept>(shape, b, values, y, x, block * kBlock);
  });
}

// Adds a row of elements to the sums of `W` tiles and `N` vectors of channels, or takes it from
// them. A tile's right kernels see the pixels that the next tile's left ones see.
template <bool kAdd, int W, int N>
HWY_INLINE void Accumulate(const LayerShape& shape, const float* HWY_RESTRICT weights,
                           const float* const in[3], int64_t x, V sums[3][W][N]) {
  for (int k = 0; k < 4; k += 2) {
    const int64_t from = 2 * x + k * shape.line;
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
      V of_both[W];
      load(k);
      add(0, value_at(0));
      for (int t = 1; t < W; ++t) {
        of_both[t] = value_at(t);
        add(t, of_both[t]);
      }
      load(k + 1);
      for (int t = 1; t < W; ++t) add(t - 1, of_both[t]);
      add(W - 1, value_at(W));
    }
  }
}

// `W` tiles of a row, whose sums stay in registers, for `N` vectors of channels from `c`.
template <int W, int N, bool kept>
HWY_INLINE void PictureTiles(const LayerShape& shape, const ForwardBuffers& b,
                             const ElementRows& rows, const float* weights, int64_t y, int64_t x,
                             int64_t c) {
  V sums[3][W][N];
  V middle[3][W][N];  // the second row of elements, which both rows of positions have
  Largest<kept> largest[W][N];
  for (int t = 0; t < W; ++t) {
    for (int v = 0; v < N; ++v) {
      sums[0][t][v] = sums[2][t][v] = hn::Zero(f);
      // The second element of the second row is in all four positions.
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
      largest[t][v].Compare(hn::Sub(sums[1][t][v], sums[2][t][v]), shape.x_step);
    }
  }
  Accumulate<false>(shape, weights + 6 * kBlock, rows.of[2], x, middle);
  for (int t = 0; t < W; ++t) {
    for (int v = 0; v < N; ++v) {
      Largest<kept>& own = largest[t][v];
      own.Compare(hn::Add(middle[0][t][v], middle[1][t][v]), shape.y_step);
      own.Compare(hn::Sub(middle[1][t][v], middle[2][t][v]), shape.y_step + shape.x_step);
      own.Finish(shape, b, y, x + t, c + v * kLanes);
    }
  }
}

template <bool kept>
HWY_NOINLINE void PictureRows(const LayerShape& given_shape, const ForwardBuffers& given_buffers) {
  const LayerShape shape = given_shape;
  const ForwardBuffers b = given_buffers;
  const Differences from = Subtract(shape, b.picture, b.rows);
  for (int64_t y = 0; y < shape.out_height; ++y) {
    const int64_t at = 2 * y * shape.line;
    const int64_t below = at + shape.line;
    const ElementRows rows = {
        {{from.both + at, from.below + at + 1, from.both + at + 1},
         {from.right + below, from.picture + below + 1, from.right + below + 1},
         {from.both + below, from.below + below + 1, from.both + below + 1}}};
    for (int64_t block = 0; block < shape.blocks(); ++block) {
      const float* weights = b.weights + block * 36 * kBlock;
      if constexpr (kVectors == 1) {
        PictureRow<kept>(shape, b, rows, weights, y, block, b.rows + 3 * shape.picture_stride());
      } else {
        // From the last channels to the first: what a block of few channels runs over into comes
        // after it then.
        constexpr int64_t kStep = kPictureVectors * kLanes;
        for (int64_t c = kBlock - kStep; c >= 0; c -= kStep) {
          constexpr int W = kPictureTiles;
          constexpr int N = kPictureVectors;
          int64_t x = 0;
          for (; x + W <= shape.out_width; x += W) {
            PictureTiles<W, N, kept>(shape, b, rows, weights + c, y, x, block * kBlock + c);
          }
          if (x < shape.out_width) {
            PictureTiles<1, N, kept>(shape, b, rows, weights + c, y, x, block * kBlock + c);
          }
        }
      }
    }
  }
}

HWY_INLINE void PictureForward(const LayerShape& shape, const ForwardBuffers& b) {
  b.winners == nullptr ? PictureRows<false>(shape, b) : PictureRows<true>(shape, b);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace anneal::training::engines::fused
HWY_AFTER_NAMESPACE();

#endif
