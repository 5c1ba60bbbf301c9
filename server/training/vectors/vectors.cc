#include "server/training/vectors/vectors.h"

#include <algorithm>
#include <numbers>

#include "hwy/cache_control.h"

// Scalable-vector targets are disabled: accumulators are kept in arrays of vectors. So is SSSE3;
// processors without SSE4 use the scalar target.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "server/training/vectors/vectors.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
#include "hwy/highway.h"
//
#include "hwy/contrib/math/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anneal::training::vectors {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using F = hn::ScalableTag<float>;
using V = hn::Vec<F>;

constexpr F f;
constexpr int64_t kLanes = HWY_LANES(float);

// Calls `body(i, d)` for whole vectors, then with a one-lane tag `d` for each remaining element.
template <typename Body>
HWY_INLINE void ForAll(int64_t count, const Body& body) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) body(i, f);
  for (; i < count; ++i) body(i, hn::CappedTag<float, 1>());
}

void StandardizeAll(const uint8_t* pixels, int64_t count, float scale, float shift, float* values) {
  ForAll(count, [=](int64_t i, auto d) {
    const hn::Rebind<uint8_t, decltype(d)> bytes;
    const hn::RebindToSigned<decltype(d)> integers;
    const auto value = hn::ConvertTo(d, hn::PromoteTo(integers, hn::LoadU(bytes, pixels + i)));
    hn::StoreU(hn::MulAdd(value, hn::Set(d, scale), hn::Set(d, shift)), d, values + i);
  });
}

void SlopesOf(const float* thetas, int64_t count, float* slopes) {
  ForAll(count, [=](int64_t i, auto d) {
    const auto theta = hn::LoadU(d, thetas + i);
    const auto tangent = hn::Div(hn::Sin(d, theta), hn::Cos(d, theta));
    const auto linear = hn::Ge(theta, hn::Set(d, static_cast<float>(std::numbers::pi / 4)));
    hn::StoreU(hn::IfThenElse(linear, hn::Set(d, 1.0F), tangent), d, slopes + i);
  });
}

double SquaredNormOf(const float* values, int64_t count) {
  constexpr int kSums = 4;
  V sums[kSums];
  for (V& sum : sums) sum = hn::Zero(f);
  int64_t i = 0;
  for (; i + kSums * kLanes <= count; i += kSums * kLanes) {
    for (int k = 0; k < kSums; ++k) {
      const V value = hn::LoadU(f, values + i + k * kLanes);
      sums[k] = hn::MulAdd(value, value, sums[k]);
    }
  }
  float lanes[kLanes];
  double total = 0;
  for (const V& sum : sums) {
    hn::StoreU(sum, f, lanes);
    for (int64_t lane = 0; lane < kLanes; ++lane) total += lanes[lane];
  }
  for (; i < count; ++i) total += static_cast<double>(values[i]) * values[i];
  return total;
}

void AddPenaltyTo(const float* values, int64_t count, double l1, double l2, float* gradients) {
  const auto sign_scale = static_cast<float>(l1);
  const auto scale = static_cast<float>(2 * l2);
  ForAll(count, [=](int64_t i, auto d) {
    const auto value = hn::LoadU(d, values + i);
    const auto zero = hn::Zero(d);
    const auto sign = hn::CopySign(hn::Set(d, sign_scale), value);
    const auto l1_part = hn::IfThenElse(hn::Eq(value, zero), zero, sign);
    const auto penalty = hn::MulAdd(hn::Set(d, scale), value, l1_part);
    hn::StoreU(hn::Add(hn::LoadU(d, gradients + i), penalty), d, gradients + i);
  });
}

void SgdOn(const SgdStep& step, const float* gradients, int64_t count, float* velocity,
           float* values) {
  const auto scale = static_cast<float>(step.gradient_scale);
  const auto rate = static_cast<float>(-step.learning_rate);
  const auto momentum = static_cast<float>(step.momentum);
  ForAll(count, [=, nesterov = step.nesterov](int64_t i, auto d) {
    auto update = hn::Mul(hn::Set(d, scale), hn::LoadU(d, gradients + i));
    if (velocity != nullptr) {
      const auto next = hn::MulAdd(hn::Set(d, momentum), hn::LoadU(d, velocity + i), update);
      hn::StoreU(next, d, velocity + i);
      update = nesterov ? hn::MulAdd(hn::Set(d, momentum), next, update) : next;
    }
    hn::StoreU(hn::MulAdd(hn::Set(d, rate), update, hn::LoadU(d, values + i)), d, values + i);
  });
}

