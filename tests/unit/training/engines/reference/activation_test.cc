#include "server/training/engines/reference/activation.h"

#include <torch/torch.h>

#include <cmath>
#include <string>
#include <vector>

#include "common/activation.h"
#include "tests/unit/training/torch_test_util.h"
#include "tests/unit/training/training_test_util.h"

namespace anneal::training::engines::reference {
namespace {

using ::testing::TestWithParam;
using Shape = std::vector<int64_t>;

// Returns random values of both signs, bounded away from the kink at 0.
torch::Tensor AwayFromZero(const Shape& shape, uint64_t seed) {
  const torch::Tensor draws = Normal(shape, seed);
  return draws + 0.1 * draws.sign();
}

struct Sharing {
  Shape theta;
  Shape x;
};

// Thetas of one granularity, in the interior of (0, pi/4), and pre-activations of both signs.
class SharedThetaTest : public TestWithParam<Sharing> {
 protected:
  torch::Tensor Activated() const { return Activate(x_, theta_); }
  // A smooth function of all activations.
  torch::Tensor Loss() const { return (weights_ * torch::sin(Activated())).sum(); }
  // A smooth function of the gradients of the loss.
  torch::Tensor OfGradients(bool differentiable) const {
    const auto gradients =
        torch::autograd::grad({Loss()}, {x_, theta_}, {}, /*retain_graph=*/true, differentiable);
    return (gradients[0] * x_direction_).sum() + (gradients[1] * theta_direction_).sum();
  }

