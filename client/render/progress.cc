#include "client/render/progress.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "client/render/format.h"
#include "client/render/live.h"
#include "client/render/table.h"
#include "client/render/terminal.h"
#include "common/enum_name.h"
#include "common/json_text.h"
#include "common/run_state.h"

namespace anneal::client::render {
namespace {

class JsonView final : public ProgressView {
 public:
  explicit JsonView(std::FILE* out) : out_(out) {}
  void OnEvent(const v1::Event& event, const RunProgress* /*run*/,
               const Progress& /*progress*/) override {
    std::fprintf(out_, "%s\n", ToJson(event, {.unset_fields = true}).c_str());
    std::fflush(out_);
  }
  void Note(const std::string& text) override { std::fprintf(stderr, "%s\n", text.c_str()); }
  void End() override {}

 private:
  std::FILE* const out_;
};

class QuietView final : public ProgressView {
 public:
  void OnEvent(const v1::Event& /*event*/, const RunProgress* /*run*/,
               const Progress& /*progress*/) override {}
  void Note(const std::string& /*text*/) override {}
  void End() override {}
};

// Prints one line per epoch and change of state.
class LineView final : public ProgressView {
 public:
  explicit LineView(std::FILE* out) : out_(out) {}
  void OnEvent(const v1::Event& event, const RunProgress* run,
               const Progress& /*progress*/) override {
    if (run == nullptr) return;
    if (event.has_epoch()) {
      Print(ProgressLine(*run));
    } else if (event.has_state_change()) {
      const std::string message = run->failure.message();
      Print(
          absl::StrCat(run->name, " ", EnumName(run->state), message.empty() ? "" : ": ", message));
    } else if (event.has_start_over()) {
      Print(absl::StrCat(run->name, " ", event.start_over().reason()));
    }
  }
  void Note(const std::string& text) override { std::fprintf(stderr, "%s\n", text.c_str()); }
  void End() override {}

 private:
  void Print(const std::string& line) {
    std::fprintf(out_, "%s\n", line.c_str());
    std::fflush(out_);
  }
  std::FILE* const out_;
};

// Redraws a block of lines in place. Finished runs scroll up and stay visible.
class LiveView final : public ProgressView {
 public:
  explicit LiveView(std::FILE* out) : out_(out) {}

  void OnEvent(const v1::Event& event, const RunProgress* run, const Progress& progress) override {
    if (run != nullptr && event.has_start_over()) {
      Note(absl::StrCat(run->name, " ", event.start_over().reason()));
    }
    const bool ended = run != nullptr && event.has_state_change() && IsFinal(run->state);
    if (ended) {
      Erase();
      // Truncated to one line.
      const Terminal terminal = TerminalOf(out_);
      const std::string line = Cut(ProgressLine(*run), WidthOf(terminal));
      const bool red = terminal.has_color && run->state == v1::RUN_STATE_FAILED;
      absl::StrAppend(&pending_, red ? "\x1b[31m" : "", line, red ? "\x1b[0m" : "", "\n");
    }
    // Limits the redraw rate to what is visible.
    if (ended || Clock::now() - drawn_ >= std::chrono::milliseconds(100)) Draw(progress);
  }
  void OnTick(const Progress& progress) override { Draw(progress); }
  bool is_live() const override { return true; }
  void Note(const std::string& text) override {
    Erase();
    absl::StrAppend(&pending_, text, "\n");
    Flush();
  }
  void End() override {
    Erase();
    Flush();
  }

 private:
  using Clock = std::chrono::steady_clock;

  static size_t WidthOf(const Terminal& terminal) {
    // Leaves the last column free: some terminals wrap after writing to it.
    return terminal.width > 1 ? terminal.width - 1 : 79;
  }

  // Erases the block, counting the lines that it wraps to if the terminal became narrower.
  void Erase() {
    const size_t width = WidthOf(TerminalOf(out_)) + 1;
    size_t lines = 0;
    for (const size_t columns : widths_) lines += columns <= width ? 1 : (columns - 1) / width + 1;
    for (; lines > 0; --lines) pending_ += "\x1b[1A\x1b[2K";
    widths_.clear();
  }

  void Draw(const Progress& progress) {
    Erase();
    const Terminal terminal = TerminalOf(out_);
    drawn_ = Clock::now();
    for (const std::string& line :
         LiveLines(progress, absl::Now(), WidthOf(terminal), terminal.height)) {
      widths_.push_back(DisplayWidth(line));
      absl::StrAppend(&pending_, terminal.has_color ? WithColor(line) : line, "\n");
    }
    Flush();
  }

  // Written in one call to avoid flicker.
  void Flush() {
    std::fwrite(pending_.data(), 1, pending_.size(), out_);
    std::fflush(out_);
    pending_.clear();
  }

  std::FILE* const out_;
  std::string pending_;
  std::vector<size_t> widths_;  // widths of the lines of the block, in characters
  Clock::time_point drawn_;
};

}  // namespace

std::string ProgressLine(const RunProgress& run) {
  const v1::Epoch& last = run.last;
  std::string line = Pad(run.name, 12, Table::Align::kLeft);
  if (run.state != v1::RUN_STATE_RUNNING) absl::StrAppend(&line, " ", EnumName(run.state));
  if (!run.failure.message().empty()) absl::StrAppend(&line, ": ", run.failure.message(), ";");
  absl::StrAppend(&line, " epoch ",
                  Pad(absl::StrCat(last.epoch(), "/", run.epochs_total), 5, Table::Align::kRight));
  if (last.epoch() > 0) {
    absl::StrAppend(&line, absl::StrFormat("  loss %.4f  val %.4f  acc %s%%  θ %.4f  %.0f img/s",
                                           last.train_loss(), last.validation_loss(),
                                           Percent(last.validation_accuracy()), last.theta().mean(),
                                           last.samples_per_second()));
  }
  if (run.state == v1::RUN_STATE_RUNNING && last.epoch() > 0) {
    const double left = last.elapsed_seconds() / last.epoch() * (run.epochs_total - last.epoch());
    absl::StrAppend(&line, "  eta ", Duration(left));
  }
  return line;
}

std::unique_ptr<ProgressView> MakeProgressView(ProgressKind kind, std::FILE* out) {
  if (kind == ProgressKind::kJson) return std::make_unique<JsonView>(out);
  if (kind == ProgressKind::kQuiet) return std::make_unique<QuietView>();
  if (TerminalOf(out).is_live) return std::make_unique<LiveView>(out);
  return std::make_unique<LineView>(out);
}

}  // namespace anneal::client::render
