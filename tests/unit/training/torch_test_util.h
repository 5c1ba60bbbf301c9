// These helpers create random tensors and compute numerical gradients.

#ifndef ANNEAL_TESTS_UNIT_TRAINING_TORCH_TEST_UTIL_H_
#define ANNEAL_TESTS_UNIT_TRAINING_TORCH_TEST_UTIL_H_

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <random>
#include <vector>

namespace anneal::training {

// Returns a float64 tensor of standard normal draws.
inline torch::Tensor Normal(const std::vector<int64_t>& shape, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal;
  torch::Tensor tensor = torch::empty(shape, torch::kDouble);
  double* const data = tensor.data_ptr<double>();
  for (int64_t i = 0; i < tensor.numel(); ++i) data[i] = normal(generator);
  return tensor;
}

// Returns a float64 tensor of draws from the uniform distribution on [low, high).
inline torch::Tensor Uniform(const std::vector<int64_t>& shape, double low, double high,
                             uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<double> uniform(low, high);
  torch::Tensor tensor = torch::empty(shape, torch::kDouble);
  double* const data = tensor.data_ptr<double>();
  for (int64_t i = 0; i < tensor.numel(); ++i) data[i] = uniform(generator);
  return tensor;
}

// Returns the gradient of `f`, a function of the contiguous float64 tensor `x`, by central
// differences. `x` is modified during the call and restored.
inline torch::Tensor CentralDifferences(torch::Tensor x, const std::function<double()>& f,
                                        double step = 1e-6) {
  torch::Tensor gradient = torch::empty_like(x, torch::TensorOptions().requires_grad(false));
  double* const values = x.data_ptr<double>();
  double* const out = gradient.data_ptr<double>();
  for (int64_t i = 0; i < x.numel(); ++i) {
    const double before = values[i];
    values[i] = before + step;
    const double above = f();
    values[i] = before - step;
    const double below = f();
    values[i] = before;
    out[i] = (above - below) / (2 * step);
  }
  return gradient;
}

// Returns the maximum norm of the difference, relative to that of `expected`.
inline double RelativeError(const torch::Tensor& actual, const torch::Tensor& expected) {
  const double largest = expected.abs().max().item<double>();
  return (actual - expected).abs().max().item<double>() / largest;
}

}  // namespace anneal::training

#endif  // ANNEAL_TESTS_UNIT_TRAINING_TORCH_TEST_UTIL_H_
