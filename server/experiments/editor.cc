#include "server/experiments/editor.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/config/schema.h"
#include "common/experiment_validation.h"
#include "common/resource_name.h"
#include "common/status.h"
#include "google/protobuf/util/message_differencer.h"
#include "server/store/event_store.h"
#include "server/store/experiment_store.h"
#include "server/store/run_store.h"

namespace anneal::experiments {
namespace {

using google::protobuf::util::MessageDifferencer;
using Purpose = store::Writer::Purpose;

const std::set<std::string>& UpdatableFields() {
  static const auto& fields = *new std::set<std::string>{"labels", "locked", "note", "priority"};
  return fields;
}

const std::set<std::string>& UpdatableFieldsOfRuns() {
  static const auto& fields = *new std::set<std::string>{"labels", "note"};
  return fields;
}

// Returns the fields that a request updates, of those that can be.
absl::StatusOr<std::set<std::string>> FieldsOf(const google::protobuf::FieldMask& mask,
                                               const google::protobuf::Message& wanted,
                                               const std::set<std::string>& updatable) {
  std::set<std::string> fields(mask.paths().begin(), mask.paths().end());
  if (fields == std::set<std::string>{"*"}) return updatable;
  std::vector<std::string> unknown;
  for (const std::string& field : fields) {
    if (!updatable.contains(field)) unknown.push_back(Quoted(field));
  }
  if (!unknown.empty()) {
    return InvalidField("update_mask",
                        absl::StrCat("has ", absl::StrJoin(unknown, " and "), "; allowed are ",
                                     absl::StrJoin(updatable, ", "), " and *"));
  }
  if (fields.empty()) {
    std::vector<const google::protobuf::FieldDescriptor*> set;
    wanted.GetReflection()->ListFields(wanted, &set);
    for (const auto* field : set) {
      if (updatable.contains(field->name())) fields.insert(field->name());
    }
  }
  if (!fields.empty()) return fields;
  return InvalidField("update_mask", absl::StrCat("is empty, and no field is set; name ",
                                                  absl::StrJoin(updatable, ", ")));
}

// Copies `fields` of `wanted` to the stored resource. Returns the fields whose value has changed.
template <typename Resource>
std::vector<std::string> Apply(const Resource& wanted, const std::set<std::string>& fields,
                               Resource* submission) {
  const auto* reflection = submission->GetReflection();
  std::vector<std::string> changed;
  for (const std::string& name : fields) {
    const auto* field = submission->GetDescriptor()->FindFieldByName(name);
    const Resource before = *submission;
    Resource source = wanted;
    reflection->ClearField(submission, field);
    reflection->SwapFields(submission, &source, {field});
    if (!MessageDifferencer::Equals(before, *submission)) changed.push_back(name);
  }
  return changed;
}

absl::Status CheckEtag(const v1::Experiment& wanted, const v1::Experiment& current) {
  if (wanted.etag().empty() || wanted.etag() == current.etag()) return absl::OkStatus();
  return WithReason(
      absl::AbortedError(absl::StrCat(
          "etag ", Quoted(wanted.etag()), " belongs to another version of ",
          ShortenName(current.name()), "; read the experiment again and repeat the update")),
      v1::ERROR_REASON_ETAG_MISMATCH);
}

absl::Status CheckNotLocked(const v1::Experiment& experiment) {
  if (!experiment.locked()) return absl::OkStatus();
  const std::string id = ShortenName(experiment.name());
  return WithReason(
      absl::FailedPreconditionError(absl::StrCat(
          id, " is locked against deletion; unlock it first: anneal edit ", id, " --unlock")),
      v1::ERROR_REASON_EXPERIMENT_LOCKED);
}

absl::Status CheckAllEnded(const v1::Experiment& experiment) {
  const v1::RunCounts& counts = experiment.run_counts();
  const int left = counts.pending() + counts.running() + counts.suspended();
  if (left == 0) return absl::OkStatus();
  return WithReason(absl::FailedPreconditionError(absl::StrCat(
                        ShortenName(experiment.name()), " has ", left, " of ", counts.total(),
                        " unfinished runs; cancel them first, or delete it with --force")),
                    v1::ERROR_REASON_RUNS_NOT_ENDED);
}

}  // namespace

Editor::Editor(store::Store* store, const store::CheckpointFiles* checkpoints,
               scheduling::Dispatcher* dispatcher, WallClock clock)
    : store_(store), checkpoints_(checkpoints), dispatcher_(dispatcher), clock_(std::move(clock)) {}

absl::Status Editor::Update(const v1::UpdateExperimentRequest& request) {
  const v1::Experiment& wanted = request.experiment();
  const auto id = ParseExperimentName("experiment.name", wanted.name());
  const auto fields = FieldsOf(request.update_mask(), wanted, UpdatableFields());
  FieldViolations in_experiment;
  CheckAnnotations(wanted, &in_experiment);
  FieldViolations violations;
  violations.AddUnder("", id.status());
  violations.AddUnder("experiment", in_experiment);
  violations.AddUnder("", fields.status());
  violations.Sort([](absl::string_view field) {
    return config::SchemaPosition(*v1::UpdateExperimentRequest::descriptor(), field);
  });
  ANNEAL_RETURN_IF_ERROR(violations.ToStatus());
  const absl::Status status = store_->Write([&](store::Transaction& transaction) -> absl::Status {
    store::Connection& db = transaction.db();
    ANNEAL_ASSIGN_OR_RETURN(const int64_t key, store::ExperimentKey(db, *id));
    ANNEAL_RETURN_IF_ERROR(store::CheckNotDeleted(db, *id));
    ANNEAL_ASSIGN_OR_RETURN(const v1::Experiment current, store::GetExperiment(db, *id));
    ANNEAL_RETURN_IF_ERROR(CheckEtag(wanted, current));
    ANNEAL_ASSIGN_OR_RETURN(v1::Experiment submission, store::GetSubmission(db, *id));
    const std::vector<std::string> changed = Apply(wanted, *fields, &submission);
    if (changed.empty()) return absl::OkStatus();
    ANNEAL_RETURN_IF_ERROR(store::UpdateSubmission(transaction, key, submission));
    return store::AppendMessage(transaction, key, std::nullopt, clock_(),
                                absl::StrCat("updated ", absl::StrJoin(changed, ", ")));
  });
  // A new priority may change the order of the queue.
  if (status.ok()) dispatcher_->Wake();
  return status;
}

absl::Status Editor::UpdateRun(const v1::UpdateRunRequest& request) {
  const v1::Run& wanted = request.run();
  const auto name = ParseRunName("run.name", wanted.name());
  const auto fields = FieldsOf(request.update_mask(), wanted, UpdatableFieldsOfRuns());
  FieldViolations in_run;
  CheckNoteAndLabels(wanted.note(), wanted.labels(), &in_run);
  FieldViolations violations;
  violations.AddUnder("", name.status());
  violations.AddUnder("run", in_run);
  violations.AddUnder("", fields.status());
  ANNEAL_RETURN_IF_ERROR(violations.ToStatus());
  return store_->Write([&](store::Transaction& transaction) -> absl::Status {
    store::Connection& db = transaction.db();
    ANNEAL_RETURN_IF_ERROR(store::CheckNotDeleted(db, name->experiment_id));
    ANNEAL_ASSIGN_OR_RETURN(const int64_t experiment,
                            store::ExperimentKey(db, name->experiment_id));
    ANNEAL_ASSIGN_OR_RETURN(const int64_t key, store::RunKey(db, *name));
    ANNEAL_ASSIGN_OR_RETURN(v1::Run run, store::GetRun(db, *name, v1::RUN_VIEW_BASIC));
    const std::vector<std::string> changed = Apply(wanted, *fields, &run);
    if (changed.empty()) return absl::OkStatus();
    ANNEAL_RETURN_IF_ERROR(store::UpdateRunAnnotations(transaction, key, run.labels(), run.note()));
    return store::AppendMessage(transaction, experiment, key, clock_(),
                                absl::StrCat("updated ", absl::StrJoin(changed, ", ")));
  });
}

absl::Status Editor::Delete(const std::string& experiment_id, bool force) {
  ANNEAL_ASSIGN_OR_RETURN(const v1::Experiment found, store_->Read([&](store::Connection& db) {
    return store::GetExperiment(db, experiment_id);
  }));
  if (found.has_delete_time()) return absl::OkStatus();
  ANNEAL_RETURN_IF_ERROR(CheckNotLocked(found));
  if (force) {
    ANNEAL_RETURN_IF_ERROR(
        dispatcher_->ChangeExperiment(experiment_id, scheduling::Command::kCancel));
  }
  const auto remove = [&](store::Transaction& transaction) -> absl::Status {
    ANNEAL_ASSIGN_OR_RETURN(const v1::Experiment experiment,
                            store::GetExperiment(transaction.db(), experiment_id));
    // It may have been locked since.
    ANNEAL_RETURN_IF_ERROR(CheckNotLocked(experiment));
    ANNEAL_RETURN_IF_ERROR(CheckAllEnded(experiment));
    ANNEAL_ASSIGN_OR_RETURN(const int64_t key,
                            store::ExperimentKey(transaction.db(), experiment_id));
    return store::SetDeleted(transaction, key, clock_());
  };
  return store_->Write(remove, Purpose::kMakeRoom);
}

absl::Status Editor::Undelete(const std::string& experiment_id) {
  return store_->Write([&](store::Transaction& transaction) -> absl::Status {
    ANNEAL_ASSIGN_OR_RETURN(const int64_t key,
                            store::ExperimentKey(transaction.db(), experiment_id));
    return store::SetDeleted(transaction, key, std::nullopt);
  });
}

absl::Status Editor::Purge(const std::string& experiment_id) {
  const auto purge = [&](store::Transaction& transaction) -> absl::Status {
    store::Connection& db = transaction.db();
    ANNEAL_ASSIGN_OR_RETURN(const int64_t key, store::ExperimentKey(db, experiment_id));
    if (store::CheckNotDeleted(db, experiment_id).ok()) {
      return WithReason(
          absl::FailedPreconditionError(absl::StrCat(
              "experiment \"", experiment_id, "\" is not deleted; delete it before purging it")),
          v1::ERROR_REASON_EXPERIMENT_NOT_DELETED);
    }
    ANNEAL_ASSIGN_OR_RETURN(const auto runs, store::RunStates(db, key));
    // Late reports of a worker must not reach a later run with the same key.
    const bool is_held = std::any_of(runs.begin(), runs.end(), [this](const auto& run) {
      return dispatcher_->HasWorker(run.key);
    });
    if (is_held) {
      return WithReason(absl::FailedPreconditionError(
                            absl::StrCat("a worker is still stopping a run of experiment \"",
                                         experiment_id, "\"; try again in a moment")),
                        v1::ERROR_REASON_RUN_STOPPING);
    }
    // Files first: after a crash in between, the experiment can be purged again.
    checkpoints_->RemoveAll(experiment_id);
    return store::PurgeExperiment(transaction, key);
  };
  return store_->Write(purge, Purpose::kMakeRoom);
}

}  // namespace anneal::experiments
