// `Draw` renders figures with gnuplot, which runs as a subprocess.

#ifndef ANNEAL_CLIENT_PLOT_GNUPLOT_H_
#define ANNEAL_CLIENT_PLOT_GNUPLOT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/plot/figure.h"

namespace anneal::client::plot {

enum class Format { kSvg, kPng };

// Size in pixels; 0: what panels and legends need. A height that is too small for the legends
// grows. PNG files have twice the resolution, for print and high-density displays.
struct Size {
  int width = 0;
  int height = 0;
};

// Returns the gnuplot script that writes the figure to stdout. Pure.
std::string Script(const Figure& figure, Format format, Size size);

// Returns true if the series has at least one finite point to draw. Pure.
bool HasPoints(const Panel& panel, const Series& series);

// Returns the panel's data as the gnuplot datablocks $data0, $data1, ... Pure.
std::string DataBlocks(const Panel& panel);

// Returns `text` in gnuplot's single quotes, where no character is special; in double quotes
// gnuplot executes text between backticks. Pure.
std::string Quoted(absl::string_view text);

// Runs the script with gnuplot and returns its stdout. FAILED_PRECONDITION: gnuplot is not
// installed. INTERNAL: gnuplot failed; the message has its stderr.
absl::StatusOr<std::string> RunGnuplot(absl::string_view script);

// Returns the bytes of the image. Errors: those of RunGnuplot.
absl::StatusOr<std::string> Draw(const Figure& figure, Format format, Size size);

}  // namespace anneal::client::plot

#endif  // ANNEAL_CLIENT_PLOT_GNUPLOT_H_
