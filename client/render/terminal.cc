#include "client/render/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "absl/strings/string_view.h"

namespace anneal::client::render {
namespace {

bool IsSet(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && value[0] != '\0';
}

}  // namespace

Terminal TerminalOf(std::FILE* out) {
  Terminal terminal;
  const int descriptor = ::fileno(out);
  if (::isatty(descriptor) == 0) return terminal;
  winsize size{};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) == 0) {
    terminal.width = size.ws_col;
    terminal.height = size.ws_row;
  }
  terminal.is_live = IsSet("TERM") && absl::string_view(std::getenv("TERM")) != "dumb";
  terminal.has_color = terminal.is_live && !IsSet("NO_COLOR");
  return terminal;
}

}  // namespace anneal::client::render
