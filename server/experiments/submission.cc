#include "server/experiments/submission.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "common/config/extend.h"
#include "common/config/field_path.h"
#include "common/config/schema.h"
#include "common/config/sweep.h"
#include "common/config/validation.h"
#include "common/enum_name.h"
#include "common/experiment_validation.h"
#include "common/field_behavior.h"
#include "common/resource_name.h"
#include "common/sha256.h"
#include "common/status.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "server/store/checkpoint_store.h"
#include "server/store/experiment_store.h"
#include "server/store/fault_point.h"
#include "server/store/run_store.h"

namespace anneal::experiments {
namespace {

constexpr size_t kMaxRequestId = 64;
constexpr size_t kMaxPreset = 64;
constexpr size_t kMaxUser = 64;
// Enough to correct in one round; those of more cells are not looked for.
constexpr size_t kMostViolations = 100;

// Paths in the request.
constexpr absl::string_view kExperiment = "experiment";
constexpr absl::string_view kConfig = "experiment.config";

// Refuses fields that this server does not know: it would not honour a newer client's request.
void CheckKnown(const v1::Experiment& experiment, FieldViolations* violations) {
  v1::Experiment known = experiment;
  known.DiscardUnknownFields();
  if (known.ByteSizeLong() != experiment.ByteSizeLong()) {
    violations->Add(
        "experiment",
        "has fields that this server does not know; use a client of the server's version");
  }
}

// Checks all fields but the config, the axes and the seeds.
FieldViolations CheckRequest(const v1::CreateExperimentRequest& request) {
  FieldViolations violations;
  FieldViolations in_experiment;
  const v1::Experiment& experiment = request.experiment();
  CheckText("request_id", request.request_id(), kMaxRequestId, &violations);
  if (!request.experiment_id().empty()) {
    violations.AddUnder("", CheckExperimentId("experiment_id", request.experiment_id()));
  }
  CheckKnown(experiment, &violations);
  CheckText("preset", experiment.preset(), kMaxPreset, &in_experiment);
  CheckText("user", experiment.user(), kMaxUser, &in_experiment);
  CheckSubmitCommand(experiment, &in_experiment);
  CheckAnnotations(experiment, &in_experiment);
  CheckRequired(experiment, &in_experiment);
  violations.AddUnder(kExperiment, in_experiment);
  return violations;
}

// Returns a digest that tells a retry from another request. validate_only does not count, nor does
// the command: one that follows the runs submits the same experiment.
std::string Fingerprint(v1::CreateExperimentRequest request) {
  request.clear_validate_only();
  if (request.has_experiment()) request.mutable_experiment()->clear_submit_command();
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    request.SerializeToCodedStream(&coded);
  }
  Sha256 hash;
  hash.Update(bytes);
  return hash.HexDigest();
}

// Returns a new id such as `annealed-k3v9ta2x`.
std::string MakeUpId(absl::string_view preset) {
  constexpr absl::string_view kAlphabet = "0123456789abcdefghijkmnpqrstuvwxyz";
  thread_local absl::BitGen generator;
  std::string id = absl::StrCat(
      CheckExperimentId("", preset).ok() && preset.size() < 50 ? preset : "experiment", "-");
  for (int i = 0; i < 8; ++i)
    id.push_back(kAlphabet[absl::Uniform(generator, size_t{0}, kAlphabet.size())]);
  return id;
}

// Returns the experiment with one seed and those values of its axes that can be set, each once: the
// cells whose violations are reported beside those of a sweep that cannot be expanded.
v1::Experiment Expandable(const v1::Experiment& experiment) {
  v1::Experiment expandable = experiment;
  expandable.clear_seeds();
  expandable.clear_axes();
  std::set<std::string> fields;
  for (const v1::SweepAxis& axis : experiment.axes()) {
    v1::SweepAxis settable;
    settable.set_field(axis.field());
    std::set<std::string> distinct;
    for (const std::string& value : axis.values()) {
      v1::TrainingConfig scratch = experiment.config();
      if (!config::SetField(&scratch, axis.field(), value).ok()) continue;
      if (distinct.insert(value).second) settable.add_values(value);
    }
    if (distinct.empty() || !fields.insert(axis.field()).second) continue;
    *expandable.add_axes() = std::move(settable);
  }
  return expandable;
}

absl::Status RequestIdReused(absl::string_view request_id) {
  return WithReason(absl::AlreadyExistsError(absl::StrCat(
                        "request_id \"", request_id,
                        "\" was used for a different request; use a new one for a new request")),
                    v1::ERROR_REASON_REQUEST_ID_REUSED);
}

// Returns the experiment that an earlier request with this request_id created; nothing without an
// id. ALREADY_EXISTS where the earlier request was a different one.
absl::StatusOr<std::optional<v1::Experiment>> FindEarlier(store::Connection& db,
                                                          const std::string& request_id,
                                                          const std::string& fingerprint) {
  std::optional<v1::Experiment> found;
  if (request_id.empty()) return found;
  ANNEAL_ASSIGN_OR_RETURN(const auto earlier, store::FindRequest(db, request_id));
  if (!earlier.has_value()) return found;
  if (earlier->request_sha256 != fingerprint) return RequestIdReused(request_id);
  ANNEAL_ASSIGN_OR_RETURN(found, store::GetExperiment(db, earlier->experiment_id));
  return found;
}

}  // namespace

