// Figures in a terminal: gnuplot draws each series as a bitmap, which is shown in Braille
// characters of 2 by 4 dots.

#ifndef ANNEAL_CLIENT_PLOT_TERMINAL_H_
#define ANNEAL_CLIENT_PLOT_TERMINAL_H_

#include <string>

#include "absl/status/statusor.h"
#include "client/plot/figure.h"

namespace anneal::client::plot {

struct TerminalOptions {
  int width = 80;
  int height = 20;  // of a panel's frame
  bool color = false;
};

// The panels below each other, with axes and legends. Errors: those of RunGnuplot.
absl::StatusOr<std::string> DrawInTerminal(const Figure& figure, const TerminalOptions& options);

}  // namespace anneal::client::plot

#endif  // ANNEAL_CLIENT_PLOT_TERMINAL_H_
