// These functions do element-wise arithmetic on float vectors, vectorised with Highway and
// dispatched at run time to the best target that the processor supports. All vectors have `count`
// elements, are owned by the caller, need no alignment and must not overlap. Nothing is allocated.
// Thread-safe.

#ifndef ANNEAL_SERVER_TRAINING_VECTORS_VECTORS_H_
#define ANNEAL_SERVER_TRAINING_VECTORS_VECTORS_H_

#include <cstdint>

namespace anneal::training::vectors {

// Returns the name of the target that is dispatched to, such as `AVX2`.
const char* TargetName();

// Prefetches `count` bytes into the cache.
void Prefetch(const uint8_t* bytes, int64_t count);

// values[i] = scale * pixels[i] + shift.
void Standardize(const uint8_t* pixels, int64_t count, float scale, float shift, float* values);

// slopes[i] = tan(thetas[i]), exactly 1 for thetas[i] >= pi/4.
void Slopes(const float* thetas, int64_t count, float* slopes);

// Returns the squared L2 norm of `values`.
double SquaredNorm(const float* values, int64_t count);

// Adds the gradient of the penalty: gradients += l1 sign(values) + 2 l2 values.
void AddPenalty(const float* values, int64_t count, double l1, double l2, float* gradients);

// Update one parameter group by one optimiser step; the formulas are in config.proto. Gradients are
// first multiplied by `gradient_scale`, which applies gradient clipping.

// SGD with momentum. `velocity` is updated; null without momentum.
struct SgdStep {
  double gradient_scale = 1;
  double learning_rate = 0;
  double momentum = 0;
  bool nesterov = false;
};
void Sgd(const SgdStep& step, const float* gradients, int64_t count, float* velocity,
         float* values);

// Adam (Kingma and Ba 2015, arXiv:1412.6980) and AdamW (Loshchilov and Hutter 2019,
// arXiv:1711.05101). `first` and `second` are the moments, which are updated.
struct AdamStep {
  double gradient_scale = 1;
  double learning_rate = 0;  // divided by the bias correction of the first moment
  double beta1 = 0;
  double beta2 = 0;
  double square_root_correction = 1;  // root of the bias correction of the second moment
  double epsilon = 0;
  double shrink = 1;  // factor of AdamW's weight decay, applied to `values` first
};
void Adam(const AdamStep& step, const float* gradients, int64_t count, float* first, float* second,
          float* values);

// values = min(max(values, low), high).
void Clamp(float low, float high, int64_t count, float* values);

}  // namespace anneal::training::vectors

#endif  // ANNEAL_SERVER_TRAINING_VECTORS_VECTORS_H_
