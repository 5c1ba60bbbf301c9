#include "common/activation.h"

#include <algorithm>
#include <cmath>

namespace anneal {

double Slope(double theta) {
  // tan(pi/4) rounds to 1 - 2^-53; the linear end must be the identity exactly.
  return theta >= kThetaLinear ? 1.0 : std::tan(theta);
}

double SlopeDerivative(double theta) {
  const double alpha = Slope(theta);
  return 1.0 + alpha * alpha;
}

double Activate(double x, double theta) { return std::max(x * Slope(theta), x); }

double InitialisationGain(double theta) {
  const double alpha = Slope(theta);
  return std::sqrt(2.0 / (1.0 + alpha * alpha));
}

}  // namespace anneal
