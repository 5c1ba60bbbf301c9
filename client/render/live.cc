#include "client/render/live.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/render/format.h"
#include "client/render/table.h"
#include "common/run_state.h"

namespace anneal::client::render {
namespace {

using Align = Table::Align;

constexpr char kFilled[] = "━";
constexpr char kEmpty[] = "╌";
// From this width on, bars and sparklines are long.
constexpr size_t kRoomy = 110;
// Lines that do not show runs: header, two summary lines and the cursor line.
constexpr size_t kOtherLines = 4;

// Returns the duration of an epoch of this run; 0 before the first.
double EpochSeconds(const RunProgress& run) {
  return run.last.epoch() == 0 ? 0 : run.last.elapsed_seconds() / run.last.epoch();
}

// Returns the remaining seconds of a run, from the duration of its own epochs or `typical` before
// the first.
double SecondsLeft(const RunProgress& run, double typical, absl::Time now) {
  const double own = EpochSeconds(run);
  const double each = own > 0 ? own : typical;
  double left = each * (run.epochs_total - run.last.epoch());
  if (run.state == v1::RUN_STATE_RUNNING && own > 0) {
    left -= std::clamp(absl::ToDoubleSeconds(now - run.last_time), 0.0, each);
  }
  return std::max(0.0, left);
}

std::vector<std::string> RunCells(const RunProgress& run, absl::Time now, size_t chart_width) {
  const v1::Epoch& last = run.last;
  const std::string epochs = absl::StrCat(last.epoch(), "/", run.epochs_total);
  const std::string bar = Bar(last.epoch(), run.epochs_total, chart_width);
  if (last.epoch() == 0) return {run.name, bar, epochs, "-", "", "-", "-", "-", "-", "-"};
  return {run.name,
          bar,
          epochs,
          absl::StrFormat("%.4f", last.train_loss()),
          Sparkline(run.validation_losses, chart_width),
          absl::StrFormat("%.4f", last.validation_loss()),
          MetricText("validation_accuracy", last),
          absl::StrFormat("%.4f", last.theta().mean()),
          absl::StrFormat("%.0f", last.samples_per_second()),
          Duration(SecondsLeft(run, 0, now))};
}

std::string SummaryLine(const Progress& progress, size_t hidden, absl::Time now) {
  size_t counts[v1::RunState_ARRAYSIZE] = {};
  double speed = 0;
  for (const RunProgress& run : progress.runs) {
    ++counts[run.state];
    if (run.state == v1::RUN_STATE_RUNNING) speed += run.last.samples_per_second();
  }
  const size_t ended = counts[v1::RUN_STATE_SUCCEEDED] + counts[v1::RUN_STATE_FAILED] +
                       counts[v1::RUN_STATE_CANCELLED];
  std::vector<std::string> parts = {absl::StrCat(ended, "/", progress.runs.size(), " runs ended")};
  if (counts[v1::RUN_STATE_FAILED] > 0) {
    parts[0] += absl::StrCat(" (", counts[v1::RUN_STATE_FAILED], " failed)");
  }
  const double left = SecondsLeft(progress, now);
  if (left >= 0 && ended < progress.runs.size()) {
    parts.push_back(absl::StrCat("all done in about ", Duration(left)));
  }
  parts.push_back(absl::StrCat(counts[v1::RUN_STATE_RUNNING], " running",
                               hidden > 0 ? absl::StrCat(" (", hidden, " not shown)") : ""));
  parts.push_back(absl::StrCat(counts[v1::RUN_STATE_PENDING], " queued"));
  if (counts[v1::RUN_STATE_SUSPENDED] > 0) {
    parts.push_back(absl::StrCat(counts[v1::RUN_STATE_SUSPENDED], " suspended"));
  }
  if (speed > 0) parts.push_back(absl::StrFormat("%.0f img/s", speed));
  return absl::StrJoin(parts, " · ");
}

std::string QueueLine(const QueueProgress& queue, absl::Time now) {
  std::string line = absl::StrCat("queue: the first of these is number ", queue.position);
  if (queue.length > 0) absl::StrAppend(&line, " of ", queue.length);
  if (queue.start.has_value()) {
    const double left = absl::ToDoubleSeconds(*queue.start - now);
    absl::StrAppend(&line, left <= 0 ? ", starts soon" : ", starts in about ",
                    left <= 0 ? "" : Duration(left));
  }
  return line;
}

}  // namespace

std::string Bar(int done, int total, size_t width) {
  const size_t filled =
      total <= 0 ? 0 : static_cast<size_t>(std::clamp(done, 0, total)) * width / total;
  std::string bar;
  for (size_t i = 0; i < width; ++i) bar += i < filled ? kFilled : kEmpty;
  return bar;
}

std::string Sparkline(absl::Span<const double> values, size_t width) {
  std::vector<double> cells;
  const size_t count = std::min(values.size(), width);
  for (size_t i = 0; i < count; ++i) {
    const size_t begin = i * values.size() / count;
    const size_t end = (i + 1) * values.size() / count;
    double sum = 0;
    for (size_t k = begin; k < end; ++k) sum += values[k];
    cells.push_back(sum / static_cast<double>(end - begin));
  }
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const double cell : cells) {
    if (!std::isfinite(cell)) continue;
    low = std::min(low, cell);
    high = std::max(high, cell);
  }
  constexpr const char* kHeights[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::string line;
  for (const double cell : cells) {
    if (!std::isfinite(cell)) {
      line += " ";
      continue;
    }
    const double share = high > low ? (cell - low) / (high - low) : 0;
    line += kHeights[static_cast<size_t>(std::lround(7 * share))];
  }
  return line;
}

double SecondsLeft(const Progress& progress, absl::Time now) {
  double known = 0;
  int knowing = 0;
  int running = 0;
  for (const RunProgress& run : progress.runs) {
    if (run.state == v1::RUN_STATE_RUNNING) ++running;
    if (EpochSeconds(run) > 0) {
      known += EpochSeconds(run);
      ++knowing;
    }
  }
  if (knowing == 0) return -1;
  const double typical = known / knowing;
  double sum = 0;
  double longest = 0;
  for (const RunProgress& run : progress.runs) {
    if (IsFinal(run.state) || run.state == v1::RUN_STATE_SUSPENDED) continue;
    const double left = SecondsLeft(run, typical, now);
    sum += left;
    longest = std::max(longest, left);
  }
  double wait = 0;
  if (running == 0 && progress.queue.start.has_value()) {
    wait = std::max(0.0, absl::ToDoubleSeconds(*progress.queue.start - now));
  }
  return wait + std::max(longest, sum / std::max(1, running));
}

std::vector<std::string> LiveLines(const Progress& progress, absl::Time now, size_t width,
                                   size_t height) {
  const size_t chart_width = width >= kRoomy ? 16 : 6;
  const size_t most = height > kOtherLines ? height - kOtherLines : (height == 0 ? 20 : 1);
  Table table({{"run", "RUN", Align::kLeft},
               {"bar", "", Align::kLeft, 5},
               {"epoch", "EPOCH"},
               {"train_loss", "LOSS", Align::kRight, 3},
               {"trend", "", Align::kLeft, 4},
               {"validation_loss", "VAL", Align::kRight, 1},
               MetricColumn("validation_accuracy", 0, "ACC"),
               {"theta", "θ"},
               {"speed", "IMG/S", Align::kRight, 2},
               {"eta", "ETA"}});
  size_t running = 0;
  for (const RunProgress& run : progress.runs) {
    if (run.state != v1::RUN_STATE_RUNNING) continue;
    if (running++ < most) table.AddRow(RunCells(run, now, chart_width));
  }
  std::vector<std::string> lines;
  if (running > 0) {
    std::vector<std::string> left_out;
    lines = absl::StrSplit(table.ToText(width, &left_out, Table::Rows::kOneLine), '\n',
                           absl::SkipEmpty());
  }
  lines.push_back(SummaryLine(progress, running - table.rows().size(), now));
  if (progress.queue.position > 0) lines.push_back(QueueLine(progress.queue, now));
  for (std::string& line : lines) line = Cut(line, width);
  return lines;
}

std::string WithColor(const std::string& line) {
  const size_t begin = line.find(kFilled);
  if (begin == std::string::npos) return line;
  const size_t end = line.rfind(kFilled) + sizeof(kFilled) - 1;
  return absl::StrCat(line.substr(0, begin), "\x1b[36m", line.substr(begin, end - begin), "\x1b[0m",
                      line.substr(end));
}

}  // namespace anneal::client::render
