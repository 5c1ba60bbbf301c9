#include "client/shell/completion.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "anneal/v1/config.pb.h"
#include "common/config/field_path.h"
#include "common/config/schema.h"
#include "common/enum_name.h"
#include "common/metric.h"

namespace anneal::client::shell {
namespace {

using Words = std::vector<std::string>;

Words Call(const std::function<Words()>& source) { return source ? source() : Words(); }

// With a form in front, such as best., where one is typed.
Words MetricNames(const std::string& typed) {
  const size_t dot = typed.find('.');
  const std::string form = dot == std::string::npos ? "" : typed.substr(0, dot + 1);
  Words names;
  for (const std::string& metric : RunMetricNames()) {
    const std::string name = absl::StrCat(form, metric);
    if (form.empty() || FindRunMetric("metric", name).ok()) names.push_back(name);
  }
  return names;
}

Words FieldNames() { return config::FieldPaths(*v1::TrainingConfig::descriptor()); }

// Also messages, and fields of the elements of lists.
Words SchemaPaths() {
  Words paths;
  for (const config::SchemaField& field : config::Schema()) paths.push_back(field.path);
  return paths;
}

// What `anneal explain` takes.
Words Explained(const std::string& typed) {
  Words names = SchemaPaths();
  for (std::string& metric : MetricNames(typed)) names.push_back(std::move(metric));
  names.emplace_back("metrics");
  return names;
}

// Completes a path up to `optimizer.kind=`, then the values of the field.
Words Assignments(const std::string& typed) {
  Words candidates;
  const size_t equals = typed.find('=');
  if (equals == std::string::npos) {
    for (const std::string& path : FieldNames()) candidates.push_back(path + "=");
    return candidates;
  }
  const std::string path = typed.substr(0, equals);
  const auto* field = config::FindField(*v1::TrainingConfig::descriptor(), path);
  if (field == nullptr) return candidates;
  // In a sweep, completes the value after the last comma.
  const size_t comma = typed.rfind(',');
  const std::string before =
      typed.substr(0, (comma == std::string::npos ? equals : std::max(equals, comma)) + 1);
  Words values;
  if (field->enum_type() != nullptr) {
    values = absl::StrSplit(EnumChoices(*field->enum_type()), ", ");
  } else if (field->type() == google::protobuf::FieldDescriptor::TYPE_BOOL) {
    values = {"true", "false"};
  }
  for (const std::string& value : values) candidates.push_back(before + value);
  return candidates;
}

// Returns the values that an option accepts, from its description: {a,b} or {a->0,b->1}.
Words Choices(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const size_t begin = type.find('{');
  const size_t end = type.find('}');
  Words choices;
  if (begin == std::string::npos || end == std::string::npos) return choices;
  for (absl::string_view choice : absl::StrSplit(type.substr(begin + 1, end - begin - 1), ',')) {
    choices.emplace_back(choice.substr(0, choice.find("->")));
  }
  return choices;
}

bool TakesValue(const CLI::Option& option) { return option.get_type_size() != 0; }

std::string LongName(const CLI::Option& option) {
  return option.get_lnames().empty() ? "" : option.get_lnames().front();
}

// Returns the option with this name of a command or its parents; null if none.
const CLI::Option* FindOption(const CLI::App* command, const std::string& word) {
  for (; command != nullptr; command = command->get_parent()) {
    if (const CLI::Option* option = command->get_option_no_throw(word)) return option;
  }
  return nullptr;
}

// Completes experiments, or runs after the slash of a typed experiment.
Words Names(const std::string& typed, const CompletionSources& sources, bool runs_only) {
  const size_t slash = typed.find('/');
  if (slash != std::string::npos) {
    return sources.runs ? sources.runs(typed.substr(0, slash)) : Words();
  }
  Words names = Call(sources.experiments);
  if (runs_only) {
    for (std::string& name : names) name += "/";
  }
  return names;
}

Words OptionValues(const CLI::Option& option, const std::string& typed,
                   const CompletionSources& sources) {
  const std::string name = LongName(option);
  if (name == "set" || name == "sweep") return Assignments(typed);
  if (name == "preset") return Call(sources.presets);
  if (name == "context") return Call(sources.contexts);
  if (name == "like") return Names(typed, sources, /*runs_only=*/true);
  if (name == "metric" || name == "threshold-metric" || name == "x" || name == "y") {
    return MetricNames(typed);
  }
  if (name == "within") return FieldNames();
  if (name == "by") {
    Words fields = FieldNames();
    fields.insert(fields.end(), {"experiment", "preset"});
    return fields;
  }
  return Choices(option);
}

Words PositionalValues(const CLI::App& command, size_t position, const std::string& typed,
                       const CompletionSources& sources) {
  std::vector<const CLI::Option*> positionals;
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_positional()) positionals.push_back(option);
  }
  if (positionals.empty()) return {};
  const CLI::Option* option = positionals[std::min(position, positionals.size() - 1)];
  if (position >= positionals.size() && option->get_expected_max() <= 1) return {};
  const std::string name = option->get_name(/*positional=*/true);
  if (name == "run") return Names(typed, sources, /*runs_only=*/true);
  if (name == "preset") return Call(sources.presets);
  if (name == "context") return Call(sources.contexts);
  if (name == "field") return Explained(typed);
  if (name == "name" || name == "names" || name == "experiment" || name == "experiments") {
    return Names(typed, sources, /*runs_only=*/false);
  }
  return Choices(*option);
}

