// `NumberText` prints floating-point numbers as the shortest decimal text that reads back
// bit-identical: 0.1 and 1e-09, not 0.10000000000000001. Pure; thread-safe.

#ifndef ANNEAL_COMMON_NUMBER_TEXT_H_
#define ANNEAL_COMMON_NUMBER_TEXT_H_

#include <string>

namespace anneal {

// Infinities are `inf` and `-inf`; any NaN is `nan` or `-nan`.
std::string NumberText(double value);
std::string NumberText(float value);

}  // namespace anneal

#endif  // ANNEAL_COMMON_NUMBER_TEXT_H_