Submission::Submission(store::Store* store, training::data::DatasetRegistry* datasets,
                       scheduling::Dispatcher* dispatcher, const store::UsageLimits& limits,
                       WallClock clock)
    : store_(store),
      datasets_(datasets),
      dispatcher_(dispatcher),
      limits_(limits),
      clock_(std::move(clock)) {}

absl::StatusOr<v1::Experiment> Submission::Create(const v1::CreateExperimentRequest& request) {
  FieldViolations violations = CheckRequest(request);
  const std::string fingerprint = Fingerprint(request);
  // Before the config is checked: a retry succeeds even if its data set is gone by now.
  if (violations.empty() && !request.request_id().empty()) {
    ANNEAL_ASSIGN_OR_RETURN(std::optional<v1::Experiment> earlier,
                            store_->Read([&](store::Connection& db) {
                              return FindEarlier(db, request.request_id(), fingerprint);
                            }));
    if (earlier.has_value()) return *std::move(earlier);
  }
  ANNEAL_ASSIGN_OR_RETURN(store::NewExperiment experiment, Prepare(request, std::move(violations)));
  experiment.request_sha256 = fingerprint;
  return request.validate_only() ? Preview(experiment) : Insert(experiment);
}

absl::StatusOr<v1::Experiment> Submission::Preview(const store::NewExperiment& experiment) {
  const absl::Status status = store_->Read([&](store::Connection& db) -> absl::Status {
    if (!store::ExperimentKey(db, experiment.id).ok()) return CheckLimits(db, experiment);
    return WithReason(absl::AlreadyExistsError(
                          absl::StrCat("there is an experiment \"", experiment.id, "\" already")),
                      v1::ERROR_REASON_EXPERIMENT_EXISTS);
  });
  ANNEAL_RETURN_IF_ERROR(status);
  v1::Experiment preview = experiment.submission;
  *preview.mutable_network() = experiment.network;
  preview.set_steps_per_epoch(experiment.steps_per_epoch);
  preview.mutable_run_counts()->set_total(static_cast<int32_t>(experiment.run_count()));
  return preview;
}

absl::StatusOr<v1::Experiment> Submission::Insert(const store::NewExperiment& experiment) {
  v1::Experiment created;
  const absl::Status status = store_->Write([&](store::Transaction& transaction) -> absl::Status {
    // Again, because the same request may have come in between.
    ANNEAL_ASSIGN_OR_RETURN(
        std::optional<v1::Experiment> earlier,
        FindEarlier(transaction.db(), experiment.request_id, experiment.request_sha256));
    if (!earlier.has_value()) {
      ANNEAL_RETURN_IF_ERROR(CheckLimits(transaction.db(), experiment));
      ANNEAL_RETURN_IF_ERROR(store::InsertExperiment(transaction, experiment));
      earlier = store::AsInserted(experiment);
    }
    created = *std::move(earlier);
    store::FaultPoint("submission.recorded");
    return absl::OkStatus();
  });
  store::FaultPoint("submission.committed");
  ANNEAL_RETURN_IF_ERROR(status);
  dispatcher_->Wake();
  return created;
}

absl::Status Submission::CheckLimits(store::Connection& db,
                                     const store::NewExperiment& experiment) const {
  return store::CheckUsage(db, limits_, experiment.submission.user(), experiment.run_count());
}

absl::StatusOr<store::NewExperiment> Submission::Prepare(const v1::CreateExperimentRequest& request,
                                                         FieldViolations violations) {
  store::NewExperiment experiment;
  experiment.id = request.experiment_id();
  if (experiment.id.empty()) experiment.id = MakeUpId(request.experiment().preset());
  experiment.request_id = request.request_id();
  experiment.submission = request.experiment();
  ClearOutputOnly(&experiment.submission);
  experiment.time_micros = clock_();
  if (request.experiment().has_config()) {
    ANNEAL_RETURN_IF_ERROR(PlanRuns(experiment.submission, &violations, &experiment));
  }
  violations.Sort([](absl::string_view field) {
    return config::SchemaPosition(*v1::CreateExperimentRequest::descriptor(), field);
  });
  ANNEAL_RETURN_IF_ERROR(violations.ToStatus());
  return experiment;
}

