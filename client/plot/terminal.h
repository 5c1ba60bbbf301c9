// `DrawInTerminal` renders figures as text: gnuplot draws each series as a bitmap, which is printed
// as Braille characters of 2 by 4 dots.

#ifndef ANNEAL_CLIENT_PLOT_TERMINAL_H_
#define ANNEAL_CLIENT_PLOT_TERMINAL_H_

#include <string>

#include "absl/status/statusor.h"
#include "client/plot/figure.h"

namespace anneal::client::plot {

struct TerminalOptions {
  int width = 80;
  int height = 20;  // height of a panel's plot area
  bool color = false;
};

// Returns the panels stacked vertically, with axes and legends. Errors: those of RunGnuplot.
absl::StatusOr<std::string> DrawInTerminal(const Figure& figure, const TerminalOptions& options);

}  // namespace anneal::client::plot

#endif  // ANNEAL_CLIENT_PLOT_TERMINAL_H_
