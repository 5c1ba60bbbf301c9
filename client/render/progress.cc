#include "client/render/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "client/render/format.h"
#include "client/render/table.h"
#include "common/config_text.h"
#include "common/enum_name.h"
#include "common/run_state.h"

namespace anneal::render {
namespace {

class JsonProgress final : public Progress {
 public:
  explicit JsonProgress(std::FILE* out) : out_(out) {}
  void OnEvent(const v1::Event& event, const RunProgress* /*run*/,
               const std::vector<RunProgress>& /*runs*/) override {
    std::fprintf(out_, "%s\n", ToJson(event, /*pretty=*/false).c_str());
    std::fflush(out_);
  }
  void Note(const std::string& text) override { std::fprintf(stderr, "%s\n", text.c_str()); }
  void End(const std::vector<RunProgress>& /*runs*/) override {}

 private:
  std::FILE* const out_;
};

class QuietProgress final : public Progress {
 public:
  void OnEvent(const v1::Event& /*event*/, const RunProgress* /*run*/,
               const std::vector<RunProgress>& /*runs*/) override {}
  void Note(const std::string& /*text*/) override {}
  void End(const std::vector<RunProgress>& /*runs*/) override {}
};

// A line an epoch and a change of state.
class LineProgress final : public Progress {
 public:
  explicit LineProgress(std::FILE* out) : out_(out) {}
  void OnEvent(const v1::Event& event, const RunProgress* run,
               const std::vector<RunProgress>& /*runs*/) override {
    if (run == nullptr) return;
    if (event.has_epoch()) {
      Print(ProgressLine(*run));
    } else if (event.has_state_change()) {
      const std::string message = run->failure.message();
      Print(
          absl::StrCat(run->name, " ", EnumName(run->state), message.empty() ? "" : ": ", message));
    }
  }
  void Note(const std::string& text) override { std::fprintf(stderr, "%s\n", text.c_str()); }
  void End(const std::vector<RunProgress>& /*runs*/) override {}

 private:
  void Print(const std::string& line) {
    std::fprintf(out_, "%s\n", line.c_str());
    std::fflush(out_);
  }
  std::FILE* const out_;
};

// A block of lines that is drawn over in place: a line an active run, and one for the rest.
class LiveProgress final : public Progress {
 public:
  explicit LiveProgress(std::FILE* out) : out_(out) {}

  void OnEvent(const v1::Event& event, const RunProgress* run,
               const std::vector<RunProgress>& runs) override {
    Erase();
    // What ended scrolls away above the block, and stays to be read.
    if (run != nullptr && event.has_state_change() && IsFinal(run->state)) {
      std::fprintf(out_, "%s\n", ProgressLine(*run).c_str());
    }
    Draw(runs);
  }
  void Note(const std::string& text) override {
    Erase();
    std::fprintf(out_, "%s\n", text.c_str());
    std::fflush(out_);
  }
  void End(const std::vector<RunProgress>& /*runs*/) override {
    Erase();
    std::fflush(out_);
  }

 private:
  void Erase() {
    for (; lines_ > 0; --lines_) std::fputs("\x1b[1A\x1b[2K", out_);
  }

  void Draw(const std::vector<RunProgress>& runs) {
    winsize size{};
    const bool known = ::ioctl(::fileno(out_), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    const size_t width = known ? size.ws_col : 80;
    const int most = known ? std::max(1, size.ws_row - 3) : 20;
    int pending = 0;
    int ended = 0;
    int hidden = 0;
    for (const RunProgress& run : runs) {
      if (IsFinal(run.state)) {
        ++ended;
      } else if (run.state != v1::RUN_STATE_RUNNING) {
        ++pending;
      } else if (lines_ < most) {
        Line(ProgressLine(run, width), width);
      } else {
        ++hidden;
      }
    }
    std::string rest = absl::StrCat(ended, "/", runs.size(), " runs ended, ", pending, " waiting");
    if (hidden > 0) absl::StrAppend(&rest, ", ", hidden, " more running");
    Line(rest, width);
    std::fflush(out_);
  }

  // Cut to the terminal: a line that wraps could not be erased.
  void Line(const std::string& text, size_t width) {
    size_t end = 0;
    for (size_t columns = 0; end < text.size(); ++end) {
      const bool begins = (static_cast<unsigned char>(text[end]) & 0xc0) != 0x80;
      if (begins && ++columns >= width) break;
    }
    std::fprintf(out_, "%s\n", text.substr(0, end).c_str());
    ++lines_;
  }

  std::FILE* const out_;
  int lines_ = 0;
};

std::string Bar(int done, int total) {
  constexpr int kWidth = 12;
  const int filled = total == 0 ? 0 : done * kWidth / total;
  std::string bar;
  for (int i = 0; i < kWidth; ++i) bar += i < filled ? "━" : "╌";
  return bar;
}

}  // namespace

std::string ProgressLine(const RunProgress& run, size_t width) {
  constexpr size_t kAllOfIt = 105;
  const bool roomy = width >= kAllOfIt;
  const v1::Epoch& last = run.last;
  std::string line =
      absl::StrCat(Pad(run.name, 12, Table::Align::kLeft),
                   roomy ? " " + Bar(last.epoch(), run.epochs_total) : "", " epoch ",
                   Pad(absl::StrCat(last.epoch(), "/", run.epochs_total), 5, Table::Align::kRight));
  if (last.epoch() > 0) {
    absl::StrAppend(&line, absl::StrFormat("  loss %.4f  val %.4f  acc %s%%  θ %.4f  %.0f img/s",
                                           last.train_loss(), last.validation_loss(),
                                           Percent(last.validation_accuracy()), last.theta().mean(),
                                           last.samples_per_second()));
  }
  if (run.state != v1::RUN_STATE_RUNNING) {
    absl::StrAppend(&line, "  ", EnumName(run.state));
  } else if (last.epoch() > 0) {
    const double left = last.elapsed_seconds() / last.epoch() * (run.epochs_total - last.epoch());
    absl::StrAppend(&line, "  eta ", Duration(left));
  }
  if (!run.failure.message().empty()) absl::StrAppend(&line, ": ", run.failure.message());
  return line;
}

std::unique_ptr<Progress> MakeProgress(ProgressKind kind, std::FILE* out) {
  if (kind == ProgressKind::kJson) return std::make_unique<JsonProgress>(out);
  if (kind == ProgressKind::kQuiet) return std::make_unique<QuietProgress>();
  const char* terminal = std::getenv("TERM");
  const bool dumb = terminal == nullptr || absl::string_view(terminal) == "dumb";
  if (::isatty(::fileno(out)) == 1 && !dumb) return std::make_unique<LiveProgress>(out);
  return std::make_unique<LineProgress>(out);
}

}  // namespace anneal::render
