// What kernels for each kind of processor have in common: vectors of channels, and the end of a
// layer's forward pass. For sources that go through foreach_target.h.

#if defined(ANNEAL_SERVER_TRAINING_FUSED_CHANNELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ANNEAL_SERVER_TRAINING_FUSED_CHANNELS_INL_H_
#undef ANNEAL_SERVER_TRAINING_FUSED_CHANNELS_INL_H_
#else
#define ANNEAL_SERVER_TRAINING_FUSED_CHANNELS_INL_H_
#endif

#include <cstdint>

#include "hwy/highway.h"
#include "server/training/fused/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace anneal::training::fused {
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
#if HWY_ARCH_X86 && (HWY_COMPILER_GCC || HWY_COMPILER_CLANG)
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

// The largest of a 2x2 pool's window, by row and column, activated: some channels of a pixel, from
// `c`. The first of equals has won. Where not `kept`, no backward pass follows.
template <bool kept>
HWY_INLINE void FinishPool(const LayerShape& shape, const ForwardBuffers& b, const V values[2][2],
                           int64_t y, int64_t x, int64_t c) {
  const int64_t pixel = y * shape.out_width + x;
  const int64_t at = pixel * shape.channels() + c;
  V best = values[0][0];
  if constexpr (!kept) {
    for (int i = 1; i < 4; ++i) best = hn::Max(values[i / 2][i % 2], best);
  } else {
    auto winner = hn::Zero(I());
    for (int i = 1; i < 4; ++i) {
      const V value = values[i / 2][i % 2];
      const auto larger = hn::Gt(value, best);
      best = hn::IfThenElse(larger, value, best);
      const int64_t other = i / 2 * shape.y_step + i % 2 * shape.x_step;
      winner = hn::IfThenElse(hn::RebindMask(I(), larger),
                              hn::Set(I(), static_cast<int32_t>(other)), winner);
    }
    const int64_t first = 2 * (y * shape.y_step + x * shape.x_step);
    winner = hn::Add(winner, hn::Set(I(), static_cast<int32_t>(first)));
    hn::StoreU(winner, I(), b.winners + at);
    if (b.z != nullptr) hn::StoreU(best, f, b.z + at);
  }
  Activate(b, best, pixel, c, b.output + y * b.output_row + x * shape.out_channels + c);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace anneal::training::fused
HWY_AFTER_NAMESPACE();

#endif
