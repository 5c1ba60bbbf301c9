#include "client/plot/gnuplot.h"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstring>
#include <limits>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "client/plot/layout.h"
#include "client/render/table.h"
#include "common/status.h"

extern char** environ;  // NOLINT: the name that POSIX gives it

namespace anneal::client::plot {
namespace {

constexpr const char* kPalette[] = {"#000000", "#D55E00", "#0072B2", "#009E73", "#E69F00",
                                    "#56B4E9", "#CC79A7", "#F0E442", "#666666"};
constexpr int kDashes[] = {1, 2, 4, 3, 5};
constexpr int kMarkers[] = {7, 5, 9, 13, 6};
constexpr int kDivergedMarker = 2;    // a cross
constexpr int kCollapsedMarker = 10;  // an open triangle, point down

const char* ColorOf(const Style& style) { return kPalette[static_cast<size_t>(style.color)]; }

std::string Number(double value) {
  return std::isfinite(value) ? absl::StrFormat("%.9g", value) : "NaN";
}

int MarkerOf(const Series& series) {
  switch (series.marker) {
    case Series::Marker::kDiverged:
      return kDivergedMarker;
    case Series::Marker::kCollapsed:
      return kCollapsedMarker;
    case Series::Marker::kOfVariant:
      break;
  }
  return kMarkers[series.style.variant % kVariants];
}

// The markers of runs are drawn bolder than others, which they may lie on.
std::string MarkerClause(const Series& series) {
  const bool is_special = series.marker != Series::Marker::kOfVariant;
  return absl::StrCat("points pt ", MarkerOf(series), is_special ? " ps 1.1 lw 2 " : " ps 0.9 ");
}

std::string LineClause(const Series& series) {
  return absl::StrCat("lines lw 2 dt ", kDashes[series.style.variant % kVariants], " ");
}

std::string ColorClause(const Series& series) {
  return absl::StrCat("lc rgb \"", ColorOf(series.style), "\"");
}

// A legend entry without data.
std::string LegendClause(const Series& series) {
  return absl::StrCat(
      "keyentry with ",
      series.kind == Series::Kind::kPoints ? MarkerClause(series) : LineClause(series),
      ColorClause(series), " title ", Quoted(series.label));
}

std::string SeriesClause(const Series& series, size_t index) {
  const std::string color = ColorClause(series);
  const std::string data = absl::StrCat("$data", index);
  switch (series.kind) {
    case Series::Kind::kBand:
      return absl::StrCat(
          data, " using 1:3:4 with filledcurves fs transparent solid 0.18 noborder ", color);
    case Series::Kind::kPoints:
      return absl::StrCat(data, " using 1:2 with ", MarkerClause(series), color);
    case Series::Kind::kIntervals:
      return absl::StrCat(data, " using 1:2:3:4 with xerrorbars pt 7 ps 1 lw 2 ", color);
    case Series::Kind::kLine:
      break;
  }
  // A line through one point is invisible: draw a marker.
  const bool lone = series.points.size() == 1;
  return absl::StrCat(data, " using 1:2 with ", lone ? "points pt 7 " : LineClause(series), color);
}

// The number of characters that fit.
size_t CharactersIn(double width) {
  return static_cast<size_t>(std::max(1.0, width / kCharacterWidth));
}

std::string CategoryTics(const std::vector<std::string>& categories, double width) {
  std::vector<std::string> tics;
  for (size_t i = 0; i < categories.size(); ++i) {
    tics.push_back(absl::StrCat(Quoted(render::Cut(categories[i], CharactersIn(width))), " ", i));
  }
  return absl::StrJoin(tics, ", ");
}

std::string MatrixScript(const Panel& panel) {
  const size_t size = panel.matrix.size();
  std::string script = absl::StrCat(
      "set size ratio -1\nset tics scale 0\n", "set palette defined (0 \"#ffffff\", 1 \"",
      kPalette[2], "\")\n", "set cbrange [0:1]\nunset colorbox\nset xrange [-0.5:", size, "-0.5]\n",
      "set yrange [", size, "-0.5:-0.5]\nset xtics 1\nset ytics 1\n");
  absl::StrAppend(&script, "plot $data0 using 1:2:3 with image");
  // Light text on dark cells.
  absl::StrAppend(&script, ", $data1 using 1:2:3 with labels font \",9\" tc rgb \"#000000\"",
                  ", $data2 using 1:2:3 with labels font \",9\" tc rgb \"#ffffff\"\n");
  return script;
}

// Returns 1, 2 or 5 times a power of ten such that the range has three to six tics; more would not
// fit a square plot.
double TicStep(double range) {
  const double least = range / 6;
  const double power = std::pow(10, std::floor(std::log10(least)));
  for (const double factor : {1, 2, 5}) {
    if (factor * power >= least) return factor * power;
  }
  return 10 * power;
}

// Gives both axes the range of all values, so that y = x is the diagonal.
std::string EqualScales(const Panel& panel) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const Series& series : panel.series) {
    for (const Point& point : series.points) {
      if (!std::isfinite(point.x) || !std::isfinite(point.y)) continue;
      low = std::min({low, point.x, point.y});
      high = std::max({high, point.x, point.y});
    }
  }
  if (low > high) return "";
  const double margin = low < high ? 0.05 * (high - low) : (low == 0 ? 1 : 0.1 * std::abs(low));
  const std::string range = absl::StrCat("[", low - margin, ":", high + margin, "]\n");
  const std::string step = absl::StrCat(TicStep(high - low + 2 * margin), "\n");
  return absl::StrCat("set size square\nset xrange ", range, "set yrange ", range, "set xtics ",
                      step, "set ytics ", step);
}

