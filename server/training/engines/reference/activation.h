// The annealed activation on tensors, with its gradient in theta. Thread-safe.

#ifndef ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_ACTIVATION_H_
#define ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_ACTIVATION_H_

#include "server/training/engines/reference/torch.h"

namespace anneal::training::engines::reference {

// a_theta(x) = max(x tan(theta), x) for one theta in [0, pi/4]. Its derivative at x = 0, where it
// has a kink, is tan(theta).
torch::Tensor Activate(const torch::Tensor& x, double theta);

// The same with a tensor of thetas whose shape broadcasts to that of x without the batch: [1],
// [C, 1, 1], [C, H, W] or [U]. Differentiable, twice, in x and in theta:
//   da/dx = x <= 0 ? tan(theta) : 1,   dL/dtheta = sec^2(theta) sum over x < 0 of g x,
// the sum being over the batch and the units that share a theta. At theta = pi/4, where the
// activation has a kink in theta, this is the derivative towards smaller thetas, the only ones that
// projection leaves.
torch::Tensor Activate(const torch::Tensor& x, const torch::Tensor& theta);

}  // namespace anneal::training::engines::reference

#endif  // ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_ACTIVATION_H_
