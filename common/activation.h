// `Activate` computes the annealed activation a_theta(x) = max(x tan(theta), x), with theta in [0,
// pi/4] radians.
//
// theta = pi/4 is the identity and theta = 0 is ReLU. Pure functions; thread-safe.

#ifndef ANNEAL_COMMON_ACTIVATION_H_
#define ANNEAL_COMMON_ACTIVATION_H_

namespace anneal {

inline constexpr double kThetaLinear = 0.78539816339744830962;  // pi/4
inline constexpr double kThetaRelu = 0.0;

// Returns the slope alpha = tan(theta) of the negative side; exactly 1 at theta = pi/4.
double Slope(double theta);

// Returns d alpha / d theta = sec^2(theta) = 1 + alpha^2.
double SlopeDerivative(double theta);

double Activate(double x, double theta);

// Returns the gain of an initialisation that preserves the second moment through a_theta:
// sqrt(2 / (1 + alpha^2)), He et al. 2015, arXiv:1502.01852, eq. 15. It is 1 at theta = pi/4 and
// sqrt(2) at theta = 0.
double InitialisationGain(double theta);

}  // namespace anneal

#endif  // ANNEAL_COMMON_ACTIVATION_H_