// Places what is drawn next, in shares of the image from its lower left corner.
std::string Placement(const Box& box, const Layout& layout) {
  return absl::StrFormat("set origin %.5f,%.5f\nset size %.5f,%.5f\n", box.x / layout.width,
                         1 - (box.y + box.height) / layout.height, box.width / layout.width,
                         box.height / layout.height);
}

std::string CategoryScript(const Panel& panel, const PanelBox& place, const Layout& layout) {
  const double left = place.box.x + place.left_margin;
  const double right = place.box.x + place.box.width - 4 * kCharacterWidth;
  return absl::StrCat("set ytics (", CategoryTics(panel.categories, place.left_margin),
                      ")\nset yrange [", panel.categories.size(),
                      "-0.5:-0.5]\nset offsets graph 0.04, graph 0.04, 0, 0\n",
                      "set xtics rotate by -40\n",
                      absl::StrFormat("set lmargin at screen %.5f\nset rmargin at screen %.5f\n",
                                      left / layout.width, right / layout.width));
}

std::vector<std::string> SeriesClauses(const Panel& panel) {
  std::vector<std::string> clauses;
  for (size_t i = 0; i < panel.series.size(); ++i) {
    if (HasPoints(panel, panel.series[i])) clauses.push_back(SeriesClause(panel.series[i], i));
  }
  return clauses;
}

// The width of what is centred on the plot area.
double TitleWidth(const PanelBox& place) { return place.box.width - place.left_margin; }

