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
// Keeps what a backward pass needs, and activates: some channels of a pixel, from `c`. `out` is
// theirs.
HWY_INLINE void Finish(const LayerShape& shape, const ForwardBuffers& b, V z, hn::Vec<I> winner,
                       int64_t pixel, int64_t c, float* out) {
  if (b.z != nullptr) {
    hn::StoreU(z, f, b.z + pixel * shape.channels() + c);
    hn::StoreU(winner, I(), b.winners + pixel * shape.channels() + c);
  }
  const V bent = hn::Mul(z, hn::LoadU(f, b.slopes + pixel * b.slope_stride + c));
  // Not a maximum: what is not a number must stay so.
  hn::StoreU(hn::IfThenElse(hn::Lt(z, hn::Zero(f)), bent, z), f, out);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace anneal::training::fused
HWY_AFTER_NAMESPACE();

#endif
