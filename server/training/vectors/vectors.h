// Arithmetic on vectors of floats, in Highway for whatever the processor has. Nothing is allocated,
// and nothing need be aligned. Pure; thread-safe.

#ifndef ANNEAL_SERVER_TRAINING_VECTORS_VECTORS_H_
#define ANNEAL_SERVER_TRAINING_VECTORS_VECTORS_H_

#include <cstdint>

namespace anneal::training::vectors {

// Has bytes brought to the processor that are wanted soon.
void Prefetch(const uint8_t* bytes, int64_t count);

// values[i] = scale * pixels[i] + shift.
void Standardize(const uint8_t* pixels, int64_t count, float scale, float shift, float* values);

// slopes[i] = tan(thetas[i]), exactly 1 from pi/4 on.
void Slopes(const float* thetas, int64_t count, float* slopes);

double SquaredNorm(const float* values, int64_t count);

// gradients += l1 sign(values) + 2 l2 values.
void AddPenalty(const float* values, int64_t count, double l1, double l2, float* gradients);

// One group of the optimiser; formulas in config.proto. Gradients are scaled first.
struct SgdStep {
  double gradient_scale = 1;
  double learning_rate = 0;
  double momentum = 0;
  bool nesterov = false;
};
void Sgd(const SgdStep& step, const float* gradients, int64_t count, float* velocity,
         float* values);
struct AdamStep {
  double gradient_scale = 1;
  double learning_rate = 0;  // over the first moment's bias correction
  double beta1 = 0;
  double beta2 = 0;
  double square_root_correction = 1;  // of the second moment's bias correction
  double epsilon = 0;
  double shrink = 1;  // what AdamW leaves of each value
};
void Adam(const AdamStep& step, const float* gradients, int64_t count, float* first, float* second,
          float* values);

// values = min(max(values, low), high)
void Clamp(float low, float high, int64_t count, float* values);

}  // namespace anneal::training::vectors

#endif  // ANNEAL_SERVER_TRAINING_VECTORS_VECTORS_H_
