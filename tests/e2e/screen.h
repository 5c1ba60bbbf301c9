// What a terminal shows of a program's output.

#ifndef ANNEAL_TESTS_E2E_SCREEN_H_
#define ANNEAL_TESTS_E2E_SCREEN_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace anneal {

struct Screen {
  // At the end, from the first line written on.
  std::vector<std::string> lines;
  // That were erased before.
  std::vector<std::string> erased;
};

// Understands line ends, colours, and erasing the line above; a test failure for anything else, and
// for erasing what was not drawn.
Screen ShowOnScreen(absl::string_view output);

// Columns of text without combining characters.
int Columns(absl::string_view text);

}  // namespace anneal

#endif  // ANNEAL_TESTS_E2E_SCREEN_H_
