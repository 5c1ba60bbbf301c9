// Extreme eigenvalues of a symmetric matrix that is only known by its products with vectors.

#ifndef ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_LANCZOS_H_
#define ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_LANCZOS_H_

#include <functional>

#include "server/training/engines/engine.h"
#include "server/training/engines/reference/torch.h"

namespace anneal::training::engines::reference {

// Lanczos with full reorthogonalisation (Golub and Van Loan, Matrix Computations, 10.3), from
// `start` (one-dimensional, double, not zero), until both extreme Ritz values move by less than
// 1e-4 of the larger in a step, or `max_steps` products. Blocks for as many calls of `multiply`.
Curvature ExtremeEigenvalues(const std::function<torch::Tensor(const torch::Tensor&)>& multiply,
                             const torch::Tensor& start, int max_steps);

}  // namespace anneal::training::engines::reference

#endif  // ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_LANCZOS_H_
