// Figures drawn by gnuplot, which runs as a process of its own.

#ifndef ANNEAL_CLIENT_PLOT_GNUPLOT_H_
#define ANNEAL_CLIENT_PLOT_GNUPLOT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/plot/figure.h"

namespace anneal::client::plot {

enum class Format { kSvg, kPng };

// Pixels; 0: chosen by the number of panels. PNG has twice as many, for paper and sharp screens.
struct Size {
  int width = 0;
  int height = 0;
};

// The program that draws the figure and writes it to gnuplot's stdout. Pure.
std::string Script(const Figure& figure, Format format, Size size);

// Whether there is anything to be drawn of it. Pure.
bool HasPoints(const Panel& panel, const Series& series);

// The data of a panel as gnuplot's datablocks $data0, $data1, ... Pure.
std::string DataBlocks(const Panel& panel);

// Text in gnuplot's single quotes, in which nothing is special: inside double quotes it would run
// what is between backticks. Pure.
std::string Quoted(absl::string_view text);

// Hands the script to gnuplot; returns what it writes to stdout. FAILED_PRECONDITION where there is
// no gnuplot; INTERNAL with what it complained about.
absl::StatusOr<std::string> RunGnuplot(absl::string_view script);

// The bytes of an image.
absl::StatusOr<std::string> Draw(const Figure& figure, Format format, Size size);

}  // namespace anneal::client::plot

#endif  // ANNEAL_CLIENT_PLOT_GNUPLOT_H_
