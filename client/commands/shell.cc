// anneal completion and anneal man print completion scripts and manual pages; __complete answers
// the scripts.

#include <iostream>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/commands/command.h"
#include "client/endpoint.h"
#include "client/exporters/output_file.h"
#include "client/shell/completion.h"
#include "client/shell/man.h"
#include "common/resource_name.h"

namespace anneal::client::commands {
namespace {

// Deadline of the calls that complete names: longer delays are noticeable while typing.
constexpr std::chrono::milliseconds kCompletionPatience(1000);
// Maximum number of names offered.
constexpr int kMostNames = 1000;

// Returns the value of an option that precedes the word to complete; empty if absent.
std::string ValueOf(const std::vector<std::string>& words, const std::string& option) {
  for (size_t i = 0; i + 2 < words.size(); ++i) {
    if (words[i] == option) return words[i + 1];
  }
  return "";
}

// Errors yield no candidates: a completion has no place to report them.
shell::CompletionSources Sources(Connection* connection) {
  shell::CompletionSources sources;
  sources.contexts = [] {
    std::vector<std::string> names;
    const auto config = ReadClientConfig();
    if (!config.ok()) return names;
    for (const auto& [name, context] : config->contexts()) names.push_back(name);
    return names;
  };
  if (connection == nullptr) return sources;
  sources.experiments = [connection] {
    std::vector<std::string> names;
    const auto experiments = connection->ListExperiments({}, kMostNames);
    if (!experiments.ok()) return names;
    for (const v1::Experiment& one : *experiments) names.push_back(ShortenName(one.name()));
    return names;
  };
  sources.runs = [connection](const std::string& experiment) {
    std::vector<std::string> names;
    v1::ListRunsRequest request;
    request.set_parent(ExpandName(experiment));
    const auto runs = connection->ListRuns(request, kMostNames);
    if (!runs.ok()) return names;
    for (const v1::Run& run : *runs) names.push_back(ShortenName(run.name()));
    return names;
  };
  sources.presets = [connection] {
    std::vector<std::string> names;
    const auto response = connection->ListPresets();
    if (!response.ok()) return names;
    for (const v1::Preset& preset : response->presets()) {
      names.emplace_back(absl::StripPrefix(preset.name(), "presets/"));
    }
    return names;
  };
  return sources;
}

int WriteManPages(const CLI::App& app, const std::string& directory) {
  if (const absl::Status made = exporters::MakeDirectory("--out", directory); !made.ok()) {
    return PrintError(made);
  }
  std::vector<const CLI::App*> pages = {&app};
  for (const CLI::App* command : app.get_subcommands(nullptr)) pages.push_back(command);
  for (const CLI::App* page : pages) {
    exporters::OutputFile file("--out", absl::StrCat(directory, "/", shell::ManName(*page), ".1"));
    file.Write(shell::ManPage(*page));
    if (const absl::Status written = file.Finish(); !written.ok()) return PrintError(written);
  }
  return kSuccess;
}

int ShowManPage(const CLI::App& app, const std::string& command) {
  if (command.empty()) {
    std::cout << shell::ManPage(app);
    return kSuccess;
  }
  for (const CLI::App* one : app.get_subcommands(nullptr)) {
    if (one->get_name() != command) continue;
    std::cout << shell::ManPage(*one);
    return kSuccess;
  }
  std::cerr << "anneal: \"" << command << "\" is not a command; see anneal --help\n";
  return kUsage;
}

}  // namespace

int PrintCompletions(const CLI::App& app, const std::vector<std::string>& words) {
  std::unique_ptr<Connection> connection;
  const auto endpoint = ChooseEndpoint(ValueOf(words, "--server"), ValueOf(words, "--context"));
  if (endpoint.ok()) {
    auto opened =
        Connection::Open(endpoint->context, {.deadline = kCompletionPatience, .trace = nullptr});
    if (opened.ok()) connection = std::move(*opened);
  }
  for (const std::string& candidate : shell::Complete(app, words, Sources(connection.get()))) {
    std::cout << candidate << "\n";
  }
  return kSuccess;
}

void AddShellCommands(CLI::App* app, Globals* globals) {
  CLI::App* completion = app->add_subcommand("completion", "Print a shell completion script");
  const auto shell = std::make_shared<std::string>();
  completion->add_option("shell", *shell, "Shell: bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion->footer("Example: source <(anneal completion bash)");
  completion->callback([globals, shell] {
    globals->local_command = [shell] {
      std::cout << shell::CompletionScript(*shell);
      return kSuccess;
    };
  });

  CLI::App* man =
      app->add_subcommand("man", "Print a manual page, or write all pages to a directory");
  const auto command = std::make_shared<std::string>();
  const auto out = std::make_shared<std::string>();
  CLI::Option* page =
      man->add_option("command", *command, "Command whose page to print. Default: anneal itself");
  man->add_option("--out", *out, "Write the pages of all commands to this directory")
      ->excludes(page);
  man->footer("Example: anneal man submit > anneal-submit.1");
  man->callback([app, globals, command, out] {
    globals->local_command = [app, command, out] {
      return out->empty() ? ShowManPage(*app, *command) : WriteManPages(*app, *out);
    };
  });
}

}  // namespace anneal::client::commands
