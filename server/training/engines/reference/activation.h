// `Activate` applies the annealed activation to tensors, differentiably in x and theta.
// Thread-safe.

#ifndef ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_ACTIVATION_H_
#define ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_ACTIVATION_H_

#include "server/training/engines/reference/torch.h"

namespace anneal::training::engines::reference {

// Returns a_theta(x) = max(x tan(theta), x) for one theta in [0, pi/4]: a leaky ReLU of slope
// tan(theta). The subgradient at x = 0 is tan(theta).
torch::Tensor Activate(const torch::Tensor& x, double theta);

// As above for a tensor of thetas that broadcasts to x without its batch dimension: [1], [C, 1, 1],
// [C, H, W] or [U]. Twice differentiable in x and theta:
//   da/dx = x <= 0 ? tan(theta) : 1,   dL/dtheta = sec^2(theta) sum over x < 0 of g x,
// with the sum over the batch and the units that share a theta. At theta = pi/4, where the
// activation has a kink in theta, this is the one-sided derivative from below, the feasible side.
torch::Tensor Activate(const torch::Tensor& x, const torch::Tensor& theta);

}  // namespace anneal::training::engines::reference

#endif  // ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_ACTIVATION_H_
