// `ShowOnScreen` emulates a terminal that displays a program's output.

#ifndef ANNEAL_TESTS_E2E_SCREEN_H_
#define ANNEAL_TESTS_E2E_SCREEN_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace anneal {

struct Screen {
  // The lines at the end, from the first one written.
  std::vector<std::string> lines;
  // Lines that were erased.
  std::vector<std::string> erased;
};

// Interprets line ends, colours and erasing the line above; fails the test on other control
// sequences and on erasing a line that was not written.
Screen ShowOnScreen(absl::string_view output);

// Returns the columns of text without combining characters.
int Columns(absl::string_view text);

}  // namespace anneal

#endif  // ANNEAL_TESTS_E2E_SCREEN_H_
