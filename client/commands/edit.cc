// anneal edit changes labels, note, priority and lock of existing experiments, and labels and note
// of runs.

#include <iostream>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/commands/command.h"
#include "common/resource_name.h"
#include "common/status.h"

namespace anneal::client::commands {
namespace {

struct Edits {
  std::vector<std::string> names;
  std::vector<std::string> labels;
  std::vector<std::string> unlabels;
  std::optional<std::string> note;
  std::optional<int> priority;
  std::optional<bool> locked;

  bool are_empty() const {
    return labels.empty() && unlabels.empty() && !note.has_value() && !priority.has_value() &&
           !locked.has_value();
  }
};

// Sets the fields that experiments and runs have.
template <typename Resource>
absl::Status Annotate(const Edits& edits, const Resource& current, Resource* wanted,
                      google::protobuf::FieldMask* mask) {
  wanted->set_name(current.name());
  // The options change single labels but the call replaces all of them: starting from the current
  // ones keeps the others.
  *wanted->mutable_labels() = current.labels();
  for (const std::string& key : edits.unlabels) wanted->mutable_labels()->erase(key);
  for (const std::string& label : edits.labels) {
    std::string key;
    std::string value;
    ANNEAL_RETURN_IF_ERROR(SplitPair("--label", label, &key, &value));
    (*wanted->mutable_labels())[key] = value;
  }
  if (!edits.labels.empty() || !edits.unlabels.empty()) mask->add_paths("labels");
  if (edits.note.has_value()) {
    wanted->set_note(*edits.note);
    mask->add_paths("note");
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::UpdateExperimentRequest> Edited(const Edits& edits,
                                                   const v1::Experiment& current) {
  v1::UpdateExperimentRequest request;
  v1::Experiment* experiment = request.mutable_experiment();
  auto* mask = request.mutable_update_mask();
  // Keeps concurrent edits.
  experiment->set_etag(current.etag());
  ANNEAL_RETURN_IF_ERROR(Annotate(edits, current, experiment, mask));
  if (edits.priority.has_value()) {
    experiment->set_priority(*edits.priority);
    mask->add_paths("priority");
  }
  if (edits.locked.has_value()) {
    experiment->set_locked(*edits.locked);
    mask->add_paths("locked");
  }
  return request;
}

absl::Status EditExperiment(Connection* connection, const Edits& edits, const std::string& name) {
  constexpr int kTries = 5;
  absl::Status status;
  for (int i = 0; i < kTries; ++i) {
    ANNEAL_ASSIGN_OR_RETURN(const v1::Experiment current, connection->GetExperiment(name));
    ANNEAL_ASSIGN_OR_RETURN(const auto request, Edited(edits, current));
    status = connection->Update(request).status();
    // A concurrent update changed the etag: retry with the current experiment.
    if (!absl::IsAborted(status)) return status;
  }
  return status;
}

absl::Status EditRun(Connection* connection, const Edits& edits, const std::string& name) {
  for (const auto& [option, is_set] : {std::pair("--priority", edits.priority.has_value()),
                                       std::pair("--lock", edits.locked.has_value())}) {
    if (!is_set) continue;
    return InvalidField(option, absl::StrCat("is of experiments, and ", ShortenName(name),
                                             " is a run; name its experiment"));
  }
  ANNEAL_ASSIGN_OR_RETURN(const v1::Run current, connection->GetRun(name));
  v1::UpdateRunRequest request;
  ANNEAL_RETURN_IF_ERROR(
      Annotate(edits, current, request.mutable_run(), request.mutable_update_mask()));
  return connection->UpdateRun(request).status();
}

int Edit(Connection* connection, const Edits& edits) {
  int code = kSuccess;
  for (const std::string& typed : edits.names) {
    const std::string name = ExpandName(typed);
    const absl::Status status = IsRunName(name) ? EditRun(connection, edits, name)
                                                : EditExperiment(connection, edits, name);
    if (status.ok()) {
      std::cout << "updated " << ShortenName(name) << "\n";
    } else {
      code = PrintError(status);
    }
  }
  return code;
}

}  // namespace

void AddEditCommand(CLI::App* app, Globals* globals) {
  CLI::App* edit = app->add_subcommand(
      "edit", "Change labels, note, priority or lock of experiments, or labels and note of runs");
  const auto edits = std::make_shared<Edits>();
  edit->add_option("names", edits->names, "Experiments or runs, such as first or first/0")
      ->required();
  edit->add_option("--label", edits->labels, "Set a label, such as owner=ada; repeatable")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  edit->add_option("--unlabel", edits->unlabels, "Remove a label, such as owner; repeatable")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  edit->add_option("--note", edits->note, "Replace the note; \"\" removes it");
  edit->add_option("--priority", edits->priority,
                   "Priority of queued runs; higher ones start first");
  auto* lock = edit->add_flag_callback(
      "--lock", [edits] { edits->locked = true; },
      "Refuse to delete the experiment, even by force");
  edit->add_flag_callback(
          "--unlock", [edits] { edits->locked = false; }, "Allow to delete the experiment again")
      ->excludes(lock);
  edit->footer("Example: anneal edit first --label team=vision --priority 5");
  edit->callback([globals, edits] {
    if (edits->are_empty()) {
      throw CLI::RequiredError("--label, --unlabel, --note, --priority, --lock or --unlock");
    }
    globals->command = [edits](Connection* connection) { return Edit(connection, *edits); };
  });
}

}  // namespace anneal::client::commands
