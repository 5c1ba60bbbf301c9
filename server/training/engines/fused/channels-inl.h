// What kernels for each kind of processor have in common: vectors of channels, and the end of a
// layer's forward pass. For sources that go through foreach_target.h.

#if defined(ANNEAL_SERVER_TRAINING_ENGINES_FUSED_CHANNELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ANNEAL_SERVER_TRAINING_ENGINES_FUSED_CHANNELS_INL_H_
#undef ANNEAL_SERVER_TRAINING_ENGINES_FUSED_CHANNELS_INL_H_
#else
#define ANNEAL_SERVER_TRAINING_ENGINES_FUSED_CHANNELS_INL_H_
#endif

#include <cstdint>

#include "hwy/highway.h"
#include "server/training/engines/fused/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace anneal::training::engines::fused {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using F = hn::CappedTag<float, kBlock>;
using I = hn::RebindToSigned<F>;
using V = hn::Vec<F>;

constexpr F f;
constexpr int64_t kLanes = HWY_MIN(HWY_LANES(float), kBlock);
constexpr int kVectors = static_cast<int>(kBlock / kLanes);  // of a block

HWY_INLINE void AddAt(V value, float* sum) {
  hn::StoreU(hn::Add(hn::LoadU(f, sum), value), f, sum);
}

// Has a vector that was loaded stay in a register: a compiler that is short of them else reads it
// again for each use, and some processors multiply slower from memory.
HWY_INLINE void KeepInRegister(V& vector) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_EMU128 && (HWY_COMPILER_GCC || HWY_COMPILER_CLANG)
  asm("" : "+v"(vector.raw));
#else
  (void)vector;
#endif
}

// Activates some channels of a pixel, from `c`. `out` is theirs.
HWY_INLINE void Activate(const ForwardBuffers& b, V z, int64_t pixel, int64_t c, float* out) {
  const V bent = hn::Mul(z, hn::LoadU(f, b.slopes + pixel * b.slope_stride + c));
  // Not a maximum: what is not a number must stay so.
  hn::StoreU(hn::IfNegativeThenElse(z, bent, z), f, out);
}

// The largest so far of some channels of a pool's window, and, where `kept`, where in the window it
// is: the first of equals. What is not a number stays where the whole window is not, as bad weights
// make it; beside numbers it may be passed over.
template <bool kept>
struct Largest {
  V value;
  hn::Vec<I> offset;

  HWY_INLINE void Begin(V first) {
    value = first;
    offset = hn::Zero(I());
  }
  HWY_INLINE void Compare(V other, int64_t other_offset) {
    if constexpr (kept) {
      const auto larger = hn::Gt(other, value);
      value = hn::IfThenElse(larger, other, value);
      offset = hn::IfThenElse(hn::RebindMask(I(), larger),
                              hn::Set(I(), static_cast<int32_t>(other_offset)), offset);
    } else {
      value = hn::Max(other, value);
    }
  }
  // Activates what has won: channels from `c` of pixel (y, x). Where not `kept`, no backward pass
  // follows.
  HWY_INLINE void Finish(const LayerShape& shape, const ForwardBuffers& b, int64_t y, int64_t x,
                         int64_t c) const {
    const int64_t pixel = y * shape.out_width + x;
    if constexpr (kept) {
      const int64_t at = pixel * shape.channels() + c;
      const int64_t first = shape.pool_size * (y * shape.y_step + x * shape.x_step);
      hn::StoreU(hn::Add(offset, hn::Set(I(), static_cast<int32_t>(first))), I(), b.winners + at);
      if (b.z != nullptr) hn::StoreU(value, f, b.z + at);
    }
    Activate(b, value, pixel, c, b.output + y * b.output_row + x * shape.out_channels + c);
  }
};

// Pools the window of a 2x2 pool, by row and column, and activates.
template <bool kept>
HWY_INLINE void FinishPool(const LayerShape& shape, const ForwardBuffers& b, const V values[2][2],
                           int64_t y, int64_t x, int64_t c) {
  Largest<kept> largest;
  largest.Begin(values[0][0]);
  largest.Compare(values[0][1], shape.x_step);
  largest.Compare(values[1][0], shape.y_step);
  largest.Compare(values[1][1], shape.y_step + shape.x_step);
  largest.Finish(shape, b, y, x, c);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace anneal::training::engines::fused
HWY_AFTER_NAMESPACE();

#endif
