// What a terminal shows while runs are watched, as lines. Pure.

#ifndef ANNEAL_CLIENT_RENDER_LIVE_H_
#define ANNEAL_CLIENT_RENDER_LIVE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "client/render/progress.h"

namespace anneal::client::render {

// A line for each run that is running, as many as fit under `height` (0: not known), and what there
// is to say of all. No line is wider than `width`, at least 20.
std::vector<std::string> LiveLines(const Progress& progress, absl::Time now, size_t width,
                                   size_t height);

// A line of those, with its bar coloured.
std::string WithColor(const std::string& line);

// Values between the lowest and the highest as blocks of eight heights; more than `width` are
// averaged, and what is not finite is left blank.
std::string Sparkline(absl::Span<const double> values, size_t width);

// `done` of `total` as a bar.
std::string Bar(int done, int total, size_t width);

// Seconds until all runs have ended, if as many go on running as do now and each epoch takes as
// long as the last ones did; negative where nothing is known yet. A clock that differs from the
// daemon's moves it by no more than an epoch.
double SecondsLeft(const Progress& progress, absl::Time now);

}  // namespace anneal::client::render

#endif  // ANNEAL_CLIENT_RENDER_LIVE_H_