  const torch::Tensor x_ = AwayFromZero(GetParam().x, 1).requires_grad_();
  torch::Tensor theta_ = Uniform(GetParam().theta, 0.2, 0.6, 2).requires_grad_();
  const torch::Tensor weights_ = Normal(GetParam().x, 3);
  const torch::Tensor x_direction_ = Normal(GetParam().x, 4);
  const torch::Tensor theta_direction_ = Normal(GetParam().theta, 5);
};

TEST_P(SharedThetaTest, MatchesTheScalarFunction) {
  const torch::Tensor theta = theta_.detach().expand(GetParam().x).reshape({-1});
  const torch::Tensor x = x_.detach().reshape({-1});
  const torch::Tensor activated = Activated().detach().reshape({-1});
  for (int64_t i = 0; i < x.numel(); ++i) {
    EXPECT_NEAR(activated[i].item<double>(),
                anneal::Activate(x[i].item<double>(), theta[i].item<double>()), 1e-15);
  }
}

TEST_P(SharedThetaTest, GradientsMatchCentralDifferences) {
  const auto gradients = torch::autograd::grad({Loss()}, {x_, theta_});
  const auto loss = [this] { return Loss().item<double>(); };
  EXPECT_LT(RelativeError(gradients[0], CentralDifferences(x_, loss)), 1e-6);
  EXPECT_LT(RelativeError(gradients[1], CentralDifferences(theta_, loss)), 1e-6);
}

TEST_P(SharedThetaTest, SumsTheGradientOfASharedTheta) {
  const torch::Tensor gradient =
      torch::autograd::grad({(weights_ * Activated()).sum()}, {theta_})[0];
  const torch::Tensor x = x_.detach();
  const torch::Tensor cosine = theta_.detach().cos();
  const torch::Tensor terms = torch::where(x < 0, weights_ * x, torch::zeros_like(x));
  EXPECT_EQ(gradient.sizes(), theta_.sizes());
  EXPECT_LT(RelativeError(gradient, terms.sum_to_size(theta_.sizes()) / (cosine * cosine)), 1e-12);
}

TEST_P(SharedThetaTest, SecondDerivativesMatchCentralDifferences) {
  const auto second = torch::autograd::grad({OfGradients(true)}, {x_, theta_});
  const auto gradients = [this] { return OfGradients(false).item<double>(); };
  EXPECT_LT(RelativeError(second[0], CentralDifferences(x_, gradients)), 1e-6);
  EXPECT_LT(RelativeError(second[1], CentralDifferences(theta_, gradients)), 1e-6);
}

TEST_P(SharedThetaTest, IsExactlyTheIdentityAtQuarterPi) {
  theta_.data().fill_(kQuarterPi);
  EXPECT_TRUE(torch::equal(Activated(), x_));
  const torch::Tensor gradient = torch::autograd::grad({(weights_ * Activated()).sum()}, {x_})[0];
  EXPECT_TRUE(torch::equal(gradient, weights_));
}

TEST_P(SharedThetaTest, IsReluAtZero) {
  theta_.data().fill_(0);
  EXPECT_TRUE(torch::equal(Activated(), torch::relu(x_)));
}

TEST_P(SharedThetaTest, HasTheDerivativeFromBelowAtQuarterPi) {
  theta_.data().fill_(kQuarterPi);
  const torch::Tensor gradient =
      torch::autograd::grad({(weights_ * Activated()).sum()}, {theta_})[0];
  // sec^2(pi/4) = 2.
  const torch::Tensor x = x_.detach();
  const torch::Tensor terms = torch::where(x < 0, 2 * weights_ * x, torch::zeros_like(x));
  EXPECT_LT(RelativeError(gradient, terms.sum_to_size(theta_.sizes())), 1e-12);
}

// Returns f'(pi/4) by one-sided differences from below, to third order in the step.
torch::Tensor DifferencesFromBelow(torch::Tensor theta, const std::function<double()>& f) {
  constexpr double kStep = 1e-5;
  torch::Tensor gradient = torch::empty_like(theta, torch::TensorOptions().requires_grad(false));
  double* const values = theta.data_ptr<double>();
  for (int64_t i = 0; i < theta.numel(); ++i) {
    std::vector<double> at;
    for (int k = 0; k < 3; ++k) {
      values[i] = kQuarterPi - k * kStep;
      at.push_back(f());
    }
    values[i] = kQuarterPi;
    gradient.data_ptr<double>()[i] = (3 * at[0] - 4 * at[1] + at[2]) / (2 * kStep);
  }
  return gradient;
}

TEST_P(SharedThetaTest, MatchesOneSidedDifferencesAtQuarterPi) {
  theta_.data().fill_(kQuarterPi);
  const torch::Tensor gradient = torch::autograd::grad({Loss()}, {theta_})[0];
  const auto loss = [this] { return Loss().item<double>(); };
  EXPECT_LT(RelativeError(gradient, DifferencesFromBelow(theta_, loss)), 1e-6);
}

TEST_P(SharedThetaTest, HasOneSidedSecondDerivativesAtQuarterPi) {
  theta_.data().fill_(kQuarterPi);
  const torch::Tensor second = torch::autograd::grad({OfGradients(true)}, {theta_})[0];
  const auto gradients = [this] { return OfGradients(false).item<double>(); };
  EXPECT_LT(RelativeError(second, DifferencesFromBelow(theta_, gradients)), 1e-6);
}

INSTANTIATE_TEST_SUITE_P(Granularities, SharedThetaTest,
                         ::testing::Values(Sharing{{1}, {4, 3, 2, 2}}, Sharing{{1}, {4, 5}},
                                           Sharing{{3, 1, 1}, {4, 3, 2, 2}},
                                           Sharing{{3, 2, 2}, {4, 3, 2, 2}}, Sharing{{5}, {4, 5}}),
                         [](const auto& param_info) {
                           std::string name = "Theta";
                           for (const int64_t side : param_info.param.theta) {
                             name += "_" + std::to_string(side);
                           }
                           return name + "_of_rank_" + std::to_string(param_info.param.x.size());
                         });

TEST(ActivationTest, ScalarThetaMatchesTheScalarFunction) {
  const torch::Tensor x = Normal({50}, 1);
  for (const double theta : {0.0, 0.01, 0.3, 0.7, kQuarterPi}) {
    const torch::Tensor activated = Activate(x, theta);
    for (int64_t i = 0; i < x.numel(); ++i) {
      EXPECT_NEAR(activated[i].item<double>(), anneal::Activate(x[i].item<double>(), theta), 1e-15);
    }
  }
}

TEST(ActivationTest, ScalarThetaGradientsMatchCentralDifferences) {
  const torch::Tensor x = AwayFromZero({4, 5}, 1).requires_grad_();
  const torch::Tensor weights = Normal({4, 5}, 2);
  for (const double theta : {0.0, 0.3, kQuarterPi}) {
    const auto loss = [&] { return (weights * torch::sin(Activate(x, theta))).sum(); };
    const torch::Tensor gradient = torch::autograd::grad({loss()}, {x})[0];
    const auto value = [&] { return loss().item<double>(); };
    EXPECT_LT(RelativeError(gradient, CentralDifferences(x, value)), 1e-6) << theta;
  }
}

TEST(ActivationTest, WorksInFloat32) {
  const torch::Tensor x = AwayFromZero({4, 5}, 1).to(torch::kFloat);
  const torch::Tensor theta = torch::full({5}, kQuarterPi, torch::kFloat);
  EXPECT_TRUE(torch::equal(Activate(x, theta), x));
  EXPECT_TRUE(torch::equal(Activate(x, kQuarterPi), x));
  EXPECT_TRUE(torch::allclose(Activate(x, torch::full({5}, 0.3, torch::kFloat)), Activate(x, 0.3),
                              1e-6, 1e-7));
}

TEST(ActivationTest, HasTheLeftDerivativeAtZero) {
  const torch::Tensor x = torch::zeros({1}, torch::kDouble).requires_grad_();
  const torch::Tensor theta = torch::full({1}, 0.3, torch::kDouble).requires_grad_();
  const auto gradients = torch::autograd::grad({Activate(x, theta).sum()}, {x, theta});
  EXPECT_DOUBLE_EQ(gradients[0].item<double>(), std::tan(0.3));
  EXPECT_EQ(gradients[1].item<double>(), 0);
}

// Arms with a trained and with a fixed theta must take the same step at the same theta.
TEST(ActivationTest, ScalarAndTensorThetaHaveTheSameGradient) {
  const torch::Tensor x =
      torch::tensor({-1.5, -0.25, 0.0, 0.25, 1.5}, torch::kDouble).requires_grad_();
  const torch::Tensor one = torch::autograd::grad({Activate(x, 0.3).sum()}, {x})[0];
  const torch::Tensor theta = torch::full({1}, 0.3, torch::kDouble);
  const torch::Tensor other = torch::autograd::grad({Activate(x, theta).sum()}, {x})[0];
  EXPECT_TRUE(torch::allclose(one, other, 1e-14, 0)) << one << other;
}

}  // namespace
}  // namespace anneal::training::engines::reference
