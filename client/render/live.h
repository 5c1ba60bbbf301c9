// `LiveLines` formats the progress of watched runs for a terminal. Pure.

#ifndef ANNEAL_CLIENT_RENDER_LIVE_H_
#define ANNEAL_CLIENT_RENDER_LIVE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "client/render/run_progress.h"

namespace anneal::client::render {

// Returns one line per running run, as many as fit into `height` (0: unknown), and a summary of all
// runs. No line exceeds `width`, at least 20.
std::vector<std::string> LiveLines(const Progress& progress, absl::Time now, size_t width,
                                   size_t height);

// Returns one of these lines with its bar coloured.
std::string WithColor(const std::string& line);

// Returns values scaled between their minimum and maximum as blocks of eight heights. More than
// `width` values are averaged; non-finite values are blank.
std::string Sparkline(absl::Span<const double> values, size_t width);

// Returns a progress bar of `done` out of `total`.
std::string Bar(int done, int total, size_t width);

// Estimates the seconds until all runs have ended, assuming that the number of running runs and the
// duration of recent epochs stay the same; negative if unknown. Clock skew to the daemon changes it
// by at most one epoch.
double SecondsLeft(const Progress& progress, absl::Time now);

}  // namespace anneal::client::render

#endif  // ANNEAL_CLIENT_RENDER_LIVE_H_
