// anneal submit builds an experiment from a preset, file or run and queues it.

#include <pwd.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <random>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "client/commands/command.h"
#include "client/commands/network_table.h"
#include "client/exporters/fields.h"
#include "client/follow.h"
#include "client/render/flatten.h"
#include "client/render/progress.h"
#include "client/render/schedule.h"
#include "client/seeds.h"
#include "common/config/field_path.h"
#include "common/config/text.h"
#include "common/config/validation.h"
#include "common/experiment_validation.h"
#include "common/json_text.h"
#include "common/resource_name.h"
#include "common/status.h"
#include "common/utf8.h"

namespace anneal::client::commands {
namespace {

struct SubmitOptions {
  std::string preset;
  std::string file;
  std::string like;
  std::vector<std::string> set;
  std::vector<std::string> sweep;
  std::vector<std::string> labels;
  std::string seeds = "0";
  std::string id;
  std::string note;
  std::string request_id;
  int priority = 0;
  bool lock = false;
  bool follow = false;
  bool dry_run = false;
  bool plot_schedule = false;
  ListOptions output;
};

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  if (path == "-") {
    return std::string(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
  }
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  if (!file.good())
    return InvalidField("--file",
                        absl::StrCat(path, " cannot be read; check the path and its permissions"));
  return text.str();
}

// Returns the config that --set and --sweep modify.
absl::StatusOr<v1::TrainingConfig> BaseConfig(Connection* connection,
                                              const SubmitOptions& options) {
  if (!options.file.empty()) {
    ANNEAL_ASSIGN_OR_RETURN(const std::string text, ReadFile(options.file));
    return config::ParseConfig(text, "--file");
  }
  if (!options.like.empty()) {
    const std::string name = ExpandName(options.like);
    ANNEAL_RETURN_IF_ERROR(ParseRunName("--like", name).status());
    ANNEAL_ASSIGN_OR_RETURN(const v1::Run run, connection->GetRun(name));
    return run.config();
  }
  if (options.preset.empty()) return v1::TrainingConfig();
  ANNEAL_ASSIGN_OR_RETURN(const v1::Preset preset,
                          connection->GetPreset(absl::StrCat("presets/", options.preset)));
  return preset.config();
}

// A random request ID makes it safe to resend the request after a lost response.
std::string NewRequestId() {
  std::random_device entropy;
  return absl::StrFormat("%08x%08x%08x%08x", entropy(), entropy(), entropy(), entropy());
}

// Returns the login name of the user.
std::string LoginName() {
  const passwd* entry = ::getpwuid(::geteuid());
  return entry == nullptr ? "" : entry->pw_name;
}

// Quotes a word for a shell in one line: $'...' escapes the control characters.
std::string OneLineWord(const std::string& word) {
  const bool has_controls = Printable(word) != word;
  if (!has_controls) return exporters::ShellWord(word);
  const std::string escaped = absl::StrReplaceAll(word, {{"\\", "\\\\"}, {"'", "\\'"}});
  return absl::StrCat("$'", Printable(escaped), "'");
}

// Returns the command line, as far as an experiment has room for it.
std::string SubmitCommand(const std::vector<std::string>& arguments) {
  std::string command = "anneal";
  for (const std::string& argument : arguments) {
    absl::StrAppend(&command, " ", OneLineWord(argument));
  }
  return std::string(Utf8Prefix(command, kMaxSubmitCommand));
}

struct BuiltRequest {
  v1::CreateExperimentRequest request;
  FieldViolations violations;  // options that cannot be parsed, which the request lacks
};

absl::StatusOr<BuiltRequest> BuildRequest(Connection* connection, const Globals& globals,
                                          const SubmitOptions& options) {
  BuiltRequest built;
  v1::CreateExperimentRequest& request = built.request;
  request.set_experiment_id(options.id);
  request.set_request_id(options.request_id.empty() ? NewRequestId() : options.request_id);
  request.set_validate_only(options.dry_run);
  v1::Experiment* experiment = request.mutable_experiment();
  experiment->set_preset(options.preset);
  experiment->set_note(options.note);
  experiment->set_priority(options.priority);
  experiment->set_locked(options.lock);
  experiment->set_user(LoginName());
  experiment->set_submit_command(SubmitCommand(globals.arguments));
  ANNEAL_ASSIGN_OR_RETURN(*experiment->mutable_config(), BaseConfig(connection, options));
  FieldViolations& violations = built.violations;
  std::string key;
  std::string value;
  // Splits KEY=VALUE of an option into `key` and `value`.
  const auto split = [&](absl::string_view option, const std::string& text) {
    return !violations.AddUnder("", SplitPair(option, text, &key, &value));
  };
  for (const std::string& assignment : options.set) {
    if (!split("--set", assignment)) continue;
    violations.AddUnder("", config::SetField(experiment->mutable_config(), key, value));
  }
  for (const std::string& axis_text : options.sweep) {
    if (!split("--sweep", axis_text)) continue;
    v1::SweepAxis* axis = experiment->add_axes();
    axis->set_field(key);
    for (absl::string_view one : absl::StrSplit(value, ',')) axis->add_values(std::string(one));
  }
  for (const std::string& label : options.labels) {
    if (split("--label", label)) (*experiment->mutable_labels())[key] = value;
  }
  const auto seeds = ParseSeeds(options.seeds);
  violations.AddUnder("", seeds.status());
  if (seeds.ok()) experiment->mutable_seeds()->Assign(seeds->begin(), seeds->end());
  return built;
}

// Returns the violations of the options that cannot be parsed, and those that the daemon finds in
// the rest.
absl::Status AllViolations(Connection* connection, BuiltRequest built) {
  built.request.set_validate_only(true);
  built.violations.AddUnder("", connection->Create(built.request).status());
  return built.violations.ToStatus();
}

std::string RunsText(const v1::Experiment& experiment) {
  const int runs = experiment.run_counts().total();
  return absl::StrCat(runs, runs == 1 ? " run" : " runs");
}

void PrintPreview(const SubmitOptions& options, const v1::Experiment& experiment) {
  if (options.output.quiet) return;  // the exit code is the answer
  if (options.output.output == "json" || options.output.output == "jsonl") {
    std::cout << ToJson(experiment,
                        {.pretty = options.output.output == "json", .unset_fields = true});
    return;
  }
  std::cout << "valid: " << RunsText(experiment) << "\n\n"
            << NetworkTable(experiment.network()) << "\n";
  if (options.plot_schedule) {
    std::cout << render::ScheduleChart(config::ResolveConfig(experiment.config()),
                                       experiment.steps_per_epoch())
              << "\n";
  }
  std::cout << config::ToTextFormat(config::ResolveConfig(experiment.config()));
}

void PrintSubmitted(const SubmitOptions& options, const v1::Experiment& experiment) {
  const std::string name = ShortenName(experiment.name());
  if (options.output.quiet || options.output.output == "name") {
    std::cout << name << "\n";
  } else if (options.output.output == "json" || options.output.output == "jsonl") {
    std::cout << ToJson(experiment,
                        {.pretty = options.output.output == "json", .unset_fields = true});
  } else if (options.output.output == "csv") {
    std::cout << render::FlatTable({&experiment}, experiment).ToCsv();
  } else {
    std::cout << "submitted " << name << ": " << RunsText(experiment) << "\n";
  }
  std::cout.flush();
}

// Sends the request, and resends it after a lost response; the request ID makes that idempotent.
absl::StatusOr<v1::Experiment> Send(Connection* connection, Interrupt* interrupt,
                                    const v1::CreateExperimentRequest& request) {
  constexpr int kTries = 3;
  absl::StatusOr<v1::Experiment> experiment = connection->Create(request);
  for (int i = 1; i < kTries && absl::IsUnavailable(experiment.status()); ++i) {
    if (!interrupt->Sleep(std::chrono::milliseconds(200))) break;
    experiment = connection->Create(request);
  }
  return experiment;
}

int FollowSubmitted(Connection* connection, const Globals& globals, const SubmitOptions& options,
                    const std::string& name) {
  // stdout gets the result, the name; progress goes to stderr.
  const auto view = render::MakeProgressView(
      options.output.quiet ? render::ProgressKind::kQuiet : render::ProgressKind::kAuto, stderr);
  DetachOnInterrupt(globals, "watch", ShortenName(name));
  const auto followed = Follow(connection, globals.interrupt, name, view.get());
  if (!followed.ok()) return PrintError(followed.status());
  if (*followed == Followed::kDetached) {
    std::cerr << Detached(globals, "watch", ShortenName(name));
    return kInterrupted;
  }
  return *followed == Followed::kSucceeded ? kSuccess : kFailure;
}

int Submit(Connection* connection, const Globals& globals, const SubmitOptions& options) {
  const auto built = BuildRequest(connection, globals, options);
  if (!built.ok()) return PrintError(built.status());
  if (!built->violations.empty()) return PrintError(AllViolations(connection, *built));
  const auto experiment = Send(connection, globals.interrupt, built->request);
  if (!experiment.ok()) return PrintError(experiment.status());
  if (options.dry_run) {
    PrintPreview(options, *experiment);
    return kSuccess;
  }
  PrintSubmitted(options, *experiment);
  return options.follow ? FollowSubmitted(connection, globals, options, experiment->name())
                        : kSuccess;
}

}  // namespace

void AddSubmitCommand(CLI::App* app, Globals* globals) {
  CLI::App* submit = app->add_subcommand("submit", "Submit an experiment");
  const auto options = std::make_shared<SubmitOptions>();
  auto* preset =
      submit->add_option("--preset", options->preset, "Start from the config of a preset");
  auto* file = submit->add_option("--file", options->file,
                                  "Start from a config in text format or JSON; - reads stdin");
  auto* like = submit->add_option("--like", options->like, "Start from the config of a run");
  preset->excludes(file)->excludes(like);
  file->excludes(like);
  submit->add_option("--set", options->set, "Set a field, such as epochs=3; repeatable")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  submit
      ->add_option(
          "--sweep", options->sweep,
          "Sweep a field over values, such as optimizer.learning_rate=1e-3,1e-2; repeatable")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  submit->add_option("--label", options->labels, "Add a label, such as owner=ada; repeatable")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  submit->add_option("--seeds", options->seeds, "Seeds, one run each: 0..3 or 1,5,9")
      ->capture_default_str();
  submit->add_option("--id", options->id, "Name of the experiment. Default: generated");
  submit->add_option("--note", options->note, "Free-text note");
  submit->add_option("--priority", options->priority, "Priority; higher ones start first")
      ->capture_default_str();
  submit->add_flag("--lock", options->lock, "Refuse to delete it until anneal edit --unlock");
  submit->add_option(
      "--request-id", options->request_id,
      "Idempotency key: resubmitting with the same key creates no second experiment");
  submit->add_flag("-f,--follow", options->follow, "Watch the experiment until it ends");
  submit->add_flag("--dry-run", options->dry_run,
                   "Validate the experiment and show its network; store nothing");
  submit->add_flag("--plot-schedule", options->plot_schedule,
                   "With --dry-run: draw theta and the learning rate by epoch");
  AddOutputOption(submit, &options->output);
  submit->footer(
      "Example: anneal submit --preset annealed --set epochs=3 --seeds 0..3 --id first -f");
  submit->callback([globals, options] {
    globals->command = [globals, options](Connection* connection) {
      return Submit(connection, *globals, *options);
    };
  });
}

}  // namespace anneal::client::commands
