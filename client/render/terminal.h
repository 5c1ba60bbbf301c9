// What is known of a terminal that is written to.

#ifndef ANNEAL_CLIENT_RENDER_TERMINAL_H_
#define ANNEAL_CLIENT_RENDER_TERMINAL_H_

#include <cstddef>
#include <cstdio>

namespace anneal::client::render {

struct Terminal {
  // A terminal that can move its cursor: not a file or a pipe, and TERM is set and not `dumb`.
  bool is_live = false;
  // Colours are welcome: it is live, and NO_COLOR is not set (no-color.org).
  bool has_color = false;
  // In characters; 0 where that is not known, as of files and pipes.
  size_t width = 0;
  size_t height = 0;
};

// As it is now: people change the size of windows. Reads the environment.
Terminal TerminalOf(std::FILE* out);

}  // namespace anneal::client::render

#endif  // ANNEAL_CLIENT_RENDER_TERMINAL_H_
