// `ExtremeEigenvalues` computes the extreme eigenvalues of a symmetric operator that is given by
// matrix-vector products. Thread-safe.

#ifndef ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_LANCZOS_H_
#define ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_LANCZOS_H_

#include <functional>

#include "server/training/engines/engine.h"
#include "server/training/engines/reference/torch.h"

namespace anneal::training::engines::reference {

// Runs Lanczos iteration with full reorthogonalisation (Golub and Van Loan, Matrix Computations,
// 10.3) from `start` ([n], float64, not zero) and returns the extreme Ritz values. Stops when both
// change by less than 1e-4 of the larger in magnitude between steps, or after `max_steps` steps.
// `multiply` maps [n] to [n], float64; it is called once a step, which takes most of the time.
Curvature ExtremeEigenvalues(const std::function<torch::Tensor(const torch::Tensor&)>& multiply,
                             const torch::Tensor& start, int max_steps);

}  // namespace anneal::training::engines::reference

#endif  // ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_LANCZOS_H_