std::string PanelScript(const Panel& panel, const PanelBox& place, const Layout& layout) {
  std::string script = absl::StrCat(
      "reset\nset termoption noenhanced\nunset key\n", Placement(place.box, layout), "set title ",
      Quoted(render::Cut(panel.title, CharactersIn(TitleWidth(place)))), "\nset xlabel ",
      Quoted(render::Cut(panel.x_label, CharactersIn(TitleWidth(place)))), "\nset ylabel ",
      Quoted(panel.y_label), "\nset border lc rgb \"#666666\"\nset tics tc rgb \"#333333\"\n",
      DataBlocks(panel));
  if (!panel.matrix.empty()) return script + MatrixScript(panel);
  script += "set grid lc rgb \"#dddddd\" lt 1\nset format y \"%g\"\n";
  if (panel.log_y) script += "set logscale y\n";
  if (panel.identity) script += EqualScales(panel);
  if (!panel.categories.empty()) script += CategoryScript(panel, place, layout);
  if (panel.zero_line) {
    script += "set arrow from 0, graph 0 to 0, graph 1 nohead lc rgb \"#888888\" dt 2\n";
  }
  std::vector<std::string> clauses = SeriesClauses(panel);
  if (clauses.empty()) {
    absl::StrAppend(&script, "set xrange [0:1]\n",
                    panel.categories.empty() ? "set yrange [0:1]\n" : "",
                    "set label 'nothing recorded' at graph 0.5, 0.5 center\n");
    clauses.emplace_back("-1");
  } else if (panel.identity) {
    clauses.insert(clauses.begin(), "x with lines lc rgb \"#888888\" dt 2");
  }
  return absl::StrCat(script, "plot ", absl::StrJoin(clauses, ", "), "\n");
}

// An empty plot whose key is a column of the legend.
std::string LegendScript(const Figure& figure, const LegendBox& legend, const Layout& layout) {
  std::vector<std::string> clauses;
  for (const Series& series : figure.panels[legend.panel].series) {
    if (!series.label.empty()) clauses.push_back(LegendClause(series));
  }
  clauses.erase(clauses.begin(), clauses.begin() + static_cast<std::ptrdiff_t>(legend.first));
  clauses.resize(legend.count);
  clauses.emplace_back("-1 notitle");
  return absl::StrCat("reset\nset termoption noenhanced\n", Placement(legend.box, layout),
                      "unset border\nunset tics\nset margins 0, 0, 0, 0\n",
                      "set xrange [0:1]\nset yrange [0:1]\n",
                      "set key inside left top vertical Left reverse samplen 2 maxcols 1\n",
                      "plot ", absl::StrJoin(clauses, ", "), "\n");
}

// An in-memory file, closed on destruction. Unlike pipes, files cannot block or raise SIGPIPE when
// the subprocess exits early.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(::memfd_create("anneal-plot", MFD_CLOEXEC)) {}
  ~MemoryFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  int descriptor() const { return descriptor_; }

  // Leaves the offset at the beginning of the file.
  absl::Status Fill(absl::string_view text) {
    while (!text.empty()) {
      const ssize_t size = ::write(descriptor_, text.data(), text.size());
      if (size < 0) return Failed();
      text.remove_prefix(static_cast<size_t>(size));
    }
    return ::lseek(descriptor_, 0, SEEK_SET) == 0 ? absl::OkStatus() : Failed();
  }

  absl::StatusOr<std::string> Contents() const {
    if (::lseek(descriptor_, 0, SEEK_SET) != 0) return Failed();
    std::string text;
    char buffer[65536];
    ssize_t size = 0;
    while ((size = ::read(descriptor_, buffer, sizeof(buffer))) > 0) {
      text.append(buffer, static_cast<size_t>(size));
    }
    if (size < 0) return Failed();
    return text;
  }

 private:
  static absl::Status Failed() {
    return absl::InternalError(
        absl::StrCat("cannot use an in-memory file: ", std::strerror(errno)));
  }

  const int descriptor_;
};

// Unblocks signals in the subprocess, since our threads block them.
absl::StatusOr<pid_t> Spawn(const MemoryFile& in, const MemoryFile& out, const MemoryFile& err) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  const auto destroy = absl::MakeCleanup([&] {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  });
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  posix_spawn_file_actions_adddup2(&actions, in.descriptor(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out.descriptor(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.descriptor(), STDERR_FILENO);
  std::string program = "gnuplot";
  std::string option = "-d";  // ignores the user's settings
  char* arguments[] = {program.data(), option.data(), nullptr};
  pid_t process = 0;
  const int code = posix_spawnp(&process, "gnuplot", &actions, &attributes, arguments, environ);
  if (code == 0) return process;
  return absl::FailedPreconditionError(
      absl::StrCat("cannot run gnuplot, which draws figures: ", std::strerror(code),
                   "; install it with `apt-get install gnuplot-nox`"));
}

}  // namespace

