#include "tests/e2e/screen.h"

#include "absl/strings/escaping.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"

namespace anneal {

Screen ShowOnScreen(absl::string_view output) {
  constexpr absl::string_view kErase = "\x1b[1A\x1b[2K";
  Screen screen;
  std::string line;
  while (!output.empty()) {
    if (absl::ConsumePrefix(&output, kErase)) {
      if (screen.lines.empty()) {
        ADD_FAILURE() << "erases a line that was not drawn";
        return screen;
      }
      screen.erased.push_back(screen.lines.back());
      screen.lines.pop_back();
    } else if (absl::ConsumePrefix(&output, "\r\n") || absl::ConsumePrefix(&output, "\n")) {
      screen.lines.push_back(line);
      line.clear();
    } else if (absl::ConsumePrefix(&output, "\x1b[")) {
      const size_t end = output.find_first_not_of("0123456789;");
      if (end == absl::string_view::npos) break;  // the rest has not arrived yet
      EXPECT_EQ(output[end], 'm') << "\\e[" << absl::CEscape(output.substr(0, 10));
      output.remove_prefix(end + 1);
    } else {
      line += output.front();
      output.remove_prefix(1);
    }
  }
  if (!line.empty()) screen.lines.push_back(line);
  return screen;
}

int Columns(absl::string_view text) {
  int columns = 0;
  for (const char c : text) columns += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
  return columns;
}

}  // namespace anneal
