#include "common/number_text.h"

#include <charconv>

namespace anneal {
namespace {

template <typename Real>
std::string Shortest(Real value) {
  char buffer[32];  // the longest is -1.7976931348623157e+308
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value);
  return {buffer, end.ptr};
}

}  // namespace

std::string NumberText(double value) { return Shortest(value); }

std::string NumberText(float value) { return Shortest(value); }

}  // namespace anneal
