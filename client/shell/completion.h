// What a half-typed command line may go on with. The commands and options are those of the program
// itself, so that none is forgotten.

#ifndef ANNEAL_CLIENT_SHELL_COMPLETION_H_
#define ANNEAL_CLIENT_SHELL_COMPLETION_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

namespace anneal::client::shell {

// Names that only a daemon or the client's settings know. Each may be empty, for nothing.
struct CompletionSources {
  std::function<std::vector<std::string>()> experiments;
  std::function<std::vector<std::string>(const std::string& experiment)> runs;  // as first/0
  std::function<std::vector<std::string>()> presets;
  std::function<std::vector<std::string>()> contexts;
};

// Candidates for the last of `words`, which are those after the program's name; sorted, and each
// begins with it. One that ends with `=` or `/` is not complete yet. None where a file is wanted:
// shells know files.
std::vector<std::string> Complete(const CLI::App& app, const std::vector<std::string>& words,
                                  const CompletionSources& sources);

// A script for bash, zsh or fish that asks `anneal __complete WORDS...`.
const char* CompletionScript(const std::string& shell);

}  // namespace anneal::client::shell

#endif  // ANNEAL_CLIENT_SHELL_COMPLETION_H_
