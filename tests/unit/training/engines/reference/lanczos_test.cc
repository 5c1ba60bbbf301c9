#include "server/training/engines/reference/lanczos.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "server/training/engines/reference/reference_engine.h"
#include "tests/unit/training/torch_test_util.h"
#include "tests/unit/training/training_test_util.h"

namespace anneal::training::engines::reference {
namespace {

// Returns the matrix-vector product with `matrix`.
std::function<torch::Tensor(const torch::Tensor&)> ProductsWith(const torch::Tensor& matrix) {
  return [matrix](const torch::Tensor& vector) { return torch::mv(matrix, vector); };
}

// Expects the extreme eigenvalues to within `tolerance` of the larger in magnitude.
void ExpectExtremes(const Curvature& curvature, const torch::Tensor& matrix, double tolerance) {
  const torch::Tensor values = torch::linalg_eigvalsh(matrix);
  const double low = values[0].item<double>();
  const double high = values[-1].item<double>();
  const double scale = std::max(std::abs(low), std::abs(high));
  EXPECT_NEAR(curvature.max_eigenvalue, high, tolerance * scale);
  EXPECT_NEAR(curvature.min_eigenvalue, low, tolerance * scale);
}

torch::Tensor Symmetric(int64_t size, uint64_t seed) {
  const torch::Tensor draws = Normal({size, size}, seed);
  return draws + draws.t();
}

TEST(LanczosTest, FindsTheExtremesOfRandomSymmetricMatrices) {
  for (const int64_t size : {2, 5, 20, 50, 120}) {
    for (uint64_t seed = 1; seed <= 5; ++seed) {
      SCOPED_TRACE(testing::Message() << size << " rows, seed " << seed);
      const torch::Tensor matrix = Symmetric(size, seed);
      ExpectExtremes(ExtremeEigenvalues(ProductsWith(matrix), Normal({size}, 100 + seed), 200),
                     matrix, 1e-3);
    }
  }
}

TEST(LanczosTest, FindsTheExtremesOfAHessianLikeSpectrum) {
  // A bulk near 0 with a few outliers above and below.
  const torch::Tensor basis = std::get<0>(torch::linalg_qr(Normal({300, 300}, 1)));
  torch::Tensor values = 0.1 * Uniform({300}, -1, 1, 2);
  values[0] = 40;
  values[1] = 11;
  values[2] = -3;
  const torch::Tensor matrix = torch::mm(basis * values, basis.t());
  const Curvature curvature = ExtremeEigenvalues(ProductsWith(matrix), Normal({300}, 3), 100);
  EXPECT_NEAR(curvature.max_eigenvalue, 40, 40e-3);
  EXPECT_NEAR(curvature.min_eigenvalue, -3, 3e-3);
}

TEST(LanczosTest, IsExactAfterAsManyStepsAsDimensions) {
  const torch::Tensor matrix = Symmetric(8, 4);
  ExpectExtremes(ExtremeEigenvalues(ProductsWith(matrix), Normal({8}, 5), 100), matrix, 1e-12);
}

TEST(LanczosTest, StopsAtAnInvariantSubspace) {
  const torch::Tensor one = torch::eye(50, torch::kDouble) * -2.5;
  Curvature curvature = ExtremeEigenvalues(ProductsWith(one), Normal({50}, 1), 100);
  EXPECT_NEAR(curvature.max_eigenvalue, -2.5, 1e-12);
  EXPECT_NEAR(curvature.min_eigenvalue, -2.5, 1e-12);

  const torch::Tensor direction = Normal({50}, 2);
  const torch::Tensor rank_one = torch::outer(direction, direction);
  curvature = ExtremeEigenvalues(ProductsWith(rank_one), Normal({50}, 3), 100);
  EXPECT_NEAR(curvature.max_eigenvalue, torch::dot(direction, direction).item<double>(), 1e-9);
  EXPECT_NEAR(curvature.min_eigenvalue, 0, 1e-9);
}

TEST(LanczosTest, HandlesTheZeroMatrixAndOneDimension) {
  Curvature curvature =
      ExtremeEigenvalues(ProductsWith(torch::zeros({9, 9}, torch::kDouble)), Normal({9}, 1), 100);
  EXPECT_EQ(curvature.max_eigenvalue, 0);
  EXPECT_EQ(curvature.min_eigenvalue, 0);
  curvature = ExtremeEigenvalues(ProductsWith(torch::full({1, 1}, 3.5, torch::kDouble)),
                                 torch::full({1}, -7.0, torch::kDouble), 100);
  EXPECT_NEAR(curvature.max_eigenvalue, 3.5, 1e-14);
  EXPECT_NEAR(curvature.min_eigenvalue, 3.5, 1e-14);
}

TEST(LanczosTest, LimitsTheNumberOfProducts) {
  const torch::Tensor matrix = Symmetric(200, 1);
  int products = 0;
  const auto counted = [&](const torch::Tensor& vector) {
    ++products;
    return torch::mv(matrix, vector);
  };
  ExtremeEigenvalues(counted, Normal({200}, 2), 6);
  EXPECT_EQ(products, 6);
  products = 0;
  ExtremeEigenvalues(counted, Normal({200}, 2), 1000);
  EXPECT_LT(products, 200);
}

TEST(LanczosTest, RitzValuesStayInsideTheSpectrum) {
  const torch::Tensor matrix = Symmetric(60, 7);
  const torch::Tensor values = torch::linalg_eigvalsh(matrix);
  for (int steps = 1; steps <= 60; ++steps) {
    const Curvature curvature = ExtremeEigenvalues(ProductsWith(matrix), Normal({60}, 8), steps);
    EXPECT_LE(curvature.max_eigenvalue, values[-1].item<double>() + 1e-9) << steps;
    EXPECT_GE(curvature.min_eigenvalue, values[0].item<double>() - 1e-9) << steps;
    EXPECT_LE(curvature.min_eigenvalue, curvature.max_eigenvalue) << steps;
  }
}

// The reference is the full Hessian of a small network, computed column by column.
TEST(LanczosTest, FindsTheExtremesOfANetworksHessian) {
  for (const char* theta : {"theta { start: 0.3 }", "theta { start: 0.78539816339744830962 }",
                            "theta { policy: THETA_POLICY_TRAINABLE start: 0.4 }"}) {
    SCOPED_TRACE(theta);
    const v1::TrainingConfig config =
        Complete(std::string(theta) +
                 " network { layers { conv { filters: 2 kernel: 3 pool: POOL_MAX } } "
                 "layers { dense { units: 4 } } }");
    const config::RunPlan plan =
        PlanOf(config, {.height = 8, .width = 8, .classes = 3, .train_images = 100});
    ReferenceEngine engine(config, plan, 1, torch::kDouble);
    const torch::Tensor images = Normal({20, 64}, 2).to(torch::kFloat);
    const torch::Tensor labels = torch::arange(20, torch::kLong).remainder(3);
    const data::Batch probe = {
        .images = images.data_ptr<float>(), .labels = labels.data_ptr<int64_t>(), .count = 20};

    const std::vector<torch::Tensor>& leaves = engine.network().weight_leaves();
    const auto flat = [](const std::vector<torch::Tensor>& tensors) {
      std::vector<torch::Tensor> parts;
      for (const torch::Tensor& tensor : tensors) parts.push_back(tensor.reshape({-1}));
      return torch::cat(parts);
    };
    const torch::Tensor logits =
        engine.network().Logits(images.to(torch::kDouble).view({20, 1, 8, 8}), {});
    const torch::Tensor loss =
        -torch::log_softmax(logits, 1).gather(1, labels.view({20, 1})).mean();
    const torch::Tensor gradient = flat(torch::autograd::grad({loss}, leaves, {}, true, true));
    std::vector<torch::Tensor> rows;
    for (int64_t i = 0; i < gradient.numel(); ++i) {
      auto row = torch::autograd::grad({gradient[i]}, leaves, {}, true, false, true);
      for (size_t k = 0; k < row.size(); ++k) {
        if (!row[k].defined()) row[k] = torch::zeros_like(leaves[k]);
      }
      rows.push_back(flat(row));
    }
    const torch::Tensor hessian = torch::stack(rows).detach();
    ASSERT_EQ(hessian.size(0), engine.network().ranges().thetas_begin);
    ASSERT_TRUE(torch::allclose(hessian, hessian.t(), 1e-9, 1e-12));
    const torch::Tensor before = engine.network().values().clone();
    ExpectExtremes(engine.MeasureCurvature(probe, 7), hessian, 1e-3);
    EXPECT_TRUE(torch::equal(engine.network().values(), before));
  }
}

}  // namespace
}  // namespace anneal::training::engines::reference
