// The kernels of every target share this file: vectors of channels, and the epilogue of a layer's
// forward pass (pooling and activation). Included through foreach_target.h.

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
constexpr int kVectors = static_cast<int>(kBlock / kLanes);  // in a block

// Adds `value` to the vector at `sum`.
HWY_INLINE void AddAt(V value, float* sum) {
  hn::StoreU(hn::Add(hn::LoadU(f, sum), value), f, sum);
}

// Forces a loaded vector into a register. Under register pressure compilers otherwise fold the load
// into each use, and some processors execute multiply-adds with memory operands more slowly.
HWY_INLINE void KeepInRegister(V& vector) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_EMU128 && (HWY_COMPILER_GCC || HWY_COMPILER_CLANG)
  asm("" : "+v"(vector.raw));
#else
  (void)vector;
#endif
}

// Activates the vector `z` of channels from `c` of a pixel; `out` points to their activations.
HWY_INLINE void Activate(const ForwardBuffers& b, V z, int64_t pixel, int64_t c, float* out) {
  const V scaled = hn::Mul(z, hn::LoadU(f, b.slopes + pixel * b.slope_stride + c));
  // Not a maximum, which would not propagate NaN.
  hn::StoreU(hn::IfNegativeThenElse(z, scaled, z), f, out);
}

// Running maximum of a pooling window for a vector of channels and, if `with_argmax`, its argmax
// index, the first of equals. An all-NaN window, as bad weights make it, yields NaN; otherwise NaNs
// may be dropped.
template <bool with_argmax>
struct RunningMax {
  V value;
  hn::Vec<I> offset;

  HWY_INLINE void Begin(V first) {
    value = first;
    offset = hn::Zero(I());
  }
  HWY_INLINE void Compare(V other, int64_t other_offset) {
    if constexpr (with_argmax) {
      const auto larger = hn::Gt(other, value);
      value = hn::IfThenElse(larger, other, value);
      offset = hn::IfThenElse(hn::RebindMask(I(), larger),
                              hn::Set(I(), static_cast<int32_t>(other_offset)), offset);
    } else {
      value = hn::Max(other, value);
    }
  }
  // Activates the maximum and stores it, and for a backward pass (`with_argmax`) the argmax index
  // and z: channels from `c` of pixel (y, x).
  HWY_INLINE void Finish(const LayerShape& shape, const ForwardBuffers& b, int64_t y, int64_t x,
                         int64_t c) const {
    const int64_t pixel = y * shape.out_width + x;
    if constexpr (with_argmax) {
      const int64_t at = pixel * shape.channels() + c;
      const int64_t first = shape.pool_size * (y * shape.y_stride + x * shape.x_stride);
      hn::StoreU(hn::Add(offset, hn::Set(I(), static_cast<int32_t>(first))), I(), b.argmax + at);
      if (b.z != nullptr) hn::StoreU(value, f, b.z + at);
    }
    Activate(b, value, pixel, c, b.output + y * b.output_row_stride + x * shape.out_channels + c);
  }
};

// Max-pools the window `values` (2x2, [row][column]) and activates: channels from `c` of pixel
// (y, x).
template <bool with_argmax>
HWY_INLINE void FinishPool(const LayerShape& shape, const ForwardBuffers& b, const V values[2][2],
                           int64_t y, int64_t x, int64_t c) {
  RunningMax<with_argmax> largest;
  largest.Begin(values[0][0]);
  largest.Compare(values[0][1], shape.x_stride);
  largest.Compare(values[1][0], shape.y_stride);
  largest.Compare(values[1][1], shape.y_stride + shape.x_stride);
  largest.Finish(shape, b, y, x, c);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace anneal::training::engines::fused
HWY_AFTER_NAMESPACE();

#endif