// Returns the subcommand with this name or unambiguous prefix; null if none.
const CLI::App* FindCommand(const CLI::App& parent, const std::string& word) {
  const CLI::App* found = nullptr;
  for (const CLI::App* command : parent.get_subcommands(nullptr)) {
    if (command->get_name() == word) return command;
    if (!absl::StartsWith(command->get_name(), word)) continue;
    if (found != nullptr) return nullptr;
    found = command;
  }
  return found;
}

Words OptionNames(const CLI::App* command) {
  Words names;
  for (; command != nullptr; command = command->get_parent()) {
    for (const CLI::Option* option : command->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

}  // namespace

std::vector<std::string> Complete(const CLI::App& app, const std::vector<std::string>& words,
                                  const CompletionSources& sources) {
  if (words.empty()) return {};
  const CLI::App* command = &app;
  size_t position = 0;
  const CLI::Option* pending = nullptr;  // takes the next word as its value
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    if (pending != nullptr) {
      pending = nullptr;
    } else if (absl::StartsWith(word, "-") && word != "-") {
      const CLI::Option* option = FindOption(command, word);
      if (option != nullptr && TakesValue(*option)) pending = option;
    } else if (const CLI::App* next = position == 0 ? FindCommand(*command, word) : nullptr) {
      command = next;
    } else {
      ++position;
    }
  }
  const std::string& typed = words.back();
  Words all;
  std::string before;
  if (pending != nullptr) {
    all = OptionValues(*pending, typed, sources);
  } else if (const size_t equals = typed.find('=');
             absl::StartsWith(typed, "--") && equals != std::string::npos) {
    before = typed.substr(0, equals + 1);
    if (const CLI::Option* option = FindOption(command, typed.substr(0, equals))) {
      all = OptionValues(*option, typed.substr(equals + 1), sources);
    }
  } else if (absl::StartsWith(typed, "-")) {
    all = OptionNames(command);
  } else {
    all = PositionalValues(*command, position, typed, sources);
    if (position == 0) {
      for (const CLI::App* next : command->get_subcommands(nullptr)) {
        all.push_back(next->get_name());
      }
    }
  }
  Words candidates;
  for (const std::string& candidate : all) {
    if (absl::StartsWith(before + candidate, typed)) candidates.push_back(before + candidate);
  }
  std::sort(candidates.begin(), candidates.end());
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  return candidates;
}

const char* CompletionScript(const std::string& shell) {
  static constexpr char kBash[] = R"(# anneal completion for bash: source <(anneal completion bash)
_anneal() {
  # The line is split here, because bash splits at = and : too.
  local line=${COMP_LINE:0:COMP_POINT} words last
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  last=${words[-1]}
  mapfile -t COMPREPLY < <("${words[0]}" __complete "${words[@]:1}" 2>/dev/null)
  if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=/] ]]; then compopt -o nospace; fi
  # Bash replaces only the text after the last = of the word.
  if [[ $last == *=* && $COMP_WORDBREAKS == *=* ]]; then
    COMPREPLY=("${COMPREPLY[@]#"${last%=*}="}")
  fi
}
complete -o default -F _anneal anneal
)";
  static constexpr char kZsh[] = R"(#compdef anneal
# anneal completion for zsh: source <(anneal completion zsh), after compinit
_anneal() {
  local -a candidates
  candidates=("${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  candidates=(${candidates:#})
  if (( ! ${#candidates} )); then
    _files
    return
  fi
  # Words that end with = or / are incomplete.
  compadd -S '' -- ${(M)candidates:#*[=/]}
  compadd -- ${candidates:#*[=/]}
}
if [[ $funcstack[1] == _anneal ]]; then _anneal "$@"; else compdef _anneal anneal; fi
)";
  static constexpr char kFish[] = R"(# anneal completion for fish: anneal completion fish | source
function __anneal_complete
    set -l words (commandline -opc)
    set -l candidates ($words[1] __complete $words[2..-1] (commandline -ct) 2>/dev/null)
    if test (count $candidates) -gt 0
        printf '%s\n' $candidates
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c anneal -f -a '(__anneal_complete)'
)";
  static const auto& scripts =
      *new std::map<std::string, const char*>{{"bash", kBash}, {"zsh", kZsh}, {"fish", kFish}};
  return scripts.at(shell);
}

}  // namespace anneal::client::shell
