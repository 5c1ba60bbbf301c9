#include "server/training/engines/reference/activation.h"

#include "common/activation.h"

namespace anneal::training::engines::reference {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Returns tan(theta), exactly 1 at theta = pi/4, where the activation must be the identity and tan
// rounds to just below or above 1. The correction is detached, so autograd differentiates
// tan(theta).
torch::Tensor SlopeOf(const torch::Tensor& theta) {
  const torch::Tensor slope = theta.tan();
  const torch::Tensor exact =
      torch::where(theta >= kThetaLinear, torch::ones_like(slope), slope).detach();
  return slope + (exact - slope.detach());
}

struct AnnealedActivation : torch::autograd::Function<AnnealedActivation> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& theta) {
    context->save_for_backward({x, theta});
    return torch::where(x < 0, x * SlopeOf(theta), x);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const torch::Tensor& x = saved[0];
    const torch::Tensor& theta = saved[1];
    const torch::Tensor& g = gradients[0];
    const torch::Tensor alpha = SlopeOf(theta);
    const torch::Tensor negative = x <= 0;
    const torch::Tensor x_gradient = torch::where(negative, g * alpha, g);
    const torch::Tensor terms = torch::where(negative, g * x, torch::zeros_like(x));
    return {x_gradient, (1 + alpha * alpha) * terms.sum_to_size(theta.sizes())};
  }
};

}  // namespace

torch::Tensor Activate(const torch::Tensor& x, double theta) {
  return torch::leaky_relu(x, Slope(theta));
}

torch::Tensor Activate(const torch::Tensor& x, const torch::Tensor& theta) {
  return AnnealedActivation::apply(x, theta);
}

}  // namespace anneal::training::engines::reference
