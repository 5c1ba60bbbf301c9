// anneal edit changes labels, note and priority of existing experiments.

#include <iostream>
#include <memory>
#include <optional>

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
};

absl::StatusOr<v1::UpdateExperimentRequest> Edited(const Edits& edits,
                                                   const v1::Experiment& current) {
  v1::UpdateExperimentRequest request;
  v1::Experiment* experiment = request.mutable_experiment();
  experiment->set_name(current.name());
  // The options change single labels but the call replaces all of them: starting from the current
  // ones keeps concurrent edits.
  experiment->set_etag(current.etag());
  *experiment->mutable_labels() = current.labels();
  for (const std::string& key : edits.unlabels) experiment->mutable_labels()->erase(key);
  for (const std::string& label : edits.labels) {
    std::string key;
    std::string value;
    ANNEAL_RETURN_IF_ERROR(SplitPair("--label", label, &key, &value));
    (*experiment->mutable_labels())[key] = value;
  }
  auto* mask = request.mutable_update_mask();
  if (!edits.labels.empty() || !edits.unlabels.empty()) mask->add_paths("labels");
  if (edits.note.has_value()) {
    experiment->set_note(*edits.note);
    mask->add_paths("note");
  }
  if (edits.priority.has_value()) {
    experiment->set_priority(*edits.priority);
    mask->add_paths("priority");
  }
  return request;
}

absl::Status EditOne(Connection* connection, const Edits& edits, const std::string& name) {
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

int Edit(Connection* connection, const Edits& edits) {
  int code = kSuccess;
  for (const std::string& typed : edits.names) {
    const std::string name = ExpandName(typed);
    const absl::Status status = EditOne(connection, edits, name);
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
  CLI::App* edit = app->add_subcommand("edit", "Change labels, note or priority of experiments");
  const auto edits = std::make_shared<Edits>();
  edit->add_option("names", edits->names, "Experiments, such as first")->required();
  edit->add_option("--label", edits->labels, "Set a label, such as owner=ada; repeatable")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  edit->add_option("--unlabel", edits->unlabels, "Remove a label, such as owner; repeatable")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  edit->add_option("--note", edits->note, "Replace the note; \"\" removes it");
  edit->add_option("--priority", edits->priority,
                   "Priority of queued runs; higher ones start first");
  edit->footer("Example: anneal edit first --label team=vision --priority 5");
  edit->callback([globals, edits] {
    if (edits->labels.empty() && edits->unlabels.empty() && !edits->note.has_value() &&
        !edits->priority.has_value()) {
      throw CLI::RequiredError("--label, --unlabel, --note or --priority");
    }
    globals->command = [edits](Connection* connection) { return Edit(connection, *edits); };
  });
}

}  // namespace anneal::client::commands
