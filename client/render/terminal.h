// `Terminal` describes the terminal behind an output stream.

#ifndef ANNEAL_CLIENT_RENDER_TERMINAL_H_
#define ANNEAL_CLIENT_RENDER_TERMINAL_H_

#include <cstddef>
#include <cstdio>

namespace anneal::client::render {

struct Terminal {
  // The stream is a terminal that can move its cursor: TERM is set and not `dumb`.
  bool is_live = false;
  // It is live, and NO_COLOR is not set (no-color.org).
  bool has_color = false;
  // In characters; 0 if unknown, as for files and pipes.
  size_t width = 0;
  size_t height = 0;
};

// Returns the current state; windows may be resized. Reads the environment.
Terminal TerminalOf(std::FILE* out);

}  // namespace anneal::client::render

#endif  // ANNEAL_CLIENT_RENDER_TERMINAL_H_
