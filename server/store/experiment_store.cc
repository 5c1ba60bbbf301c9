#include "server/store/experiment_store.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/resource_name.h"
#include "common/run_state.h"
#include "common/status.h"
#include "server/store/event_store.h"
#include "server/store/json.h"

namespace anneal::store {
namespace {

constexpr absl::string_view kColumns =
    "experiment_id, id, submission, created, last_sequence, pending, running, suspended, "
    "succeeded, failed, cancelled";

absl::StatusOr<ListedExperiment> ReadRow(const Statement& row) {
  ListedExperiment listed;
  listed.key = row.Int(0);
  v1::Experiment& experiment = listed.experiment;
  const absl::string_view submission = row.Bytes(2);
  if (!experiment.ParseFromArray(submission.data(), static_cast<int>(submission.size()))) {
    return absl::DataLossError(
        absl::StrCat("the stored submission of experiment \"", row.Text(1), "\" is not readable"));
  }
  experiment.set_name(ExperimentName(row.Text(1)));
  *experiment.mutable_create_time() = ToTimestamp(row.Int(3));
  experiment.set_last_sequence(row.Int(4));
  v1::RunCounts* counts = experiment.mutable_run_counts();
  counts->set_pending(static_cast<int32_t>(row.Int(5)));
  counts->set_running(static_cast<int32_t>(row.Int(6)));
  counts->set_suspended(static_cast<int32_t>(row.Int(7)));
  counts->set_succeeded(static_cast<int32_t>(row.Int(8)));
  counts->set_failed(static_cast<int32_t>(row.Int(9)));
  counts->set_cancelled(static_cast<int32_t>(row.Int(10)));
  counts->set_total(counts->pending() + counts->running() + counts->suspended() +
                    counts->succeeded() + counts->failed() + counts->cancelled());
  experiment.set_state(CombinedState(*counts));
  return listed;
}

absl::Status NoSuchExperiment(absl::string_view id) {
  return WithReason(absl::NotFoundError(absl::StrCat("there is no experiment \"", id,
                                                     "\"; `anneal list` shows those there are")),
                    "EXPERIMENT_NOT_FOUND");
}

absl::Status InsertRuns(Connection& db, int64_t key, const NewExperiment& experiment) {
  int64_t ordinal = 0;
  for (const NewRun& run : experiment.runs) {
    Statement insert = db.Prepare(
        "INSERT INTO runs (experiment_id, ordinal, seed, parameters, config, priority, state,"
        " created, epochs_total) VALUES (?, ?, ?, ?, ?, ?, 'PENDING', ?, ?)");
    insert.Bind(key, ordinal++, run.seed, run.parameters_json, run.config_json,
                experiment.submission.priority(), experiment.time_micros, run.epochs);
    ANNEAL_RETURN_IF_ERROR(insert.Run());
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status InsertExperiment(Transaction& transaction, const NewExperiment& experiment) {
  Connection& db = transaction.db();
  const std::string submission = experiment.submission.SerializeAsString();
  const std::string network = ToColumn(experiment.network);
  const std::optional<std::string> request_id =
      experiment.request_id.empty() ? std::nullopt : std::optional(experiment.request_id);
  Statement insert = db.Prepare(
      "INSERT INTO experiments (id, request_id, request_sha256, submission, preset, network,"
      " priority, created, pending) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.Bind(experiment.id, request_id, experiment.request_sha256, Blob{submission},
              experiment.submission.preset(), network, experiment.submission.priority(),
              experiment.time_micros, experiment.runs.size());
  if (const absl::Status status = insert.Run(); absl::IsAlreadyExists(status)) {
    return WithReason(
        absl::AlreadyExistsError(absl::StrCat("there is an experiment \"", experiment.id,
                                              "\" already; choose another id")),
        "EXPERIMENT_EXISTS");
  } else if (!status.ok()) {
    return status;
  }
  const int64_t key = db.last_insert_rowid();
  ANNEAL_RETURN_IF_ERROR(InsertRuns(db, key, experiment));
  return AppendMessage(transaction, key, std::nullopt, experiment.time_micros,
                       absl::StrCat("created with ", experiment.runs.size(), " runs"));
}

absl::StatusOr<std::optional<EarlierRequest>> FindRequest(Connection& db,
                                                          absl::string_view request_id) {
  Statement query = db.Prepare("SELECT id, request_sha256 FROM experiments WHERE request_id = ?");
  query.Bind(request_id);
  std::optional<EarlierRequest> found;
  if (query.Next()) {
    found = {.experiment_id = query.Text(0), .request_sha256 = query.Text(1)};
  }
  ANNEAL_RETURN_IF_ERROR(query.status());
  return found;
}

absl::StatusOr<int64_t> ExperimentKey(Connection& db, absl::string_view id) {
  Statement query = db.Prepare("SELECT experiment_id FROM experiments WHERE id = ?");
  query.Bind(id);
  const bool found = query.Next();
  ANNEAL_RETURN_IF_ERROR(query.status());
  if (!found) return NoSuchExperiment(id);
  return query.Int(0);
}

absl::StatusOr<v1::Experiment> GetExperiment(Connection& db, absl::string_view id) {
  static const auto& sql = *new std::string(
      absl::StrCat("SELECT ", kColumns, ", network FROM experiments WHERE id = ?"));
  Statement query = db.Prepare(sql);
  query.Bind(id);
  const bool found = query.Next();
  ANNEAL_RETURN_IF_ERROR(query.status());
  if (!found) return NoSuchExperiment(id);
  ANNEAL_ASSIGN_OR_RETURN(ListedExperiment listed, ReadRow(query));
  ANNEAL_RETURN_IF_ERROR(FromColumn(query.Bytes(11), listed.experiment.mutable_network()));
  return std::move(listed.experiment);
}

absl::StatusOr<std::vector<ListedExperiment>> ListExperiments(Connection& db, int64_t before_key,
                                                              int limit) {
  static const auto& sql = *new std::string(absl::StrCat(
      "SELECT ", kColumns,
      " FROM experiments WHERE experiment_id < ? ORDER BY experiment_id DESC LIMIT ?"));
  Statement query = db.Prepare(sql);
  query.Bind(before_key, limit);
  std::vector<ListedExperiment> experiments;
  while (query.Next()) {
    ANNEAL_ASSIGN_OR_RETURN(experiments.emplace_back(), ReadRow(query));
  }
  ANNEAL_RETURN_IF_ERROR(query.status());
  return experiments;
}

}  // namespace anneal::store