absl::StatusOr<config::RunPlan> Submission::Plan(const v1::TrainingConfig& config) {
  const auto dataset = datasets_->Get(config.dataset().name());
  if (dataset.ok()) return config::PlanRun(config, (*dataset)->shape());
  // The rest of the config is checked as far as it needs no data set.
  FieldViolations violations;
  violations.AddUnder("", config::CheckConfig(config));
  if (!violations.Has("dataset.name") && !violations.AddUnder("", dataset.status())) {
    return dataset.status();
  }
  return violations.ToStatus();
}

absl::Status Submission::PlanRuns(const v1::Experiment& submission, FieldViolations* violations,
                                  store::NewExperiment* experiment) {
  auto cells = config::ExpandSweep(submission);
  if (!cells.ok()) {
    if (!violations->AddUnder(kExperiment, cells.status())) return cells.status();
    v1::Experiment expandable = Expandable(submission);
    cells = config::ExpandSweep(expandable);
    if (!cells.ok()) {  // too many
      for (v1::SweepAxis& axis : *expandable.mutable_axes()) {
        axis.mutable_values()->DeleteSubrange(1, axis.values_size() - 1);
      }
      cells = config::ExpandSweep(expandable);
    }
    if (!cells.ok()) return cells.status();
  }
  const std::vector<int64_t> seeds = config::SeedsOf(submission);
  for (const config::SweepCell& cell : *cells) {
    const auto plan = Plan(cell.config);
    if (!plan.ok()) {
      if (!violations->AddUnder(kConfig, plan.status())) return plan.status();
      if (violations->size() >= kMostViolations) break;
      continue;
    }
    if (!violations->empty()) continue;
    if (experiment->cells.empty()) {
      experiment->network = config::Summarize(plan->network);
      experiment->steps_per_epoch = plan->length.steps_per_epoch;
    }
    experiment->cells.emplace_back(cell.parameters, cell.config, seeds);
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::TrainingConfig> Submission::Extended(const v1::Run& run, int32_t epochs) {
  if (run.state() != v1::RUN_STATE_SUCCEEDED) {
    return WithReason(absl::FailedPreconditionError(
                          absl::StrCat(ShortenName(run.name()), " is ", EnumName(run.state()),
                                       "; only a run that has SUCCEEDED can be extended")),
                      v1::ERROR_REASON_RUN_STATE);
  }
  if (run.epochs_done() < run.epochs_total()) {
    return WithReason(absl::FailedPreconditionError(absl::StrCat(
                          ShortenName(run.name()), " stopped early in epoch ", run.epochs_done(),
                          " and would stop again; ",
                          "submit it again with --like and another early_stopping.patience")),
                      v1::ERROR_REASON_RUN_STOPPED_EARLY);
  }
  FieldViolations violations;
  if (epochs <= run.epochs_total()) {
    violations.Add("epochs", absl::StrCat("is ", epochs, ", but the run has ", run.epochs_total(),
                                          " epochs already; give a larger total"));
    return violations.ToStatus();
  }
  const v1::TrainingConfig& config = run.config();
  ANNEAL_ASSIGN_OR_RETURN(const auto dataset, datasets_->Get(config.dataset().name()));
  ANNEAL_ASSIGN_OR_RETURN(const config::RunPlan plan, config::PlanRun(config, dataset->shape()));
  v1::TrainingConfig extended = config::ExtendConfig(config, plan.length, epochs);
  ANNEAL_RETURN_IF_ERROR(config::PlanRun(extended, dataset->shape()).status());
  return extended;
}

absl::Status Submission::Extend(const RunName& name, int32_t epochs) {
  ANNEAL_ASSIGN_OR_RETURN(const v1::Run run, store_->Read([&](store::Connection& db) {
    return store::GetRun(db, name, v1::RUN_VIEW_FULL);
  }));
  ANNEAL_ASSIGN_OR_RETURN(const v1::TrainingConfig config, Extended(run, epochs));
  const absl::Status status = store_->Write([&](store::Transaction& transaction) -> absl::Status {
    store::Connection& db = transaction.db();
    ANNEAL_RETURN_IF_ERROR(store::CheckNotDeleted(db, name.experiment_id));
    ANNEAL_ASSIGN_OR_RETURN(const int64_t key, store::RunKey(db, name));
    ANNEAL_ASSIGN_OR_RETURN(const auto checkpoints, store::ListCheckpoints(db, key));
    if (checkpoints.empty()) {
      return WithReason(
          absl::FailedPreconditionError(
              absl::StrCat(ShortenName(run.name()), " has no checkpoint to resume from; submit it ",
                           "again with --like and more epochs")),
          v1::ERROR_REASON_NO_CHECKPOINT);
    }
    // Refuses a run that another call has changed in between.
    ANNEAL_RETURN_IF_ERROR(
        store::ChangeRunState(transaction, key, v1::RUN_STATE_PENDING, clock_()));
    ANNEAL_RETURN_IF_ERROR(store::CheckRevived(db, limits_, key, 1));
    return store::ExtendRun(transaction, key, config);
  });
  if (status.ok()) dispatcher_->Wake();
  return status;
}

}  // namespace anneal::experiments
