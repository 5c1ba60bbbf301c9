#include "server/training/engines/reference/lanczos.h"

#include <algorithm>
#include <cmath>

namespace anneal::training::engines::reference {
namespace {

constexpr double kTolerance = 1e-4;

// Returns the extreme eigenvalues of the tridiagonal matrix with these diagonals.
Curvature RitzValues(const std::vector<double>& diagonal, const std::vector<double>& off) {
  const auto size = static_cast<int64_t>(diagonal.size());
  torch::Tensor matrix = torch::zeros({size, size}, torch::kDouble);
  auto entries = matrix.accessor<double, 2>();
  for (int64_t i = 0; i < size; ++i) {
    entries[i][i] = diagonal[static_cast<size_t>(i)];
    if (i + 1 < size) {
      entries[i][i + 1] = entries[i + 1][i] = off[static_cast<size_t>(i)];
    }
  }
  const torch::Tensor values = torch::linalg_eigvalsh(matrix);  // ascending
  return {.max_eigenvalue = values[-1].item<double>(), .min_eigenvalue = values[0].item<double>()};
}

bool HasConverged(const Curvature& before, const Curvature& now) {
  const double scale = std::max(std::abs(now.max_eigenvalue), std::abs(now.min_eigenvalue));
  return std::abs(now.max_eigenvalue - before.max_eigenvalue) <= kTolerance * scale &&
         std::abs(now.min_eigenvalue - before.min_eigenvalue) <= kTolerance * scale;
}

}  // namespace

Curvature ExtremeEigenvalues(const std::function<torch::Tensor(const torch::Tensor&)>& multiply,
                             const torch::Tensor& start, int max_steps) {
  constexpr int kMinSteps = 10;
  std::vector<torch::Tensor> basis = {start / start.norm()};
  std::vector<double> diagonal;
  std::vector<double> off;
  Curvature ritz;
  const int64_t steps = std::min<int64_t>(max_steps, start.numel());
  for (int64_t step = 0; step < steps; ++step) {
    torch::Tensor next = multiply(basis.back());
    diagonal.push_back(torch::dot(next, basis.back()).item<double>());
    // Gram-Schmidt twice: after one pass, rounding errors grow into spurious copies of eigenvalues.
    for (int pass = 0; pass < 2; ++pass) {
      for (const torch::Tensor& vector : basis) {
        next = next - torch::dot(next, vector) * vector;
      }
    }
    const Curvature now = RitzValues(diagonal, off);
    const bool converged = step >= kMinSteps && HasConverged(ritz, now);
    ritz = now;
    const double norm = next.norm().item<double>();
    const double scale = std::max(std::abs(now.max_eigenvalue), std::abs(now.min_eigenvalue));
    // A zero residual: the basis spans an invariant subspace.
    if (converged || norm <= 1e-12 * scale) break;
    off.push_back(norm);
    basis.push_back(next / norm);
  }
  return ritz;
}

}  // namespace anneal::training::engines::reference