bool HasPoints(const Panel& panel, const Series& series) {
  return std::any_of(series.points.begin(), series.points.end(), [&](const Point& point) {
    return std::isfinite(point.x) && std::isfinite(point.y) && (!panel.log_y || point.y > 0);
  });
}

std::string Quoted(absl::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') quoted += c;
    quoted += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return quoted + "'";
}

std::string DataBlocks(const Panel& panel) {
  std::string blocks;
  if (!panel.matrix.empty()) {
    constexpr double kDark = 0.5;
    std::string shares;
    std::string on_light;
    std::string on_dark;
    for (size_t row = 0; row < panel.matrix.size(); ++row) {
      for (size_t column = 0; column < panel.matrix[row].size(); ++column) {
        const double share = panel.matrix[row][column];
        absl::StrAppend(&shares, column, " ", row, " ", Number(share), "\n");
        absl::StrAppend(share > kDark ? &on_dark : &on_light, column, " ", row, " \"",
                        panel.cells[row][column], "\"\n");
      }
    }
    // gnuplot rejects an empty datablock.
    if (on_light.empty()) on_light = "-9 -9 \"\"\n";
    if (on_dark.empty()) on_dark = "-9 -9 \"\"\n";
    return absl::StrCat("$data0 << EOD\n", shares, "EOD\n$data1 << EOD\n", on_light,
                        "EOD\n$data2 << EOD\n", on_dark, "EOD\n");
  }
  for (size_t i = 0; i < panel.series.size(); ++i) {
    if (panel.series[i].points.empty()) continue;
    absl::StrAppend(&blocks, "$data", i, " << EOD\n");
    for (const Point& point : panel.series[i].points) {
      absl::StrAppend(&blocks, Number(point.x), " ", Number(point.y), " ", Number(point.low), " ",
                      Number(point.high), "\n");
    }
    blocks += "EOD\n";
  }
  return blocks;
}

std::string Script(const Figure& figure, Format format, Size size) {
  const Layout layout = LayoutOf(figure, size.width, size.height);
  std::string script = "set encoding utf8\n";
  if (format == Format::kSvg) {
    absl::StrAppend(&script, "set terminal svg noenhanced size ", layout.width, ",", layout.height,
                    " font \"DejaVu Sans,Helvetica,Arial,sans-serif,12\" background \"#ffffff\"\n");
  } else {
    absl::StrAppend(&script, "set terminal pngcairo noenhanced size ", 2 * layout.width, ",",
                    2 * layout.height,
                    " font \"DejaVu Sans,12\" fontscale 2 linewidth 2 pointscale 2\n");
  }
  absl::StrAppend(&script, "set multiplot title ",
                  Quoted(render::Cut(figure.title, CharactersIn(layout.width))), "\n");
  for (size_t i = 0; i < figure.panels.size(); ++i) {
    script += PanelScript(figure.panels[i], layout.panels[i], layout);
  }
  for (const LegendBox& legend : layout.legends) script += LegendScript(figure, legend, layout);
  return script + "unset multiplot\n";
}

absl::StatusOr<std::string> RunGnuplot(absl::string_view script) {
  MemoryFile in;
  MemoryFile out;
  MemoryFile err;
  ANNEAL_RETURN_IF_ERROR(in.Fill(script));
  ANNEAL_ASSIGN_OR_RETURN(const pid_t process, Spawn(in, out, err));
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return out.Contents();
  ANNEAL_ASSIGN_OR_RETURN(const std::string errors, err.Contents());
  return absl::InternalError(absl::StrCat("gnuplot failed: ", absl::StripAsciiWhitespace(errors)));
}

absl::StatusOr<std::string> Draw(const Figure& figure, Format format, Size size) {
  ANNEAL_ASSIGN_OR_RETURN(std::string image, RunGnuplot(Script(figure, format, size)));
  if (image.empty()) return absl::InternalError("gnuplot produced no output");
  return image;
}

}  // namespace anneal::client::plot
