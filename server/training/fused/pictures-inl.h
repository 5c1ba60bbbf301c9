// Convolution of a picture of one channel by 4x4 and pooling by 2x2, as the sum of four convolutions
// by 2x2 that each are Winograd's F(2x2, 2x2) (Lavin and Gray 2016, arXiv:1509.09308, section 4.1):
// the four positions of a pool's window take 36 multiplications in place of 64. Of two taps in one
// dimension,
//
//   a = (x0 - x1) g0     b = x1 (g0 + g1)     c = (x1 - x2) g1
//   x0 g0 + x1 g1 = a + b     x1 g0 + x2 g1 = b - c
//
// so that the transformed input is the picture and its differences between neighbours. For sources
// that go through foreach_target.h.

#if defined(ANNEAL_SERVER_TRAINING_FUSED_PICTURES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ANNEAL_SERVER_TRAINING_FUSED_PICTURES_INL_H_
#undef ANNEAL_SERVER_TRAINING_FUSED_PICTURES_INL_H_
#else
#define ANNEAL_SERVER_TRAINING_FUSED_PICTURES_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "hwy/highway.h"
#include "server/training/fused/channels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anneal::training::fused {
namespace HWY_NAMESPACE {
namespace {

// Whether registers hold the weights of a row of elements for a block of channels; with fewer, the
// plain way is faster.
constexpr bool kFastPictures = kVectors == 1;

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

HWY_INLINE Differences Subtract(const LayerShape& shape, const float* given, float* scratch) {
  const int64_t stride = shape.picture_stride();
  const int64_t line = shape.line;
  float* const picture = scratch;
  float* const right = picture + stride;
  float* const below = right + stride;
  float* const both = below + stride;
  std::copy_n(given, shape.picture_size(), picture);
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

// The sums of a row of elements, transformed: those of all tiles of a row. `in` are where the three
// elements of the first tile's first 2x2 kernel are; `body(x, left, right)` is called for each tile.
template <typename Body>
HWY_INLINE void ForTiles(const LayerShape& shape, const float* HWY_RESTRICT weights,
                         const float* const in[3], const Body& body) {
  V w[4][3];  // stay in registers
  for (int k = 0; k < 4; ++k) {
    for (int e = 0; e < 3; ++e) w[k][e] = hn::LoadU(f, weights + (9 * k + e) * kBlock);
  }
  const int64_t below = 2 * shape.line;
  const float* at[3] = {in[0], in[1], in[2]};
  for (int64_t x = 0; x < shape.out_width; ++x) {
    V sums[3];
    for (int e = 0; e < 3; ++e) {
      sums[e] = hn::Mul(hn::Set(f, at[e][0]), w[0][e]);
      sums[e] = hn::MulAdd(hn::Set(f, at[e][2]), w[1][e], sums[e]);
      sums[e] = hn::MulAdd(hn::Set(f, at[e][below]), w[2][e], sums[e]);
      sums[e] = hn::MulAdd(hn::Set(f, at[e][below + 2]), w[3][e], sums[e]);
      at[e] += 2;
    }
    body(x, hn::Add(sums[0], sums[1]), hn::Sub(sums[1], sums[2]));
  }
}

HWY_NOINLINE void PictureForward(const LayerShape& given_shape,
                                 const ForwardBuffers& given_buffers) {
  const LayerShape shape = given_shape;
  const ForwardBuffers b = given_buffers;
  const Differences from = Subtract(shape, b.picture, b.rows);
  // Of a row's tiles: what the first two rows of elements make.
  float* const top = b.rows + 4 * shape.picture_stride();
  float* const middle = top + 2 * shape.out_width * kBlock;
  for (int64_t y = 0; y < shape.out_height; ++y) {
    const int64_t at = 2 * y * shape.line;
    const int64_t below = at + shape.line;
    const float* const rows[3][3] = {
        {from.both + at, from.below + at + 1, from.both + at + 1},
        {from.right + below, from.picture + below + 1, from.right + below + 1},
        {from.both + below, from.below + below + 1, from.both + below + 1}};
    for (int64_t block = 0; block < shape.blocks(); ++block) {
      const float* weights = b.weights + block * 36 * kBlock;
      ForTiles(shape, weights, rows[0], [=](int64_t x, V left, V right) {
        hn::StoreU(left, f, top + 2 * x * kBlock);
        hn::StoreU(right, f, top + (2 * x + 1) * kBlock);
      });
      ForTiles(shape, weights + 3 * kBlock, rows[1], [=](int64_t x, V left, V right) {
        AddAt(left, top + 2 * x * kBlock);
        AddAt(right, top + (2 * x + 1) * kBlock);
        hn::StoreU(left, f, middle + 2 * x * kBlock);
        hn::StoreU(right, f, middle + (2 * x + 1) * kBlock);
      });
      ForTiles(shape, weights + 6 * kBlock, rows[2], [&](int64_t x, V left, V right) {
        const float* above = top + 2 * x * kBlock;
        const float* own = middle + 2 * x * kBlock;
        const V values[2][2] = {
            {hn::LoadU(f, above), hn::LoadU(f, above + kBlock)},
            {hn::Sub(hn::LoadU(f, own), left), hn::Sub(hn::LoadU(f, own + kBlock), right)}};
        FinishPool(shape, b, values, y, x, block * kBlock);
      });
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace anneal::training::fused
HWY_AFTER_NAMESPACE();

#endif
