// Tensors by name, on the host: how weights and optimiser state leave an engine and come back.

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
  // Row-major, little-endian: as many elements as the shape's product.
  std::string bytes;

  friend bool operator==(const Tensor&, const Tensor&) = default;
};

using Tensors = std::vector<Tensor>;

}  // namespace anneal::training::model

#endif  // ANNEAL_SERVER_TRAINING_MODEL_TENSORS_H_
