// `Complete` lists the completions of a partial command line. Commands and options come from the
// CLI definition itself.

#ifndef ANNEAL_CLIENT_SHELL_COMPLETION_H_
#define ANNEAL_CLIENT_SHELL_COMPLETION_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

namespace anneal::client::shell {

// Sources of names that only the daemon or the client's settings know. A null source yields no
// names.
struct CompletionSources {
  std::function<std::vector<std::string>()> experiments;
  std::function<std::vector<std::string>(const std::string& experiment)> runs;  // as first/0
  std::function<std::vector<std::string>()> presets;
  std::function<std::vector<std::string>()> contexts;
};

// Returns the candidates for the last of `words`, which follow the program's name; sorted, each
// starting with it. A candidate that ends in `=` or `/` is incomplete. Returns none where a file is
// expected, which the shell completes.
std::vector<std::string> Complete(const CLI::App& app, const std::vector<std::string>& words,
                                  const CompletionSources& sources);

// Returns a script for bash, zsh or fish that calls `anneal __complete WORDS...`.
const char* CompletionScript(const std::string& shell);

}  // namespace anneal::client::shell

#endif  // ANNEAL_CLIENT_SHELL_COMPLETION_H_
