// `Tensors` are named tensors in host memory, in which engines export and import weights and
// optimiser state.

#ifndef ANNEAL_SERVER_TRAINING_MODEL_TENSORS_H_
#define ANNEAL_SERVER_TRAINING_MODEL_TENSORS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace anneal::training::model {

enum class ElementType { kFloat32, kFloat64 };

constexpr int64_t ElementSize(ElementType type) { return type == ElementType::kFloat32 ? 4 : 8; }

struct Tensor {
  std::string name;
  ElementType type = ElementType::kFloat32;
  std::vector<int64_t> shape;
  // Elements in row-major order, little-endian.
  std::string bytes;

  friend bool operator==(const Tensor&, const Tensor&) = default;
};

using Tensors = std::vector<Tensor>;

}  // namespace anneal::training::model

#endif  // ANNEAL_SERVER_TRAINING_MODEL_TENSORS_H_
