// anneal diff prints the fields in which two runs, experiments or presets differ.

#include <algorithm>
#include <iostream>
#include <map>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/commands/command.h"
#include "client/commands/difference.pb.h"
#include "client/exporters/fields.h"
#include "client/render/flatten.h"
#include "common/config/field_path.h"
#include "common/config/schema.h"
#include "common/config/sweep.h"
#include "common/config/validation.h"
#include "common/resource_name.h"
#include "common/status.h"

namespace anneal::client::commands {
namespace {

constexpr char kPresets[] = "presets/";
constexpr char kNoValue[] = "-";

// One of the two things that are compared.
struct Subject {
  std::string name;           // as the user writes it
  v1::TrainingConfig config;  // resolved
  // The values of the fields that an experiment sweeps, by path.
  std::map<std::string, std::string> swept;
  // The facts besides the config, by name, in the order of the table.
  std::vector<std::pair<std::string, std::string>> facts;
};

void AddFact(const std::string& name, const std::string& value, Subject* subject) {
  subject->facts.emplace_back(name, value.empty() ? kNoValue : value);
}

Subject SubjectOf(const v1::Preset& preset) {
  return {.name = preset.name(), .config = config::ResolveConfig(preset.config())};
}

// Returns the axis's values in the form of GetField, so that 1e-3 equals 0.001.
std::string SweptValues(const v1::SweepAxis& axis, const v1::TrainingConfig& config) {
  std::vector<std::string> values;
  for (const std::string& value : axis.values()) {
    v1::TrainingConfig cell = config;
    const bool is_set = config::SetField(&cell, axis.field(), value).ok();
    values.push_back(is_set ? config::GetField(cell, axis.field()).value_or(value) : value);
  }
  return absl::StrJoin(values, ",");
}

Subject SubjectOf(const v1::Experiment& experiment) {
  Subject subject{.name = ShortenName(experiment.name()),
                  .config = config::ResolveConfig(experiment.config())};
  for (const v1::SweepAxis& axis : experiment.axes()) {
    subject.swept[axis.field()] = SweptValues(axis, subject.config);
  }
  AddFact("seed", absl::StrJoin(config::SeedsOf(experiment), ","), &subject);
  AddFact("user", experiment.user(), &subject);
  AddFact("submit_command", experiment.submit_command(), &subject);
  return subject;
}

Subject SubjectOf(const v1::Run& run) {
  Subject subject{.name = ShortenName(run.name()), .config = config::ResolveConfig(run.config())};
  AddFact("seed", absl::StrCat(run.seed()), &subject);
  AddFact("engine", run.engine(), &subject);
  AddFact("dataset_sha256", run.dataset_sha256(), &subject);
  const int attempts = run.attempt_log_size();
  const bool has_provenance = attempts > 0 && run.attempt_log(attempts - 1).has_provenance();
  const v1::Provenance last =
      has_provenance ? run.attempt_log(attempts - 1).provenance() : v1::Provenance();
  for (const auto& [name, value] : render::Flatten(last)) {
    AddFact(absl::StrCat("provenance.", name), has_provenance ? value : "", &subject);
  }
  AddFact("weights_sha256", run.weights_sha256(), &subject);
  return subject;
}

template <typename Resource>
absl::StatusOr<Subject> SubjectOf(const absl::StatusOr<Resource>& resource) {
  if (!resource.ok()) return resource.status();
  return SubjectOf(*resource);
}

// Returns true for the error of a name that nothing has, or can have.
bool IsAbsent(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsInvalidArgument(status);
}

// Finds an experiment, or else a preset, by a name without a slash.
absl::StatusOr<Subject> FindPlainName(Connection* connection, const std::string& typed) {
  const auto experiment = connection->GetExperiment(ExpandName(typed));
  if (!experiment.ok() && !IsAbsent(experiment.status())) return experiment.status();
  const auto preset = connection->GetPreset(absl::StrCat(kPresets, typed));
  if (experiment.ok() && preset.ok()) {
    std::cerr << "(" << typed << " is an experiment and a preset; this is the experiment. The "
              << "preset is " << kPresets << typed << ")\n";
  }
  if (experiment.ok()) return SubjectOf(*experiment);
  if (preset.ok() || !IsAbsent(preset.status())) return SubjectOf(preset);
  return absl::NotFoundError(absl::StrCat("there is no experiment or preset ", Quoted(typed),
                                          "; `anneal list` and `anneal presets` list them"));
}

absl::StatusOr<Subject> Find(Connection* connection, const std::string& typed) {
  if (absl::StartsWith(typed, kPresets)) return SubjectOf(connection->GetPreset(typed));
  const std::string name = ExpandName(typed);
  if (IsRunName(name)) return SubjectOf(connection->GetRun(name));
  if (absl::StrContains(typed, '/')) return SubjectOf(connection->GetExperiment(name));
  return FindPlainName(connection, typed);
}

std::string ConfigValue(const Subject& subject, const std::string& path) {
  const auto swept = subject.swept.find(path);
  if (swept != subject.swept.end()) return swept->second;
  return config::GetField(subject.config, path).value_or(kNoValue);
}

// Returns the paths of the config that may differ, in the order of the schema.
std::vector<std::string> ConfigPaths(const Subject& a, const Subject& b) {
  std::vector<std::string> paths = exporters::DifferingFields({&a.config, &b.config});
  for (const Subject* subject : {&a, &b}) {
    for (const auto& [path, values] : subject->swept) paths.push_back(path);
  }
  std::sort(paths.begin(), paths.end(), [](const std::string& left, const std::string& right) {
    const auto& type = *v1::TrainingConfig::descriptor();
    return config::SchemaPosition(type, left) < config::SchemaPosition(type, right);
  });
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  return paths;
}

// Returns the name of a config's field; as in filters, `config.engine`, because a run has an
// engine.
std::string ConfigFieldName(const std::string& path) {
  const bool is_of_runs = v1::Run::descriptor()->FindFieldByName(path) != nullptr;
  return absl::StrCat(is_of_runs ? "config." : "", path);
}

// Returns the differences of the configs, then of the facts that both have.
std::vector<Difference> Differences(const Subject& a, const Subject& b) {
  std::vector<Difference> differences;
  const auto compare = [&differences](const std::string& field, const std::string& of_a,
                                      const std::string& of_b) {
    if (of_a == of_b) return;
    Difference& difference = differences.emplace_back();
    difference.set_field(field);
    difference.set_a(of_a);
    difference.set_b(of_b);
  };
  for (const std::string& path : ConfigPaths(a, b)) {
    compare(ConfigFieldName(path), ConfigValue(a, path), ConfigValue(b, path));
  }
  const std::map<std::string, std::string> facts(b.facts.begin(), b.facts.end());
  for (const auto& [name, value] : a.facts) {
    if (const auto other = facts.find(name); other != facts.end()) {
      compare(name, value, other->second);
    }
  }
  return differences;
}

int Diff(Connection* connection, const ListOptions& options,
         const std::vector<std::string>& names) {
  const auto a = Find(connection, names[0]);
  if (!a.ok()) return PrintError(a.status());
  const auto b = Find(connection, names[1]);
  if (!b.ok()) return PrintError(b.status());
  const std::vector<Difference> differences = Differences(*a, *b);
  if (differences.empty() && options.output == "table" && !options.quiet) {
    std::cout << "no differences\n";
    return kSuccess;
  }
  using Align = render::Table::Align;
  render::Table table({{"field", "FIELD", Align::kLeft},
                       {"a", a->name, Align::kLeft},
                       {"b", b->name, Align::kLeft}});
  Listing listing{.table = &table};
  for (const Difference& difference : differences) {
    table.AddRow({difference.field(), difference.a(), difference.b()});
    listing.messages.push_back(&difference);
    listing.names.push_back(difference.field());
  }
  return Print(options, listing);
}

}  // namespace

void AddDiffCommand(CLI::App* app, Globals* globals) {
  CLI::App* diff = app->add_subcommand(
      "diff", "Show the fields in which two runs, experiments or presets differ");
  const auto names = std::make_shared<std::vector<std::string>>();
  const auto options = std::make_shared<ListOptions>();
  diff->add_option("names", *names, "Two names, such as first/0 first/1, first or presets/annealed")
      ->required()
      ->expected(2);
  AddOutputOption(diff, options.get());
  diff->footer("Example: anneal diff first/0 annealed");
  diff->callback([globals, names, options] {
    globals->command = [names, options](Connection* connection) {
      return Diff(connection, *options, *names);
    };
  });
}

}  // namespace anneal::client::commands