void AdamOn(const AdamStep& step, const float* gradients, int64_t count, float* first,
            float* second, float* values) {
  const auto scale = static_cast<float>(step.gradient_scale);
  const auto beta1 = static_cast<float>(step.beta1);
  const auto rest1 = static_cast<float>(1 - step.beta1);
  const auto beta2 = static_cast<float>(step.beta2);
  const auto rest2 = static_cast<float>(1 - step.beta2);
  const auto correction = static_cast<float>(1 / step.square_root_correction);
  const auto epsilon = static_cast<float>(step.epsilon);
  const auto rate = static_cast<float>(-step.learning_rate);
  const auto shrink = static_cast<float>(step.shrink);
  ForAll(count, [=](int64_t i, auto d) {
    const auto g = hn::Mul(hn::Set(d, scale), hn::LoadU(d, gradients + i));
    const auto m =
        hn::MulAdd(hn::Set(d, beta1), hn::LoadU(d, first + i), hn::Mul(hn::Set(d, rest1), g));
    const auto s = hn::MulAdd(hn::Set(d, beta2), hn::LoadU(d, second + i),
                              hn::Mul(hn::Set(d, rest2), hn::Mul(g, g)));
    hn::StoreU(m, d, first + i);
    hn::StoreU(s, d, second + i);
    const auto denominator = hn::MulAdd(hn::Sqrt(s), hn::Set(d, correction), hn::Set(d, epsilon));
    const auto value = hn::Mul(hn::Set(d, shrink), hn::LoadU(d, values + i));
    const auto updated = hn::MulAdd(hn::Set(d, rate), hn::Div(m, denominator), value);
    hn::StoreU(updated, d, values + i);
  });
}

int64_t Target() { return HWY_TARGET; }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace anneal::training::vectors
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anneal::training::vectors {

namespace {
HWY_EXPORT(StandardizeAll);
HWY_EXPORT(SlopesOf);
HWY_EXPORT(SquaredNormOf);
HWY_EXPORT(AddPenaltyTo);
HWY_EXPORT(SgdOn);
HWY_EXPORT(AdamOn);
HWY_EXPORT(Target);
}  // namespace

const char* TargetName() { return hwy::TargetName(HWY_DYNAMIC_DISPATCH(Target)()); }

void Prefetch(const uint8_t* bytes, int64_t count) {
  constexpr int64_t kCacheLine = 64;
  for (int64_t i = 0; i < count; i += kCacheLine) hwy::Prefetch(bytes + i);
}

void Standardize(const uint8_t* pixels, int64_t count, float scale, float shift, float* values) {
  HWY_DYNAMIC_DISPATCH(StandardizeAll)(pixels, count, scale, shift, values);
}

void Slopes(const float* thetas, int64_t count, float* slopes) {
  HWY_DYNAMIC_DISPATCH(SlopesOf)(thetas, count, slopes);
}

double SquaredNorm(const float* values, int64_t count) {
  return HWY_DYNAMIC_DISPATCH(SquaredNormOf)(values, count);
}

void AddPenalty(const float* values, int64_t count, double l1, double l2, float* gradients) {
  HWY_DYNAMIC_DISPATCH(AddPenaltyTo)(values, count, l1, l2, gradients);
}

void Sgd(const SgdStep& step, const float* gradients, int64_t count, float* velocity,
         float* values) {
  HWY_DYNAMIC_DISPATCH(SgdOn)(step, gradients, count, velocity, values);
}

void Adam(const AdamStep& step, const float* gradients, int64_t count, float* first, float* second,
          float* values) {
  HWY_DYNAMIC_DISPATCH(AdamOn)(step, gradients, count, first, second, values);
}

void Clamp(float low, float high, int64_t count, float* values) {
  for (int64_t i = 0; i < count; ++i) values[i] = std::clamp(values[i], low, high);
}

}  // namespace anneal::training::vectors
#endif  // HWY_ONCE
